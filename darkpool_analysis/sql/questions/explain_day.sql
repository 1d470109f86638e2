-- The day, and the settings its numbers were made with. Grain: one row. Parameters: $symbol, $date.

with settings as (
  select
    max(value) filter (key = 'origin') as origin,
    max(value) filter (key = 'direction_settings') as direction,
    max(value) filter (key = 'analytics_settings') as analytics
  from pipeline_state
),
read as (
  select
    origin,
    coalesce(substr(direction, 1, 5), '09:30') as regular_start,
    coalesce(substr(direction, 7, 5), '16:00') as regular_end,
    coalesce(split_part(direction, ' ', 2), 'US/Eastern') as market_tz,
    coalesce(split_part(direction, ' ', 3), 'participant') as match_clock,
    array_to_string(from_json(analytics -> '$[0]', '["VARCHAR"]'), ',') as inference_versions,
    (analytics ->> '$[1]')::double as min_lit_shares,
    (analytics ->> '$[2]')::double as bot_threshold,
    (analytics ->> '$[3]')::double as sell_threshold
  from settings
)
select
  $symbol as symbol,
  s.date::varchar as date,
  dayname(s.date) as weekday,
  s.week_start::varchar as week_start,
  s.early_close,
  r.regular_start,
  case when s.early_close then least(r.regular_end, strftime(make_timestamp((s.close_ns - s.day_start_ns) // 1000), '%H:%M'))
    else r.regular_end end as regular_end,
  r.market_tz,
  r.match_clock,
  coalesce(r.origin, 'empty') as origin,
  (select max(name) from ticker_reference where symbol = $symbol) as name,
  r.inference_versions,
  r.min_lit_shares,
  r.bot_threshold,
  r.sell_threshold
from market_sessions s
cross join read r
where s.date = $date::date;
