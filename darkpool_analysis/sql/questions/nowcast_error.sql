-- Grain: one row per published week, tier and nowcast (tape, regsho, first): how near it was to FINRA, over the
-- symbols that have it. Parameter: $week (a Monday, or NULL for all). Shares; errors as fractions of FINRA's number.
with long as (
  select week_start, tier, symbol, finra, 'tape' as nowcast, tape_nowcast as said, tape_error as error from nowcast_error
  union all
  select week_start, tier, symbol, finra, 'regsho', regsho_nowcast, regsho_error from nowcast_error
  union all
  select week_start, tier, symbol, finra, 'first', first_estimate, first_error from nowcast_error
),
judged as (
  select *, row_number() over (partition by week_start, tier, nowcast order by finra desc, symbol) as rank
  from long
  where error is not null and ($week::date is null or week_start = $week::date)
)
select
  week_start::varchar as week_start,
  tier,
  nowcast,
  count(*)::integer as symbols,
  median(finra / nullif(said, 0)) as ratio_median,
  quantile_cont(finra / nullif(said, 0), 0.05) as ratio_p05,
  quantile_cont(finra / nullif(said, 0), 0.95) as ratio_p95,
  count(*) filter (abs(error) <= 0.01)::integer as within_1_pct,
  count(*) filter (abs(error) <= 0.01 and rank <= 100)::integer as largest_within_1_pct,
  least(count(*), 100)::integer as largest,
  sum(abs(said - finra)) / sum(finra) as volume_weighted_error,
  sum(abs(said - finra)) filter (rank <= 100) / sum(finra) filter (rank <= 100) as largest_volume_weighted_error,
  -- what the tail is made of: how much of the whole error the twenty worst symbols carry
  (select sum(gap) from (select unnest(list_sort(list(abs(said - finra)), 'DESC')[1:20]) as gap)) / nullif(sum(abs(said - finra)), 0)
    as error_of_worst_20
from judged
group by all
order by week_start desc, tier, nowcast desc;
