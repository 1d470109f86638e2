-- Grain: finra_regsho_daily (date, family, symbol): a day's family is replaced as a whole, unless it is the same.
-- Inputs (temporary): finra_regsho_lines, checked; macros finra_number, canonical_symbol.
-- Parameters: $date, $family, $source. Last result: rows stored anew (0 when nothing changed).

create or replace temp table finra_regsho_rows as
select
  $date::date as "date",
  $family::varchar as family,
  canonical_symbol(parts[2]) as symbol,
  trim(parts[2]) as raw_symbol,
  finra_number(parts[3]) as short_volume,
  finra_number(parts[4]) as short_exempt_volume,
  finra_number(parts[5]) as total_volume,
  trim(parts[6]) as market,
  $source::varchar as source
from finra_regsho_lines
where is_row;

create or replace temp table finra_regsho_changes as
select
  coalesce(n.symbol, o.symbol) as symbol,
  n.short_volume is distinct from o.short_volume
    or n.short_exempt_volume is distinct from o.short_exempt_volume
    or n.total_volume is distinct from o.total_volume as volume_changed
from finra_regsho_rows n
full join (select * from finra_regsho_daily where "date" = $date::date and family = $family) o
  on o.raw_symbol = n.raw_symbol
where volume_changed or n.market is distinct from o.market;

-- Figures come from CNMS and FORF alone: the facilities only audit them.
insert into pending_days
select distinct symbol, $date::date
from finra_regsho_changes
where volume_changed and $family in ('CNMS', 'FORF')
except
select symbol, "date" from pending_days;

delete from finra_regsho_daily
where "date" = $date::date and family = $family and exists (select 1 from finra_regsho_changes);

insert into finra_regsho_daily
select * from finra_regsho_rows
where exists (select 1 from finra_regsho_changes)
order by raw_symbol;
