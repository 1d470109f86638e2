-- Grain: kept_trades, one row per staged print of $date that is not dropped, in the order of the staged files.
-- Input (temporary, of this connection): staged_trades (staged_columns.ts). Parameters: $date, $symbols, $clock.
-- What is dropped (staged_columns.ts) goes before duplicates do: correction 12 repeats the wrong original of a 1.
-- Filters only: a join here would lose the order of the files, which the windows downstream stream in.

create or replace temp view kept_trades as
select
  * exclude (dropped),
  case when getvariable('match_clock') = 'sip' then sip_ns else coalesce(participant_ns, sip_ns) end as match_ns
from staged_trades
where date = getvariable('store_date')
  and (getvariable('store_symbols') is null or list_contains(getvariable('store_symbols'), symbol))
  and not dropped;

-- How the staged rows lie. A feed in tape order with rising sequence numbers has no row twice and needs no sorting.
select
  count(*)::double as rows,
  count(*) filter (not rises)::double as out_of_order,
  count(*) filter (not sequence_rises)::double as repeating
from (
  select
    symbol > last_symbol or last_symbol is null
      or (symbol = last_symbol and (sip_ns > last_sip or (sip_ns = last_sip and sequence_number > last_sequence))) as rises,
    symbol is distinct from last_symbol or sequence_number > last_sequence as sequence_rises
  from (
    select
      symbol, sip_ns, sequence_number,
      lag(symbol) over () as last_symbol,
      lag(sip_ns) over () as last_sip,
      lag(sequence_number) over () as last_sequence
    from kept_trades
  )
);
