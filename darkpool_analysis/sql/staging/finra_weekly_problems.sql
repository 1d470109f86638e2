-- Grain: one value that cannot be right, first row first: row_number, field, value, expected.
-- Inputs (temporary): finra_weekly_typed.

with checked as (
  select * from finra_weekly_typed where used
),

problems as (
  select row_number, 1 as rank, 'week' as field, week_text as value, 'a date like 2025-07-14' as expected
  from checked where day is null
  union all
  -- The market calendar, and with it the publication clock, covers these years.
  select row_number, 1, 'week', coalesce(week_text, day::varchar), 'a date from 2009-01-05 to 2030-11-17'
  from checked where day not between date '2009-01-05' and date '2030-11-17'
  union all
  select row_number, 2, 'tier', coalesce(tier_text, tier_description_text), 'T1, T2, OTCE, NA, NMS Tier 1, NMS Tier 2 or OTC'
  from checked
  where coalesce(tier_text, tier_description_text) is not null
    and finra_tier(coalesce(tier_text, tier_description_text)) is null
  union all
  select row_number, 3, 'firm_crd', firm_crd_text, 'a whole number'
  from checked where firm_crd_text is not null and (firm_crd is null or firm_crd <> finra_number(firm_crd_text))
  union all
  select row_number, 4, 'shares', shares_text, 'a number of shares, 0 or more'
  from checked where shares is null or shares < 0
  union all
  select row_number, 5, 'trades', trades_text, 'a number of trades, 0 or more'
  from checked where trades_text is not null and (trades is null or trades < 0)
  union all
  select row_number, 6, 'notional', notional_text, 'dollars, 0 or more'
  from checked where notional_text is not null and (notional is null or notional < 0)
  union all
  select row_number, 7, 'initial_published', initial_published_text, 'a date like 2025-08-04'
  from checked where initial_published_text is not null and initial_published is null
  union all
  select row_number, 8, 'last_update', last_update_text, 'a date like 2025-08-04'
  from checked where last_update_text is not null and last_update is null
  union all
  select row_number, 9, 'last_reported', last_reported_text, 'a date like 2025-07-18'
  from checked where last_reported_text is not null and last_reported is null
)

select row_number, field, value, expected from problems order by row_number, rank limit 1;
