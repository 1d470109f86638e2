-- Grain: finra_weekly_typed, one row of finra_weekly_raw with its values read, the texts kept beside them.
-- Inputs (temporary): finra_weekly_raw; macros finra_date, finra_number, finra_tier, canonical_symbol.
-- Parameters: $week, $tier, $cut = what a row that does not say it belongs to (NULL when unknown);
--   $derive_week = the week follows from the publication date (site downloads have no other);
--   $has_mpid, $has_crd, $has_firm = the source has that column.
-- Source of the clock: facts/finra.md, Tier 1 + 21 days, Tier 2 and OTCE + 35.

create or replace temp table finra_weekly_typed as
with texts as (
  select
    row_number,
    nullif(trim(week), '') as week_text,
    nullif(trim(tier), '') as tier_text,
    nullif(trim(tier_description), '') as tier_description_text,
    upper(nullif(trim(summary_type), '')) as summary_type_text,
    nullif(trim(symbol), '') as raw_symbol,
    nullif(trim(issue_name), '') as issue_name,
    nullif(trim(mpid), '') as mpid,
    nullif(trim(firm_crd), '') as firm_crd_text,
    nullif(trim(firm_name), '') as firm_name,
    nullif(trim(product_type), '') as product_type,
    nullif(trim(shares), '') as shares_text,
    nullif(trim(trades), '') as trades_text,
    nullif(trim(notional), '') as notional_text,
    nullif(trim(initial_published), '') as initial_published_text,
    nullif(trim(last_update), '') as last_update_text,
    nullif(trim(last_reported), '') as last_reported_text
  from finra_weekly_raw
),

valued as (
  select
    *,
    coalesce(
      if(tier_text is null, finra_tier(tier_description_text), finra_tier(tier_text)),
      $tier::varchar,
      'NA'
    ) as tier,
    -- Firm rows say whose they are: an ATS by its MPID, any other firm by its CRD number.
    coalesce(
      summary_type_text,
      $cut::varchar,
      case
        when mpid is not null then 'ATS_W_SMBL_FIRM'
        when $has_crd::boolean then 'OTC_W_SMBL_FIRM'
        when $has_mpid::boolean then 'ATS_W_SMBL_FIRM'
        when $has_firm::boolean then 'OTC_W_SMBL_FIRM'
        else 'ALL_W_SMBL'
      end
    ) as summary_type,
    canonical_symbol(raw_symbol) as symbol,
    try_cast(finra_number(firm_crd_text) as bigint) as firm_crd,
    finra_number(shares_text) as shares,
    finra_number(trades_text) as trades,
    finra_number(notional_text) as notional,
    finra_date(initial_published_text) as initial_published,
    finra_date(last_update_text) as last_update,
    finra_date(last_reported_text) as last_reported
  from texts
),

published as (
  -- A download holds one week; its restated rows carry later dates, so the commonest date is the publication.
  select tier, last_update - if(tier = 'T1', 21, 35) as day
  from valued
  where last_update is not null and tier <> 'NA'
  group by tier, last_update
  qualify row_number() over (partition by tier order by count(*) desc, last_update) = 1
),

dated as (
  select
    valued.*,
    if($derive_week::boolean, published.day, coalesce(finra_date(week_text), if(week_text is null, $week::date, null)))
      as day
  from valued
  left join published on published.tier = valued.tier
)

select
  *,
  date_trunc('week', day)::date as week_start,
  summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ATS_W_SMBL_FIRM', 'OTC_W_SMBL_FIRM', 'ALL_W_SMBL') as is_symbol_cut,
  is_symbol_cut and raw_symbol is not null as used
from dated;
