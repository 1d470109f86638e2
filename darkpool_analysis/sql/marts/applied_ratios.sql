-- Grain: applied_ratios (symbol, date, inference_version): the buy ratio that splits the off-exchange volume, with the
-- volumes behind it. Temporary, for affected_days and the sessions of affected_weeks.
create or replace temp view applied_ratios as
select
  symbol, date, inference_version,
  lit_buy_volume as buy_volume,
  lit_sell_volume as sell_volume,
  lit_buy_ratio as buy_ratio
from lit_direction_daily;
