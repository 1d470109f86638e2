-- Grain: darkpool_estimated_flow (symbol, date, inference_version) and darkpool_daily_summary (date, symbol),
-- for affected_days. Parameters: $version (the first INFERENCE_VERSION), $bot, $sell (thresholds on bought / sold).
-- bought = volume × ratio, sold = volume × (1 − ratio). Signals compare exact decimals: bought and sold stand to each
-- other as the volumes behind the ratio do.

delete from darkpool_estimated_flow f
using affected_days a
where f.symbol = a.symbol and f.date = a.date;

insert into darkpool_estimated_flow
select
  v.symbol, v.date, r.inference_version,
  v.off_exchange_volume as finra_off_exchange_volume,
  v.off_exchange_volume * r.buy_ratio as estimated_dark_buy_volume,
  v.off_exchange_volume * (1 - r.buy_ratio) as estimated_dark_sell_volume,
  r.buy_ratio as applied_lit_buy_ratio,
  v.volume_basis
from off_exchange_volume_daily v
join affected_days a on a.symbol = v.symbol and a.date = v.date
join applied_ratios r on r.symbol = v.symbol and r.date = v.date
order by v.symbol, v.date, r.inference_version;

delete from darkpool_daily_summary s
using affected_days a
where s.symbol = a.symbol and s.date = a.date;

insert into darkpool_daily_summary
with joined as (
  select
    v.*, f.estimated_dark_buy_volume as bought, f.estimated_dark_sell_volume as sold, r.buy_ratio,
    cast(r.buy_volume as decimal(24, 6)) as buy_volume, cast(r.sell_volume as decimal(24, 6)) as sell_volume
  from off_exchange_volume_daily v
  join affected_days a on a.symbol = v.symbol and a.date = v.date
  left join darkpool_estimated_flow f
    on f.symbol = v.symbol and f.date = v.date and f.inference_version = $version
  left join applied_ratios r
    on r.symbol = v.symbol and r.date = v.date and r.inference_version = $version
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
  $version as inference_version,
  case
    when bought is null or buy_ratio is null then null
    when buy_volume > sell_volume * cast($bot as decimal(9, 6)) then 'BOT'
    when buy_volume < sell_volume * cast($sell as decimal(9, 6)) then 'SELL'
  end as signal
from joined
order by date, symbol;
