-- Where and when the off-exchange volume of the day lay, late prints left out. Grain: one row. Parameters: $symbol, $date.

with half_hours as (
  select half_hour, sum(volume) as volume
  from intraday_profile
  where symbol = $symbol and date = $date::date and not late
  group by half_hour
)
select
  p.point_of_control as point_of_control_usd,
  p.value_area_low as value_area_low_usd,
  p.value_area_high as value_area_high_usd,
  p.level_step as level_step_usd,
  p.volume as profiled_shares,
  strftime(date '2000-01-01' + h.half_hour, '%H:%M') as busiest_half_hour,
  h.volume as busiest_shares,
  100 * h.volume / nullif(p.volume, 0) as busiest_pct
from intraday_profile_summary p
left join (from half_hours order by volume desc, half_hour limit 1) h on true
where p.symbol = $symbol and p.date = $date::date;
