-- Grain: direction_classes_daily (symbol, date, venue, status, quote_position, tick, step, retail).
-- Inputs: classified_trades and range_units of this connection. Replaces the range's symbol-days.

delete from direction_classes_daily d
using range_units u
where d.symbol = u.symbol and d.date = u.date;

insert into direction_classes_daily
with blocks as (
  select
    *,
    shares_e6 >= 10000000000 or shares_e6::hugeint * price_e6 >= 200000000000000000 as block
  from classified_trades
)
select
  symbol, date, venue, status, quote_position, tick, step, retail,
  count(*) as trades,
  sum(shares_e6)::bigint as shares_e6,
  count(*) filter (late) as late_trades,
  coalesce(sum(shares_e6) filter (late), 0)::bigint as late_shares_e6,
  count(*) filter (block) as block_trades,
  coalesce(sum(shares_e6) filter (block), 0)::bigint as block_shares_e6
from blocks
group by all
order by symbol, date, venue, status, quote_position, tick, step, retail;

delete from pending_directions p
using range_units u
where p.symbol = u.symbol and p.date = u.date;
