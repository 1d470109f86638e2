-- Grain: volume_reconciliation_weekly (week_start, symbol), for affected_weeks that FINRA has published.
-- tape and regsho are sums over the week only when every session of it is there.

delete from volume_reconciliation_weekly r
using affected_weeks a
where r.week_start = a.week_start and r.symbol = a.symbol;

create or replace temp table finra_weeks as
select * from finra_weekly_volumes
where week_start in (select distinct week_start from affected_weeks);

insert into volume_reconciliation_weekly
with sessions as (
  select week_start, count(*) as sessions from market_sessions group by week_start
),
tape as (
  select s.week_start, t.symbol,
    sum(t.off_exchange_shares order by t.date) as tape,
    count(t.off_exchange_shares) as tape_sessions
  from tape_totals_daily t
  join market_sessions s on s.date = t.date
  where s.week_start in (select distinct week_start from affected_weeks)
  group by s.week_start, t.symbol
),
regsho as (
  select s.week_start, r.symbol, sum(r.total_volume order by r.date, r.family) as regsho, count(distinct r.date) as regsho_sessions
  from finra_regsho_daily r
  join market_sessions s on s.date = r.date
  where r.family in ('CNMS', 'FORF') and s.week_start in (select distinct week_start from affected_weeks)
  group by s.week_start, r.symbol
)
select
  f.week_start, f.symbol, f.tier,
  f.total_off_exchange_volume as finra,
  case when t.tape_sessions = s.sessions then t.tape end as tape,
  case when t.tape_sessions = s.sessions and t.tape > 0 then f.total_off_exchange_volume / t.tape end as ratio,
  case when r.regsho_sessions = s.sessions then r.regsho end as regsho,
  case when r.regsho_sessions = s.sessions and r.regsho > 0
    then f.total_off_exchange_volume / r.regsho end as regsho_ratio,
  s.sessions::integer,
  coalesce(t.tape_sessions, 0)::integer as tape_sessions,
  coalesce(r.regsho_sessions, 0)::integer as regsho_sessions
from finra_weeks f
join affected_weeks a on a.week_start = f.week_start and a.symbol = f.symbol
join sessions s on s.week_start = f.week_start
left join tape t on t.week_start = f.week_start and t.symbol = f.symbol
left join regsho r on r.week_start = f.week_start and r.symbol = f.symbol
order by f.week_start, f.symbol;
