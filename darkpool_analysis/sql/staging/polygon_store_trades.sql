-- Grain: one row of polygon_trades per print of quoted_trades, stored in its order; replaces the day of store_units.
-- Inputs (temporary): quoted_trades (clean_trades, in tape order, with nbbo beside it), store_units (symbol). Parameter: $date.

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
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then t.bid_e6 else t.own_bid_e6 end / 1000000.0 as bid,
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then t.ask_e6 else t.own_ask_e6 end / 1000000.0 as ask,
  case when t.own_bid_e6 is null and t.own_ask_e6 is null then make_timestamp_ns(t.quote_ns) end as quote_timestamp
from quoted_trades t;

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
