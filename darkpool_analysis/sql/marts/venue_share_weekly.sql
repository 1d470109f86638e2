-- Grain: venue_share_weekly (week_start, symbol, venue), for the weeks of pending_weeks.
-- The ATS firm rows; firms under 200 trades a day in a security may stand in one pooled row, named as such.
-- Of a symbol that stands in two tiers, one counts: that of its symbol rows (finra_weeks), else the one said last.
-- HHI over the named venues, shares of the symbol's whole ATS volume (facts of FINRA: HHI = Σ venue share²).

delete from venue_share_weekly
where week_start in (select week_start from pending_weeks);

insert into venue_share_weekly
with firms as (
  select *
  from finra_otc_weekly_current
  where summary_type = 'ATS_W_SMBL_FIRM' and week_start in (select week_start from pending_weeks)
),
tiers as (
  select f.week_start, f.symbol, f.tier
  from firms f
  left join finra_weeks w on w.week_start = f.week_start and w.symbol = f.symbol and w.tier = f.tier
  group by f.week_start, f.symbol, f.tier
  qualify row_number() over (
    partition by f.week_start, f.symbol order by count(w.symbol) > 0 desc, max(f.visible_from) desc, f.tier
  ) = 1
),
venues as (
  select
    week_start, symbol,
    coalesce(mpid, 'De Minimis Firms') as venue,
    max(firm_name) as venue_name,
    mpid is null as de_minimis,
    sum(shares order by firm_crd, issue_name, product_type) as shares,
    sum(trades order by firm_crd, issue_name, product_type) as trades
  from firms
  semi join tiers using (week_start, symbol, tier)
  group by all
),
-- sums of doubles are taken in a fixed order, or a rerun would differ in the last bit
totals as (
  select week_start, symbol, nullif(sum(shares order by venue), 0) as total from venues group by all
),
shared as (
  select v.*, v.shares / t.total as share
  from venues v
  join totals t using (week_start, symbol)
),
concentrated as (
  select week_start, symbol, sum(share * share order by venue) filter (not de_minimis) as hhi
  from shared
  group by all
)
select
  week_start, symbol, venue, venue_name, de_minimis, shares, trades,
  100 * share as share_pct,
  hhi
from shared
join concentrated using (week_start, symbol)
order by week_start, symbol, shares desc, venue;
