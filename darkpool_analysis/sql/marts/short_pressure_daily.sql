-- Grain: short_pressure_daily (symbol, date): DPI and its z-scores for the watch list and the index's members on the
-- sessions from $first on that have Reg SHO. Parameters: $first, $universe ('watch list' or the file's name).
-- DPI = short / total; DIX = Σ close·short / Σ close·total over the members (SqueezeMetrics, Short is Long, 2018; the
-- price used there is not stated: here the day's raw close). z: against the 20 (60) sessions before, all of them there.

create or replace temp table pressed as
select symbol from watched
union
select symbol from index_members;

create or replace temp table members as
select symbol from index_members
union
select symbol from watched where not exists (select 1 from index_members);

delete from short_pressure_daily where date >= $first::date;

insert into short_pressure_daily
with numbered as (
  select date, row_number() over (order by date) as number from market_sessions
),
regsho as (
  select
    r.symbol, r.date, n.number,
    sum(r.short_volume order by r.family) as short_volume,
    sum(r.total_volume order by r.family) as total_volume,
    sum(r.short_volume order by r.family) / nullif(sum(r.total_volume order by r.family), 0) as dpi
  from finra_regsho_daily r
  join numbered n on n.date = r.date
  where r.family in ('CNMS', 'FORF')
    and r.symbol in (select symbol from pressed)
    and n.number >= (select min(number) - 60 from numbered where date >= $first::date)
  group by all
),
scored as (
  select
    *,
    count(dpi) over w20 as n20, avg(dpi) over w20 as mean20, stddev_samp(dpi) over w20 as sd20,
    count(dpi) over w60 as n60, avg(dpi) over w60 as mean60, stddev_samp(dpi) over w60 as sd60
  from regsho
  window
    w20 as (partition by symbol order by number range between 20 preceding and 1 preceding),
    w60 as (partition by symbol order by number range between 60 preceding and 1 preceding)
),
dix as (
  select
    r.date,
    sum(b.close * r.short_volume order by r.symbol) / nullif(sum(b.close * r.total_volume order by r.symbol), 0) as dix,
    count(*)::integer as dix_members
  from regsho r
  join polygon_bars_daily b on b.symbol = r.symbol and b.date = r.date and not b.adjusted
  where r.symbol in (select symbol from members)
  group by r.date
)
select
  s.symbol, s.date, s.short_volume, s.total_volume, s.dpi,
  case when n20 = 20 and sd20 > 0 then (dpi - mean20) / sd20 end as dpi_z20,
  case when n60 = 60 and sd60 > 0 then (dpi - mean60) / sd60 end as dpi_z60,
  d.dix, d.dix_members, $universe as dix_universe,
  case when d.dix is not null then 'raw close of the day' end as dix_price
from scored s
left join dix d on d.date = s.date
where s.date >= $first::date
order by s.symbol, s.date;
