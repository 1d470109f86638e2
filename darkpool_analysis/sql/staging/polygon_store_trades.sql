-- Grain: one row of polygon_trades per print of clean_trades, stored in its order; replaces the day of store_units.
-- Inputs (temporary): clean_trades (in tape order), staged_quotes, store_units (symbol). Parameters: $date, $lag_ns.
-- NBBO: the last quote strictly before the execution less the lag, by (time, sequence number), facts/trade_direction.md.
-- Symbol, time and sequence number make one key, so that one as-of join over one sort finds the last quote of an
-- instant (partitions by symbol leave one symbol's day to one thread). It carries narrow rows and meets the trades
-- again by position: sorting whole trades twice took three times the memory.
-- Key: unit (16 bits), ns since 00:00 UTC of the day before (48 bits), sequence number (56 bits).

create or replace temp table nbbo as
with trades as (
  select
    t.place, u.unit,
    (u.unit::hugeint << 104)
      | (greatest(0, t.match_ns - $lag_ns::bigint - getvariable('store_origin'))::hugeint << 56) as key
  from (select row_number() over () as place, symbol, match_ns from clean_trades) t
  join store_units u on u.symbol = t.symbol
),
quotes as (
  select
    u.unit, q.quote_ns, q.bid_e6, q.ask_e6,
    (u.unit::hugeint << 104)
      | (greatest(0, q.quote_ns - getvariable('store_origin'))::hugeint << 56)
      | coalesce(q.sequence_number, 0) as key
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

delete from polygon_trades
where date = $date::date and symbol in (select symbol from store_units);

insert into polygon_trades
select
  t.symbol,
  t.date,
  make_timestamp_ns(t.sip_ns) as sip_timestamp,
  make_timestamp_ns(t.participant_ns) as participant_timestamp,
  t.sequence_number,
  t.trade_id,
  t.exchange,
  t.trf_id,
  t.conditions,
  t.correction,
  t.price_e6 / 1000000.0 as price,
  t.shares_e6 / 1000000.0 as size,
  t.tape,
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then q.bid_e6 else t.own_bid_e6 end / 1000000.0 as bid,
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then q.ask_e6 else t.own_ask_e6 end / 1000000.0 as ask,
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then make_timestamp_ns(q.quote_ns) end as quote_timestamp
from clean_trades t
positional join nbbo q;

drop table nbbo;

-- What the tape printed, for the volume bases: exact sums in millionths.
delete from tape_totals_daily
where date = $date::date and symbol in (select symbol from store_units);

insert into tape_totals_daily
select
  symbol,
  date,
  case when count(exchange) > 0 then
    coalesce(sum(shares_e6) filter (exchange in (4, 62)), 0) / 1000000.0
  end as off_exchange_shares,
  case when count(exchange) > 0 then count(*) filter (exchange in (4, 62)) end as off_exchange_trades,
  sum(shares_e6) / 1000000.0 as consolidated_shares,
  'trades' as source
from clean_trades
group by symbol, date
order by symbol;

insert into pending_directions
select symbol, $date::date from store_units
except
select symbol, date from pending_directions;

insert into pending_days
select symbol, $date::date from store_units
except
select symbol, date from pending_days;
