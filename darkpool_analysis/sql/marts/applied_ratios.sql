-- Grain: applied_ratios (symbol, date, inference_version): every buy ratio that can split off-exchange volume, with the
-- volumes and bounds behind it: lit trades (or minute bars) by their rule, off-exchange prints as Direct_v1.
-- Low and high: the volume without a side all sold, all bought.
create or replace temp view applied_ratios as
select
  symbol, date, inference_version,
  lit_buy_volume as buy_volume,
  lit_sell_volume as sell_volume,
  lit_buy_ratio as buy_ratio,
  lit_buy_ratio_low as ratio_low,
  lit_buy_ratio_high as ratio_high,
  classification_method
from lit_direction_daily
union all
select
  symbol, date, 'Direct_v1',
  buy_volume,
  sell_volume,
  buy_ratio,
  case when buy_ratio is not null then buy_volume / total_volume end,
  case when buy_ratio is not null then (total_volume - sell_volume) / total_volume end,
  'DIRECT'
from off_exchange_direction_daily
where list_contains(getvariable('inference_versions'), 'Direct_v1');
