-- Grain: finra_regsho_lines, one line of one Reg SHO daily file: line_number from 1, parts split at "|".
-- Parameters: $file. A final line break is no line; CRLF and LF both end one.

create or replace temp table finra_regsho_lines as
with file_text as (
  select regexp_replace(replace(content, e'\r\n', e'\n'), '\n$', '') as content from read_text($file)
),

split as (
  select string_split(content, e'\n') as all_lines from file_text
),

numbered as (
  select unnest(all_lines) as line, generate_subscripts(all_lines, 1) as line_number from split
)

select
  line_number::integer as line_number,
  line,
  string_split(line, '|') as parts,
  line_number = 1 as is_header,
  line_number = max(line_number) over () and line_number > 1 as is_trailer,
  not is_header and not is_trailer as is_row
from numbered;
