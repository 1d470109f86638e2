-- Every volume a source gives of the day, the basis chosen, and what its week has. Grain: one row. Parameters: $symbol, $date.
-- FINRA is due on the week's Monday + 21 days for Tier 1, + 35 for the others, or the next session.

with day as (
  select date, week_start from market_sessions where date = $date::date
),
week as (
  select
    count(*)::integer as sessions,
    count(t.off_exchange_shares)::integer as tape_sessions,
    count(r.shares)::integer as regsho_sessions
  from market_sessions s
  left join tape_totals_daily t on t.symbol = $symbol and t.date = s.date
  left join (
    select date, sum(total_volume) as shares
    from finra_regsho_daily
    where symbol = $symbol and family in ('CNMS', 'FORF')
    group by date
  ) r on r.date = s.date
  where s.week_start = (select week_start from day)
),
tier as (
  select tier
  from finra_otc_weekly
  where symbol = $symbol and not withdrawn and summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ALL_W_SMBL')
  order by week_start desc, visible_from desc, tier
  limit 1
),
cuts as (
  select
    count(distinct summary_type) filter (tier = (select tier from tier))::integer as tier_cuts_loaded,
    count(distinct summary_type)::integer as cuts_loaded
  from finra_cuts_loaded
  where week_start = (select week_start from day) and summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL')
)
select
  d.week_start::varchar as week_start,
  v.volume_basis,
  v.off_exchange_volume as off_exchange_shares,
  coalesce(v.tape_volume, t.off_exchange_shares) as tape_shares,
  t.off_exchange_trades as tape_prints,
  t.source as tape_source,
  v.regsho_volume as regsho_shares,
  v.factor,
  v.factor_weeks,
  v.consolidated_volume as consolidated_shares,
  100 * v.off_exchange_ratio as off_exchange_pct,
  v.finra_week_start::varchar as finra_week_start,
  v.finra_week_volume as finra_week_shares,
  o.finra as own_week_shares,
  case when v.volume_basis = 'finra_week' then case when o.tape > 0 and v.tape_volume is not null then 'tape' else 'regsho' end end
    as week_split_by,
  case when v.volume_basis = 'finra_week'
    then case when o.tape > 0 and v.tape_volume is not null then o.tape else o.regsho end end as week_split_shares,
  case when v.volume_basis = 'finra_week' then 100 * v.off_exchange_volume / nullif(v.finra_week_volume, 0) end as day_of_week_pct,
  w.sessions as week_sessions,
  w.tape_sessions as week_tape_sessions,
  w.regsho_sessions as week_regsho_sessions,
  (select tier from tier) as tier,
  c.tier_cuts_loaded as week_tier_cuts_loaded,
  c.cuts_loaded as week_cuts_loaded,
  (select min(date)::varchar from market_sessions where date >= d.week_start + 21) as due_tier_1,
  (select min(date)::varchar from market_sessions where date >= d.week_start + 35) as due_other_tiers,
  e.volume_basis as first_estimate_basis,
  e.off_exchange_volume as first_estimate_shares,
  e.estimated_at::varchar as first_estimate_utc,
  case when v.volume_basis = 'finra_week' then 100 * (e.off_exchange_volume / nullif(v.off_exchange_volume, 0) - 1) end
    as first_estimate_error_pct
from day d
cross join week w
cross join cuts c
left join off_exchange_volume_daily v on v.symbol = $symbol and v.date = d.date
left join tape_totals_daily t on t.symbol = $symbol and t.date = d.date
left join volume_reconciliation_weekly o on o.symbol = $symbol and o.week_start = d.week_start
left join (
  select date, volume_basis, off_exchange_volume, estimated_at
  from off_exchange_volume_estimates
  where symbol = $symbol and date = $date::date
  order by estimated_at, volume_basis
  limit 1
) e on e.date = d.date;
