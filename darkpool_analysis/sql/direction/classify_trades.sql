-- Grain: classified_trades, one row per trade of ordered_trades.
-- Input (temporary): ordered_trades (symbol, date, sequence_number, venue, status, regular, match_ns, late, price_e6, bid_e6, ask_e6, shares_e6),
--   lying in the order (symbol, date, sip_timestamp, sequence_number).
-- A window without PARTITION BY and ORDER BY streams in that order and sorts nothing. Carried values are packed with
-- the number of their symbol-day, so that nothing leaks from one into the next. One last_value(… ignore nulls) a level:
-- two in one SELECT give silently wrong results (DuckDB 1.5.6).
-- Rules and order: facts of trade direction; every comparison is between integers.

create or replace temp table ticked_trades as
with numbered as (
  select
    *,
    row_number() over () as place,
    venue = 'lit' and status = 'signable' as base,
    symbol is distinct from lag(symbol) over () or date is distinct from lag(date) over () as starts
  from ordered_trades
),
segmented as (
  select
    * exclude (starts),
    sum(starts::integer) over (rows between unbounded preceding and current row)::bigint as segment
  from numbered
),
carried as (
  select
    *,
    last_value(case when base then (segment << 44) | price_e6 end ignore nulls)
      over (rows between unbounded preceding and current row) as last_base
  from segmented
),
before as (
  select *, lag(last_base) over () as base_before from carried
),
stepped as (
  select
    * exclude (last_base, base_before),
    case when base and (base_before >> 44) = segment
      then sign(price_e6 - (base_before & 17592186044415))::tinyint
    end as step
  from before
),
directed as (
  select
    *,
    last_value(case when base and step <> 0 then (segment << 2) | (step + 1) end ignore nulls)
      over (rows between unbounded preceding and current row) as last_direction
  from stepped
)
select
  * exclude (last_direction),
  case when base and (last_direction >> 2) = segment then ((last_direction & 3) - 1)::tinyint end as tick,
  case
    when status <> 'signable' or bid_e6 is null or ask_e6 is null then null
    when ask_e6 <= bid_e6 then case when price_e6 > bid_e6 then 11 when price_e6 < ask_e6 then 9 else 10 end
    when price_e6 < bid_e6 then -5
    when price_e6 = bid_e6 then -4
    when 10 * price_e6 <= 7 * bid_e6 + 3 * ask_e6 then -3
    when 10 * price_e6 < 6 * bid_e6 + 4 * ask_e6 then -2
    when 2 * price_e6 < bid_e6 + ask_e6 then -1
    when 2 * price_e6 = bid_e6 + ask_e6 then 0
    when 10 * price_e6 <= 4 * bid_e6 + 6 * ask_e6 then 1
    when 10 * price_e6 < 3 * bid_e6 + 7 * ask_e6 then 2
    when price_e6 < ask_e6 then 3
    when price_e6 = ask_e6 then 4
    else 5
  end::tinyint as quote_position,
  venue = 'off' and price_e6 >= 1000000 and (
    ((price_e6 + 50) // 100) % 100 between 1 and 39 or ((price_e6 + 50) // 100) % 100 between 61 and 99
  ) as retail
from directed;

-- An off-exchange print takes the tick test against the last lit trade before its own execution, whenever it was
-- reported; where the prices are equal, the direction carried there. Only prints that CLNV sends to the tick test ask.
create or replace temp view classified_trades as
with asking as (
  select
    *,
    venue = 'off' and status = 'signable' and not retail
      and (quote_position is null or quote_position not in (0, 3, 4, -3, -4)) as asks
  from ticked_trades
),
base as (
  select
    segment, tick as base_tick, price_e6 as base_price_e6,
    match_ns::hugeint * 18446744073709551616 + place as key
  from ticked_trades
  where base
)
select * exclude (asks)
from asking
where not asks
union all
select
  n.* exclude (asks, key) replace (
    case when n.price_e6 > b.base_price_e6 then 1 when n.price_e6 < b.base_price_e6 then -1 else b.base_tick end::tinyint as tick
  )
from (select *, match_ns::hugeint * 18446744073709551616 as key from asking where asks) n
asof left join base b on n.segment = b.segment and n.key > b.key;
