-- Grain: day_sources (symbol, date), one row per affected day: every volume that a source gives of it (temporary).

create or replace temp table day_sources as
select
  a.symbol, a.date, s.week_start,
  t.off_exchange_shares as tape_volume,
  r.regsho_volume,
  coalesce(t.consolidated_shares, b.volume) as consolidated_volume
from affected_days a
join market_sessions s on s.date = a.date
left join tape_totals_daily t on t.symbol = a.symbol and t.date = a.date
left join (
  select symbol, date, sum(total_volume order by family) as regsho_volume
  from finra_regsho_daily
  where family in ('CNMS', 'FORF') and date in (select distinct date from affected_days)
  group by symbol, date
) r on r.symbol = a.symbol and r.date = a.date
left join polygon_bars_daily b on b.symbol = a.symbol and b.date = a.date and not b.adjusted;

-- the weeks whose factors are asked for: those of the days, and those that nowcast_error judges
create or replace temp table factor_wanted as
select distinct symbol, week_start from day_sources
union
select symbol, week_start from affected_weeks;
