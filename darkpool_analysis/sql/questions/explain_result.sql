-- Estimated flow of the day by one inference version: darkpool_daily_summary where it is the summary's own, else
-- darkpool_estimated_flow judged against the same thresholds. Grain: one row. Parameters: $symbol, $date, $version
-- ('' = the summary's). Signals compare the volumes behind the ratio as exact decimals.

with day as (
  select
    v.symbol, v.date, v.off_exchange_volume, v.volume_basis, s.inference_version as summary_version,
    coalesce(nullif($version, ''), s.inference_version) as version
  from off_exchange_volume_daily v
  left join darkpool_daily_summary s on s.symbol = v.symbol and s.date = v.date
  where v.symbol = $symbol and v.date = $date::date
),
behind as (
  select inference_version, lit_buy_volume as buy, lit_sell_volume as sell
  from lit_direction_daily
  where symbol = $symbol and date = $date::date
  union all
  select 'Direct_v1', buy_volume, sell_volume
  from off_exchange_direction_daily
  where symbol = $symbol and date = $date::date
),
thresholds as (
  select
    (value ->> '$[2]')::decimal(9, 6) as bot,
    (value ->> '$[3]')::decimal(9, 6) as sell
  from pipeline_state
  where key = 'analytics_settings'
),
judged as (
  select
    f.inference_version,
    case
      when f.estimated_dark_buy_volume is null then null
      when b.buy::decimal(24, 6) > b.sell::decimal(24, 6) * t.bot then 'BOT'
      when b.buy::decimal(24, 6) < b.sell::decimal(24, 6) * t.sell then 'SELL'
    end as signal
  from darkpool_estimated_flow f
  join behind b on b.inference_version = f.inference_version
  cross join thresholds t
  where f.symbol = $symbol and f.date = $date::date
)
select
  d.version as inference_version,
  d.summary_version,
  coalesce(d.version = d.summary_version, false) as is_summary,
  f.classification_method,
  d.off_exchange_volume as off_exchange_shares,
  f.applied_lit_buy_ratio as buy_ratio,
  case when d.version = d.summary_version then s.estimated_bought else f.estimated_dark_buy_volume end as estimated_bought_shares,
  case when d.version = d.summary_version then s.estimated_sold else f.estimated_dark_sell_volume end as estimated_sold_shares,
  f.estimated_dark_buy_volume_low as estimated_bought_low_shares,
  f.estimated_dark_buy_volume_high as estimated_bought_high_shares,
  f.finra_off_exchange_volume - f.estimated_dark_buy_volume_high as estimated_sold_low_shares,
  f.finra_off_exchange_volume - f.estimated_dark_buy_volume_low as estimated_sold_high_shares,
  case when d.version = d.summary_version then s.buy_sell_ratio
    when f.estimated_dark_sell_volume > 0 then f.estimated_dark_buy_volume / f.estimated_dark_sell_volume end as buy_sell_ratio,
  case when d.version = d.summary_version then s.signal else j.signal end as signal,
  s.finra_period_type as period_type
from day d
left join darkpool_daily_summary s on s.symbol = d.symbol and s.date = d.date
left join darkpool_estimated_flow f on f.symbol = d.symbol and f.date = d.date and f.inference_version = d.version
left join judged j on j.inference_version = d.version;
