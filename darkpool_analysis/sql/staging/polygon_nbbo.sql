-- Grain: nbbo, one row per print of clean_trades, in its order: the quote before it, NULL when there is none.
-- Inputs (temporary): clean_trades (in tape order), staged_quotes, store_units (symbol, unit). Parameters: $date, $lag_ns.
-- NBBO: the last quote strictly before the execution less the lag, by (time, sequence number), facts/trade_direction.md.
-- Symbol, time and sequence number make one key, so that one as-of join over one sort finds the last quote of an
-- instant (partitions by symbol leave one symbol's day to one thread). It carries narrow rows and meets the trades
-- again by position: sorting whole trades twice took three times the memory.
-- Key: unit (16 bits), ns since 00:00 UTC of the day before (48 bits, 78 hours), sequence number (56 bits); each is
-- held within its bits, so that a stamp of another year cannot reach into the next symbol's.

create or replace temp table nbbo as
with trades as (
  select
    t.place, u.unit,
    (u.unit * 281474976710656::hugeint
      + least(greatest(0, t.match_ns - $lag_ns::bigint - getvariable('store_origin')), 281474976710655))
      * 72057594037927936 as key
  from (select row_number() over () as place, symbol, match_ns from clean_trades) t
  join store_units u on u.symbol = t.symbol
),
quotes as (
  select
    u.unit, q.quote_ns, q.bid_e6, q.ask_e6,
    (u.unit * 281474976710656::hugeint
      + least(greatest(0, q.quote_ns - getvariable('store_origin')), 281474976710655))
      * 72057594037927936
      + least(greatest(0, coalesce(q.sequence_number, 0)), 72057594037927935) as key
  from staged_quotes q
  join store_units u on u.symbol = q.symbol
  where q.date = $date::date
),
matched as (
  select t.place, q.bid_e6, q.ask_e6, q.quote_ns, t.unit = q.unit as same
  from trades t
  asof left join quotes q on t.key > q.key
)
select
  place,
  case when same then bid_e6 end as bid_e6,
  case when same then ask_e6 end as ask_e6,
  case when same then quote_ns end as quote_ns
from matched
order by place;
