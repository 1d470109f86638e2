-- Grain: darkpool_estimated_flow (symbol, date, inference_version) and darkpool_daily_summary (date, symbol),
-- for affected_days. Parameters: $version (the first INFERENCE_VERSION), $bot, $sell (thresholds on bought / sold).
-- bought = volume × ratio, sold = volume × (1 − ratio). Signals compare exact decimals: bought and sold stand to each
-- other as the volumes behind the ratio do. Where a day has minute bars but no trades, BVC_v1 stands in and is named.

delete from darkpool_estimated_flow f
using affected_days a
where f.symbol = a.symbol and f.date = a.date;

insert into darkpool_estimated_flow by name
select
  v.symbol, v.date, r.inference_version,
  v.off_exchange_volume as finra_off_exchange_volume,
  v.off_exchange_volume * r.buy_ratio as estimated_dark_buy_volume,
  v.off_exchange_volume * (1 - r.buy_ratio) as estimated_dark_sell_volume,
  r.buy_ratio as applied_lit_buy_ratio,
  v.volume_basis,
  v.off_exchange_volume * r.ratio_low as estimated_dark_buy_volume_low,
  v.off_exchange_volume * r.ratio_high as estimated_dark_buy_volume_high,
  r.classification_method
from off_exchange_volume_daily v
join affected_days a on a.symbol = v.symbol and a.date = v.date
join applied_ratios r on r.symbol = v.symbol and r.date = v.date
order by v.symbol, v.date, r.inference_version;

delete from darkpool_daily_summary s
using affected_days a
where s.symbol = a.symbol and s.date = a.date;

insert into darkpool_daily_summary by name
with chosen as (
  select r.*
  from applied_ratios r
  join affected_days a on a.symbol = r.symbol and a.date = r.date
  where r.inference_version in ($version, 'BVC_v1')
  qualify row_number() over (partition by r.symbol, r.date order by r.inference_version <> $version) = 1
),
spread as (
  select r.symbol, r.date, max(r.buy_ratio) - min(r.buy_ratio) as version_spread
  from applied_ratios r
  join affected_days a on a.symbol = r.symbol and a.date = r.date
  group by r.symbol, r.date
  having count(r.buy_ratio) > 1
),
joined as (
  select
    v.*, r.inference_version, r.buy_ratio, r.ratio_low, r.ratio_high, r.classification_method, s.version_spread,
    v.off_exchange_volume * r.buy_ratio as bought,
    v.off_exchange_volume * (1 - r.buy_ratio) as sold,
    cast(r.buy_volume as decimal(24, 6)) as buy_volume,
    cast(r.sell_volume as decimal(24, 6)) as sell_volume
  from off_exchange_volume_daily v
  join affected_days a on a.symbol = v.symbol and a.date = v.date
  left join chosen r on r.symbol = v.symbol and r.date = v.date
  left join spread s on s.symbol = v.symbol and s.date = v.date
)
select
  date, symbol,
  bought as estimated_bought,
  sold as estimated_sold,
  case when bought is not null then buy_ratio end as buy_ratio,
  case when sold > 0 then bought / sold end as buy_sell_ratio,
  off_exchange_volume as total_off_exchange_volume,
  case when volume_basis = 'week_total' then 'weekly' when volume_basis is not null then 'daily' end as finra_period_type,
  volume_basis,
  finra_week_start,
  coalesce(inference_version, $version) as inference_version,
  case
    when bought is null then null
    when buy_volume > sell_volume * cast($bot as decimal(9, 6)) then 'BOT'
    when buy_volume < sell_volume * cast($sell as decimal(9, 6)) then 'SELL'
  end as signal,
  case when bought is not null then ratio_low end as buy_ratio_low,
  case when bought is not null then ratio_high end as buy_ratio_high,
  version_spread,
  classification_method
from joined
order by date, symbol;
