-- Grain: volume_factors (symbol, week_start): what FINRA's number was to tape and to Reg SHO in the weeks before.
-- Inputs: volume_reconciliation_weekly; factor_wanted (symbol, week_start), temporary.
-- The median of the last 8 published weeks, from 4 on; market_factor: the same over all symbols' last 8 published weeks.

create or replace temp table volume_factors as
with published as (
  select
    w.symbol, w.week_start, v.ratio, v.regsho_ratio,
    row_number() over (partition by w.symbol, w.week_start, v.ratio is null order by v.week_start desc) as tape_back,
    row_number() over (partition by w.symbol, w.week_start, v.regsho_ratio is null order by v.week_start desc) as regsho_back
  from factor_wanted w
  join volume_reconciliation_weekly v on v.symbol = w.symbol and v.week_start < w.week_start
),
own as (
  select
    symbol, week_start,
    count(ratio) filter (tape_back <= 8) as tape_weeks,
    median(ratio) filter (tape_back <= 8) as tape_median,
    count(regsho_ratio) filter (regsho_back <= 8) as regsho_weeks,
    median(regsho_ratio) filter (regsho_back <= 8) as regsho_median
  from published
  group by symbol, week_start
),
market as (
  select w.week_start, median(v.regsho_ratio) as market_factor
  from (select distinct week_start from factor_wanted) w
  join volume_reconciliation_weekly v
    on v.week_start < w.week_start and v.week_start >= w.week_start - 91 and v.regsho_ratio is not null
  group by w.week_start
)
select
  w.symbol, w.week_start,
  case when o.tape_weeks >= 4 then o.tape_median end as tape_factor,
  coalesce(o.tape_weeks, 0) as tape_weeks,
  case when o.regsho_weeks >= 4 then o.regsho_median end as regsho_factor,
  coalesce(o.regsho_weeks, 0) as regsho_weeks,
  m.market_factor
from factor_wanted w
left join own o on o.symbol = w.symbol and o.week_start = w.week_start
left join market m on m.week_start = w.week_start;
