-- What every rule that ran says of the day: lit trades (or minute bars) by their rule, the off-exchange prints
-- themselves as Direct_v1 where that ran. Grain: one row per inference version. Parameters: $symbol, $date.
-- low, high: all of the volume without a side sold, all of it bought. spread: largest less smallest ratio.

with ran as (
  select
    inference_version, classification_method,
    lit_buy_volume as buy, lit_sell_volume as sell, lit_neutral_volume as neutral,
    lit_buy_ratio as ratio, lit_buy_ratio_low as low, lit_buy_ratio_high as high,
    lit_trades, lit_coverage_pct
  from lit_direction_daily
  where symbol = $symbol and date = $date::date
  union all
  select
    'Direct_v1', 'DIRECT', o.buy_volume, o.sell_volume, o.mid_volume + o.unsigned_volume,
    o.buy_ratio,
    case when o.buy_ratio is not null then o.buy_volume / o.total_volume end,
    case when o.buy_ratio is not null then (o.total_volume - o.sell_volume) / o.total_volume end,
    null, null
  from off_exchange_direction_daily o
  join darkpool_estimated_flow f
    on f.symbol = o.symbol and f.date = o.date and f.inference_version = 'Direct_v1'
  where o.symbol = $symbol and o.date = $date::date
)
select
  inference_version,
  classification_method,
  buy as buy_shares,
  sell as sell_shares,
  neutral as neutral_shares,
  buy + sell as signed_shares,
  ratio as buy_ratio,
  low as buy_ratio_low,
  high as buy_ratio_high,
  lit_trades::double as lit_trades,
  lit_coverage_pct as signed_trades_pct,
  case when count(ratio) over () > 1 then max(ratio) over () - min(ratio) over () end as version_spread
from ran
order by inference_version;
