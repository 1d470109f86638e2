-- Grain: one row per symbol that any source knows, of those spelled as in $spellings; all of them when that is empty.
-- Inputs: the small tables that every source leaves a trace in. Parameter: $spellings (list).
-- daily: it has rows in darkpool_daily_summary, so it is worth suggesting first.

with known as (
  select symbol from darkpool_daily_summary
  union
  select symbol from tape_totals_daily
  union
  select symbol from direction_classes_daily
  union
  select symbol from finra_otc_weekly
  union
  select symbol from finra_regsho_daily
  union
  select symbol from polygon_bars_daily
  union
  select symbol from ticker_reference
)
select symbol, symbol in (select symbol from darkpool_daily_summary) as daily
from known
where symbol is not null and (len($spellings) = 0 or list_contains($spellings, symbol))
order by symbol;
