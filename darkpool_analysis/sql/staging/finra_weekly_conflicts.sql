-- Grain: one key that two rows of one source give different values; none when the source is consistent.
-- Inputs (temporary): finra_weekly_typed.
-- Parameters: $sum_days = days of one week are added up, so only rows of one day can contradict each other.

with rows_without_copies as (
  select
    min(row_number) as row_number, week_start, if($sum_days::boolean, day, week_start) as period, tier, summary_type,
    raw_symbol, issue_name, mpid, firm_crd, product_type
  from finra_weekly_typed
  where used
  group by
    week_start, period, tier, summary_type, raw_symbol, issue_name, mpid, firm_crd, product_type,
    firm_name, shares, trades, notional, initial_published, last_update, last_reported
)

select min(row_number) as first_row, max(row_number) as second_row, raw_symbol, mpid, week_start, tier, summary_type
from rows_without_copies
group by week_start, period, tier, summary_type, raw_symbol, issue_name, mpid, firm_crd, product_type
having count(*) > 1
order by first_row
limit 1;
