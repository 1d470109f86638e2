-- Grain: ordered_trades, one row per trade of the range's symbol-days, in tape order.
-- Inputs: polygon_trades; range_units (symbol, date, start_ns, end_ns: regular hours) of this connection.
-- Parameter: $clock ('participant' or 'sip'): the clock of execution.
-- Never sign: the price was not set now or there is no aggressor. Auctions have no side.

create or replace temp table ordered_trades as
with executed as (
  select
    t.*,
    u.start_ns,
    u.end_ns,
    epoch_ns(t.sip_timestamp) as sip_ns,
    case when $clock = 'sip' then epoch_ns(t.sip_timestamp)
      else epoch_ns(coalesce(t.participant_timestamp, t.sip_timestamp)) end as match_ns
  from polygon_trades t
  join range_units u on t.symbol = u.symbol and t.date = u.date
  where t.date between $first::date and $last::date
)
select
  symbol,
  date,
  sip_ns,
  sequence_number,
  exchange,
  case when exchange in (4, 62) then 'off' else 'lit' end as venue,
  case
    when match_ns < start_ns or match_ns >= end_ns then 'outside_hours'
    when list_has_any(conditions, [2, 5, 7, 9, 10, 13, 20, 21, 22, 29, 30, 31, 32, 33, 52, 53, 55]) then 'never_sign'
    when list_has_any(conditions, [8, 17, 18, 19, 25, 28]) then 'auction'
    else 'signable'
  end as status,
  match_ns,
  sip_ns - epoch_ns(coalesce(participant_timestamp, sip_timestamp)) > 10000000000 as late,
  cast(round(price * 1000000) as bigint) as price_e6,
  cast(round(bid * 1000000) as bigint) as bid_e6,
  cast(round(ask * 1000000) as bigint) as ask_e6,
  cast(round(size * 1000000) as bigint) as shares_e6
from executed
order by
  symbol, date, sip_ns, sequence_number, exchange, trf_id, trade_id,
  participant_timestamp, price, size, conditions;
