-- Grain: venue_share_weekly (week_start, symbol, venue), for the weeks of pending_weeks.
-- The ATS firm rows; firms under 200 trades a day in a security may stand in one pooled row, named as such.
-- HHI over the named venues, shares of the symbol's whole ATS volume (facts of FINRA: HHI = Σ venue share²).

delete from venue_share_weekly
where week_start in (select week_start from pending_weeks);

insert into venue_share_weekly
with venues as (
  select
    week_start, symbol,
    coalesce(mpid, 'De Minimis Firms') as venue,
    max(firm_name) as venue_name,
    mpid is null as de_minimis,
    sum(shares) as shares,
    sum(trades) as trades
  from finra_otc_weekly_current
  where summary_type = 'ATS_W_SMBL_FIRM' and week_start in (select week_start from pending_weeks)
  group by all
),
shared as (
  select *, shares / nullif(sum(shares) over (partition by week_start, symbol), 0) as share
  from venues
)
select
  week_start, symbol, venue, venue_name, de_minimis, shares, trades,
  100 * share as share_pct,
  sum(case when not de_minimis then share * share end) over (partition by week_start, symbol) as hhi
from shared
order by week_start, symbol, shares desc, venue;
