-- Grain: one row of polygon_trades per kept print of (symbol, $date) for the symbols of store_units.
-- Inputs (temporary, of this connection): staged_trades, staged_quotes (staged_columns.ts), store_units (symbol).
-- Parameters: $date, $clock ('participant' or 'sip'), $lag_ns.
-- Cleaning: facts/polygon.md. Drop before removing duplicates: correction 12 repeats the wrong original of a 1.
-- NBBO: the last quote strictly before the execution less the lag, by (time, sequence number), facts/trade_direction.md.

create or replace temp table kept_trades as
select
  *,
  case when $clock = 'sip' then sip_ns else coalesce(participant_ns, sip_ns) end as match_ns,
  hash(symbol, exchange, trf_id, trade_id, sequence_number) as identity
from staged_trades
where date = $date::date
  and symbol in (select symbol from store_units)
  and not coalesce(list_has_any(conditions, [15, 16, 38]), false)
  and coalesce(correction, 0) not in (7, 8, 10, 11, 12);

-- Few or no rows come twice, so find the candidates by a hash and compare only those.
create or replace temp table repeated_identities as
select identity
from kept_trades
where trade_id is not null
group by identity
having count(*) > 1;

delete from polygon_trades
where date = $date::date and symbol in (select symbol from store_units);

insert into polygon_trades
with unrepeated as (
  select * from kept_trades where identity not in (select identity from repeated_identities)
  union all
  select * from kept_trades where trade_id is null and identity in (select identity from repeated_identities)
  union all
  select * from kept_trades
  where trade_id is not null and identity in (select identity from repeated_identities)
  qualify row_number() over (
    partition by symbol, exchange, trf_id, trade_id, sequence_number
    order by sip_ns, participant_ns, price_e6, shares_e6, conditions, correction
  ) = 1
),
keyed as (
  -- time and sequence number in one key, so that one as-of join finds the last quote of an instant
  select *, (match_ns - $lag_ns::bigint)::hugeint * 18446744073709551616 as key from unrepeated
),
quotes as (
  select
    symbol, quote_ns, bid_e6, ask_e6,
    quote_ns::hugeint * 18446744073709551616 + coalesce(sequence_number, 0) as key
  from staged_quotes
  where date = $date::date and symbol in (select symbol from store_units)
)
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
from keyed t
asof left join quotes q on t.symbol = q.symbol and t.key > q.key
order by
  t.symbol, t.sip_ns, t.sequence_number, t.exchange, t.trf_id, t.trade_id,
  t.participant_ns, t.price_e6, t.shares_e6, t.conditions;

-- What the tape printed, for the volume bases: exact sums in millionths.
delete from tape_totals_daily
where date = $date::date and symbol in (select symbol from store_units);

insert into tape_totals_daily
select
  symbol,
  date,
  case when count(exchange) > 0 then
    coalesce(sum(cast(round(size * 1000000) as bigint)) filter (exchange in (4, 62)), 0) / 1000000.0
  end as off_exchange_shares,
  case when count(exchange) > 0 then count(*) filter (exchange in (4, 62)) end as off_exchange_trades,
  sum(cast(round(size * 1000000) as bigint)) / 1000000.0 as consolidated_shares,
  'trades' as source
from polygon_trades
where date = $date::date and symbol in (select symbol from store_units)
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
