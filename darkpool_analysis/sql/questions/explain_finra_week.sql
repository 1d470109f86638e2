-- FINRA's week behind the volume: the one that was used, else the day's own. Grain: one row per tier, newest versions.
-- versions: how often these rows were stored with other content. Parameters: $symbol, $date.

with wanted as (
  select coalesce(
    (select finra_week_start from off_exchange_volume_daily where symbol = $symbol and date = $date::date),
    (select week_start from market_sessions where date = $date::date)
  ) as week_start
),
versions as (
  select tier, count(distinct fetched_at)::integer as versions
  from finra_otc_weekly
  where symbol = $symbol and week_start = (select week_start from wanted)
    and summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ALL_W_SMBL')
  group by tier
)
select
  c.week_start::varchar as week_start,
  c.tier,
  w.ats_volume as ats_shares,
  w.non_ats_volume as non_ats_shares,
  w.total_off_exchange_volume as total_shares,
  v.versions,
  min(c.initial_published)::varchar as initial_published,
  max(c.last_update)::varchar as last_update,
  max(c.visible_from)::varchar as visible_from,
  max(c.fetched_at)::varchar as fetched_utc,
  max(c.source) as source
from finra_otc_weekly_current c
join versions v on v.tier = c.tier
left join darkpool_weekly_summary w on w.week_start = c.week_start and w.symbol = c.symbol and w.tier = c.tier
where c.symbol = $symbol and c.week_start = (select week_start from wanted)
  and c.summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ALL_W_SMBL')
group by all
order by c.tier;
