-- Grain: one symbol-day whose CNMS volumes are not the sum of the four facilities'; none when all is well.
-- Inputs: finra_regsho_daily. Days for which CNMS and all four facilities are loaded (an empty file counts).
-- Source: facts/finra.md, invariant of Reg SHO daily files (48,523 symbol-days, no mismatch).

with loaded as (
  select period::date as "date"
  from ingest_log
  where source = 'finra_regsho_daily' and status = 'ok'
    and symbol_or_tier in ('CNMS', 'FNSQ', 'FNYX', 'FNQC', 'FNRA')
  group by period
  having count(distinct symbol_or_tier) = 5
),

sums as (
  select
    "date", raw_symbol,
    sum(short_volume) filter (family = 'CNMS') as cnms_short,
    sum(total_volume) filter (family = 'CNMS') as cnms_total,
    sum(short_volume) filter (family <> 'CNMS') as facilities_short,
    sum(total_volume) filter (family <> 'CNMS') as facilities_total
  from finra_regsho_daily
  where family <> 'FORF' and "date" in (select "date" from loaded)
  group by "date", raw_symbol
)

select
  'regsho_cnms_equals_facilities' as check_name,
  "date" || ' ' || raw_symbol || ': CNMS ' || coalesce(cnms_total::varchar, 'nothing') || ' shares, facilities '
    || coalesce(facilities_total::varchar, 'nothing') as detail
from sums
-- Six decimals are published: what is smaller is the sum's rounding.
where abs(coalesce(cnms_total, 0) - coalesce(facilities_total, 0)) > 0.0001
  or abs(coalesce(cnms_short, 0) - coalesce(facilities_short, 0)) > 0.0001
order by "date", raw_symbol;
