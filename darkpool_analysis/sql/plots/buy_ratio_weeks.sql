-- Grain: one row per week of a ticker in darkpool_weekly_summary that has a buy ratio, with its first and last session.
-- Inputs: darkpool_weekly_summary, market_sessions. Parameters: $symbol.
with sessions as (
  select week_start, min("date") as first_session, max("date") as last_session
  from market_sessions
  group by week_start
)
select
  strftime(w.week_start, '%Y-%m-%d') as week_start,
  strftime(coalesce(s.first_session, w.week_start), '%Y-%m-%d') as first_session,
  strftime(coalesce(s.last_session, w.week_start + 4), '%Y-%m-%d') as last_session,
  round(w.buy_ratio, 6) as buy_ratio,
  w.signal,
  w.inference_version
from darkpool_weekly_summary w left join sessions s using (week_start)
where w.symbol = $symbol and w.buy_ratio is not null
order by w.week_start;
