-- Grain: one row per trading week between a ticker's first and last week in darkpool_weekly_summary; both cuts NULL
--   where the ticker has no row. A cut that is not loaded stays NULL: it is unknown, not zero. `run` numbers the
--   stretches of weeks with a known share that one line may join, NULL where the share is unknown.
-- Inputs: darkpool_weekly_summary, market_sessions. Parameters: $symbol.
with own as (
  select week_start, ats_volume, non_ats_volume
  from darkpool_weekly_summary
  where symbol = $symbol
),
span as (
  select min(week_start) as first_week, max(week_start) as last_week from own
),
weeks as (
  select distinct week_start from market_sessions, span where week_start between first_week and last_week
  union
  select week_start from own
),
joined as (
  select
    week_start, ats_volume, non_ats_volume,
    ats_volume + non_ats_volume as total_volume,
    round(100 * ats_volume / nullif(ats_volume + non_ats_volume, 0), 4) as ats_share_pct
  from weeks left join own using (week_start)
),
marked as (
  select
    *,
    ((ats_share_pct is null) is distinct from (lag(ats_share_pct) over (order by week_start) is null))::integer as breaks
  from joined
)
select
  strftime(week_start, '%Y-%m-%d') as week_start,
  ats_volume, non_ats_volume, total_volume, ats_share_pct,
  case
    when ats_share_pct is not null
    then sum(breaks) over (order by week_start rows unbounded preceding)::integer
  end as run
from marked
order by week_start;
