-- Grain: finra_weekly_staged, one row per natural key (week_start, tier, summary_type, symbol, issue_name, mpid,
--   firm_crd, product_type). Exact copies count once; days of one week are added up where the source has days.
-- Inputs (temporary): finra_weekly_typed, checked by finra_weekly_problems and finra_weekly_conflicts.
-- Parameters: $only_week, $only_tier, $only_cut, $only_symbols (FINRA's spelling) = keep these alone; NULL keeps all.

create or replace temp table finra_weekly_staged as
with distinct_rows as (
  select distinct
    week_start, day, tier, summary_type, symbol, raw_symbol, issue_name, mpid, firm_crd, firm_name, product_type,
    shares, trades, notional, initial_published, last_update, last_reported
  from finra_weekly_typed
  where used
    and ($only_week::date is null or week_start = $only_week::date)
    and ($only_tier::varchar is null or tier = $only_tier::varchar)
    and ($only_cut::varchar is null or summary_type = $only_cut::varchar)
    and ($only_symbols::varchar[] is null or list_contains($only_symbols::varchar[], raw_symbol))
)

select
  week_start, tier, summary_type, symbol, min(raw_symbol) as raw_symbol, issue_name, mpid, firm_crd,
  max(firm_name) as firm_name, product_type,
  sum(shares) as shares, sum(trades) as trades, sum(notional) as notional,
  min(initial_published) as initial_published, max(last_update) as last_update, max(last_reported) as last_reported
from distinct_rows
group by week_start, tier, summary_type, symbol, issue_name, mpid, firm_crd, product_type;
