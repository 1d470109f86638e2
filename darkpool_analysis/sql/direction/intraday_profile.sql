-- Grain: intraday_profile (symbol, date, half_hour, price_level, late), intraday_profile_summary (symbol, date).
-- Inputs: off_exchange_prints and range_units of this connection; market_sessions. Replaces the range's symbol-days.
-- All off-exchange prints of the whole day. Sides, midpoint and retail are those of off_exchange_direction_daily, so its
-- sums are these sums: retail_volume is retail buy + sell + unsigned (signable, not at the midpoint).
-- Level: floor to the step, the smallest of 1-2-5 × 10ⁿ dollars that cuts the day's price range into at most 50 levels;
-- from 0.01, from 0.0001 where nothing traded at a dollar or more (the tick of Rule 612 there).
-- Value area: from the point of control, again and again the fuller of the next traded levels above and below, the
-- upper on a tie, until 70 % of the volume is in (Steidlmayer's Market Profile, one level at a time). Exact integers.

delete from intraday_profile p
using range_units u
where p.symbol = u.symbol and p.date = u.date;

delete from intraday_profile_summary p
using range_units u
where p.symbol = u.symbol and p.date = u.date;

-- A late print bears a price of another hour, so it stretches the range only where there is nothing else.
create or replace temp table profile_steps as
with ladder as (
  select unnest([1, 2, 5]) * power(10, n)::bigint as step_e6 from range(2, 15) t(n)
),
extremes as (
  select
    symbol, date,
    coalesce(min(price_e6) filter (not late), min(price_e6)) as low_e6,
    coalesce(max(price_e6) filter (not late), max(price_e6)) as high_e6
  from off_exchange_prints
  group by symbol, date
)
select e.symbol, e.date, min(l.step_e6) as step_e6
from extremes e
join ladder l
  on e.high_e6 // l.step_e6 - e.low_e6 // l.step_e6 < 50
  and (l.step_e6 >= 10000 or e.high_e6 < 1000000)
group by e.symbol, e.date;

-- Half hours are counted in UTC first: New York is whole hours away, so a bucket there is a bucket here.
create or replace temp table profile_cells as
with sided as (
  select
    c.symbol, c.date, c.late, c.shares_e6,
    c.match_ns // 1800000000000 as half_hour_utc,
    c.price_e6 // s.step_e6 as level,
    s.step_e6,
    off_exchange_side(c.status, c.quote_position, c.tick, c.retail) as side,
    c.status = 'signable' and coalesce(c.quote_position = 0, false) as mid,
    c.retail and c.status = 'signable' and coalesce(c.quote_position <> 0, true) as counted_retail
  from off_exchange_prints c
  join profile_steps s on s.symbol = c.symbol and s.date = c.date
)
select
  symbol, date, half_hour_utc, level, step_e6, late,
  count(*) as trades,
  sum(shares_e6) as shares_e6,
  coalesce(sum(shares_e6) filter (side = 1), 0) as buy_e6,
  coalesce(sum(shares_e6) filter (side = -1), 0) as sell_e6,
  coalesce(sum(shares_e6) filter (mid), 0) as mid_e6,
  coalesce(sum(shares_e6) filter (side = 0 and not mid), 0) as unsigned_e6,
  coalesce(sum(shares_e6) filter (counted_retail), 0) as retail_e6
from sided
group by all;

insert into intraday_profile
with timed as (
  -- the midnight of the execution's own day: a print may be reported the day after, across a change of the clocks
  select c.*, (c.half_hour_utc * 1800 - m.day_start_ns // 1000000000) // 60 % 1440 as minute
  from profile_cells c
  asof left join market_sessions m on c.half_hour_utc * 1800000000000 >= m.day_start_ns
)
select
  symbol, date,
  make_time(minute // 60, minute % 60, 0) as half_hour,
  level * step_e6 / 1000000.0 as price_level,
  step_e6 / 1000000.0 as level_step,
  late,
  sum(shares_e6) / 1000000.0 as volume,
  sum(trades)::bigint as trades,
  sum(buy_e6) / 1000000.0 as buy_volume,
  sum(sell_e6) / 1000000.0 as sell_volume,
  sum(mid_e6) / 1000000.0 as mid_volume,
  sum(unsigned_e6) / 1000000.0 as unsigned_volume,
  sum(retail_e6) / 1000000.0 as retail_volume
from timed
group by all
order by symbol, date, half_hour, price_level, late;

insert into intraday_profile_summary
with recursive levels as (
  select symbol, date, level, sum(shares_e6) as shares_e6
  from profile_cells
  where not late
  group by symbol, date, level
),
profiles as (
  select
    symbol, date,
    list(level order by level) as levels,
    list(shares_e6 order by level) as volumes,
    sum(shares_e6) as total,
    max(shares_e6) as most
  from levels
  group by symbol, date
),
grown as (
  select *, list_position(volumes, most) as low, list_position(volumes, most) as high, most as inside
  from profiles
  union all
  select
    symbol, date, levels, volumes, total, most,
    case when upwards then low else low - 1 end,
    case when upwards then high + 1 else high end,
    inside + case when upwards then above else below end
  from (
    select *, below is null or above >= below as upwards
    from (
      select
        *,
        case when high < len(volumes) then volumes[high + 1] end as above,
        case when low > 1 then volumes[low - 1] end as below
      from grown
      where inside * 10 < total * 7
    )
  )
),
areas as (
  select * from grown where inside * 10 >= total * 7
),
late as (
  select symbol, date, coalesce(sum(shares_e6) filter (late), 0) as late_e6
  from profile_cells
  group by symbol, date
)
select
  s.symbol, s.date,
  a.levels[list_position(a.volumes, a.most)] * s.step_e6 / 1000000.0 as point_of_control,
  a.levels[a.low] * s.step_e6 / 1000000.0 as value_area_low,
  (a.levels[a.high] + 1) * s.step_e6 / 1000000.0 as value_area_high,
  s.step_e6 / 1000000.0 as level_step,
  coalesce(a.total, 0) / 1000000.0 as volume,
  l.late_e6 / 1000000.0 as late_volume
from profile_steps s
join late l on l.symbol = s.symbol and l.date = s.date
left join areas a on a.symbol = s.symbol and a.date = s.date
order by s.symbol, s.date;

drop table profile_cells;
drop table profile_steps;
