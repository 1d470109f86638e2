-- Grain: ordered_trades, one row per trade of the range's symbol-days, in tape order.
-- Inputs: polygon_trades; range_units (symbol, date, start_ns, end_ns: regular hours) of this connection.
-- Parameter: $clock ('participant' or 'sip'): the clock of execution.
-- Never sign: the price was not set now or there is no aggressor. Auctions have no side.

-- Sorted narrow: rows lie in tape order within a symbol-day, so their rowid settles what time and sequence number do not,
-- and venue and status become words only after the sort.

create or replace temp table ordered_trades as
with executed as (
  select
    t.symbol,
    t.date,
    epoch_ns(t.sip_timestamp) as sip_ns,
    t.sequence_number,
    t.rowid as stored,
    t.exchange,
    case when $clock = 'sip' then epoch_ns(t.sip_timestamp)
      else epoch_ns(coalesce(t.participant_timestamp, t.sip_timestamp)) end as match_ns,
    epoch_ns(t.participant_timestamp) as participant_ns,
    u.start_ns,
    u.end_ns,
    t.conditions,
    cast(round(t.price * 1000000) as bigint) as price_e6,
    cast(round(t.bid * 1000000) as bigint) as bid_e6,
    cast(round(t.ask * 1000000) as bigint) as ask_e6,
    cast(round(t.size * 1000000) as bigint) as shares_e6
  from polygon_trades t
  join range_units u on t.symbol = u.symbol and t.date = u.date
  where t.date between $first::date and $last::date
),
coded as (
  select
    * exclude (conditions, participant_ns, start_ns, end_ns),
    sip_ns - coalesce(participant_ns, sip_ns) > 10000000000 as late,
    case
      when match_ns < start_ns or match_ns >= end_ns then 3
      when list_has_any(conditions, [2, 5, 7, 9, 10, 13, 20, 21, 22, 29, 30, 31, 32, 33, 52, 53, 55]) then 2
      when list_has_any(conditions, [8, 17, 18, 19, 25, 28]) then 1
      else 0
    end::tinyint as status
  from executed
),
sorted as (
  select * from coded order by symbol, date, sip_ns, sequence_number, stored
)
select
  * exclude (stored, status),
  case when exchange in (4, 62) then 'off' else 'lit' end as venue,
  case status when 0 then 'signable' when 1 then 'auction' when 2 then 'never_sign' else 'outside_hours' end as status
from sorted;
