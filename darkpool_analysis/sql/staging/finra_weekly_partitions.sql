-- Grain: one (week_start, tier, summary_type) of a file: rows kept, symbols, whether FINRA's clamp cut it.
-- Inputs (temporary): finra_weekly_typed, finra_weekly_staged.
-- Parameters: $page = rows at which the service cuts an answer (5,000).
-- An answer that asked for more comes back with exactly that many rows, for a file, a week, or a cut of it.

with file_rows as (
  select count(*) as n from finra_weekly_typed
),

week_rows as (
  select week_start, count(*) as n from finra_weekly_typed group by week_start
),

cut_rows as (
  select week_start, tier, summary_type, count(*) as n from finra_weekly_typed group by all
),

kept as (
  select week_start, tier, summary_type, count(*) as n, count(distinct symbol) as symbols
  from finra_weekly_staged
  group by all
)

select
  k.week_start, k.tier, k.summary_type, k.n::integer as "rows", k.symbols::integer as symbols,
  f.n % $page = 0 or w.n % $page = 0 or c.n % $page = 0 as truncated
from kept k
join cut_rows c using (week_start, tier, summary_type)
join week_rows w using (week_start)
cross join file_rows f
order by k.week_start, k.tier, k.summary_type;
