-- Audit: every derived table has one row per key. Over affected_days and affected_weeks (temporary): what was just computed.
with keys as (
  select 'lit_direction_daily' as relation, symbol || ' ' || date || ' ' || inference_version as key
  from lit_direction_daily semi join affected_days using (symbol, date)
  union all
  select 'off_exchange_direction_daily', symbol || ' ' || date
  from off_exchange_direction_daily semi join affected_days using (symbol, date)
  union all
  select 'off_exchange_volume_daily', symbol || ' ' || date
  from off_exchange_volume_daily semi join affected_days using (symbol, date)
  union all
  select 'tape_totals_daily', symbol || ' ' || date
  from tape_totals_daily semi join affected_days using (symbol, date)
  union all
  select 'darkpool_estimated_flow', symbol || ' ' || date || ' ' || inference_version
  from darkpool_estimated_flow semi join affected_days using (symbol, date)
  union all
  select 'darkpool_daily_summary', symbol || ' ' || date
  from darkpool_daily_summary semi join affected_days using (symbol, date)
  union all
  select 'darkpool_weekly_summary', symbol || ' ' || week_start
  from darkpool_weekly_summary semi join affected_weeks using (week_start, symbol)
  union all
  select 'volume_reconciliation_weekly', symbol || ' ' || week_start
  from volume_reconciliation_weekly semi join affected_weeks using (week_start, symbol)
)
select 'keys_unique' as check_name, relation || ' has ' || count(*) || ' rows for ' || key as detail
from keys
group by relation, key
having count(*) > 1
order by detail;
