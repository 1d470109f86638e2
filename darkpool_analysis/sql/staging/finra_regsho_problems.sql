-- Grain: one line of a Reg SHO daily file that breaks its format, the first one: line_number, found, expected.
-- Inputs (temporary): finra_regsho_lines; macro finra_number. Parameters: $day, the file's day as YYYYMMDD.
-- Format: facts/finra.md, "Files".

with data_rows as (
  select
    line_number, line, parts, len(parts) as columns, parts[1] as day, parts[2] as symbol,
    finra_number(parts[3]) as short_volume, finra_number(parts[4]) as short_exempt_volume,
    finra_number(parts[5]) as total_volume
  from finra_regsho_lines
  where is_row
),

twice as (
  select max(line_number) as line_number, symbol
  from data_rows
  where columns = 6
  group by symbol
  having count(*) > 1
),

problems as (
  select
    line_number, line as found,
    'the header Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market' as expected
  from finra_regsho_lines
  where is_header and line <> 'Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market'
  union all
  select max(line_number) + 1, 'the end of the file', 'the number of rows'
  from finra_regsho_lines
  having max(line_number) = 1
  union all
  select line_number, line, 'the number of rows as last line; is the file cut?'
  from finra_regsho_lines
  where is_trailer and not regexp_full_match(line, '\d+')
  union all
  select line_number, line, 'the number of rows in the file, ' || (select count(*) from data_rows) || '; is the file cut?'
  from finra_regsho_lines
  where is_trailer and regexp_full_match(line, '\d+') and line::bigint <> (select count(*) from data_rows)
  union all
  select line_number, line, 'six columns' from data_rows where columns <> 6
  union all
  select line_number, day, 'the date ' || $day from data_rows where columns = 6 and day <> $day
  union all
  select line_number, line, 'a symbol' from data_rows where columns = 6 and trim(symbol) = ''
  union all
  select line_number, line, 'numbers of shares, 0 or more'
  from data_rows
  where columns = 6
    and (
      short_volume is null or short_exempt_volume is null or total_volume is null
      or least(short_volume, short_exempt_volume, total_volume) < 0
    )
  union all
  select line_number, symbol, 'a symbol only once' from twice
)

select line_number, found, expected from problems order by line_number limit 1;
