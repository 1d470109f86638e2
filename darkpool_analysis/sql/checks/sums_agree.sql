-- Audit: parts sum to their whole, ratios lie in [0, 1] and within their bounds. Over what was just computed.
with off_parts as (
  select
    'off_exchange_direction_daily' as relation, symbol, date,
    abs(buy_volume + sell_volume + mid_volume + unsigned_volume - total_volume) > 1e-6 * greatest(total_volume, 1) as wrong,
    'buy + sell + mid + unsigned is not total' as what
  from off_exchange_direction_daily semi join affected_days using (symbol, date)
),
flow_parts as (
  select
    'darkpool_estimated_flow', symbol, date,
    abs(estimated_dark_buy_volume + estimated_dark_sell_volume - finra_off_exchange_volume)
      > 1e-9 * greatest(finra_off_exchange_volume, 1),
    'bought + sold is not the volume'
  from darkpool_estimated_flow semi join affected_days using (symbol, date)
),
ratios as (
  select
    'lit_direction_daily', symbol, date,
    not (lit_buy_ratio between 0 and 1 and lit_buy_ratio_low <= lit_buy_ratio and lit_buy_ratio <= lit_buy_ratio_high),
    'the buy ratio is outside 0-1 or its bounds'
  from lit_direction_daily semi join affected_days using (symbol, date)
),
volumes as (
  select
    'off_exchange_volume_daily', symbol, date,
    off_exchange_volume < 0 or (volume_basis is null) <> (off_exchange_volume is null),
    'the volume is negative or has no basis'
  from off_exchange_volume_daily semi join affected_days using (symbol, date)
),
weeks as (
  select
    'darkpool_weekly_summary', symbol, week_start,
    abs(ats_volume + non_ats_volume - total_off_exchange_volume) > 1e-9 * greatest(total_off_exchange_volume, 1),
    'ATS + non-ATS is not the total'
  from darkpool_weekly_summary semi join affected_weeks using (week_start, symbol)
)
select 'sums_agree' as check_name, relation || ' ' || symbol || ' ' || date || ': ' || what as detail
from (
  select * from off_parts union all select * from flow_parts union all select * from ratios
  union all select * from volumes union all select * from weeks
)
where wrong
order by detail;
