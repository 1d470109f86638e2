-- Grain: off_exchange_direction_daily (symbol, date), for affected_days with off-exchange prints.
-- Inputs: direction_classes_daily (sums in millionths), off_exchange_side. Parameter: $min_lit.

delete from off_exchange_direction_daily o
using affected_days a
where o.symbol = a.symbol and o.date = a.date;

insert into off_exchange_direction_daily
with off_exchange as (
  select
    c.*,
    off_exchange_side(c.status, c.quote_position, c.tick, c.retail) as side,
    c.status = 'signable' and coalesce(c.quote_position = 0, false) as mid,
    -- retail figures are parts of the sides, so a midpoint print is not among them
    c.retail and c.status = 'signable' and coalesce(c.quote_position <> 0, true) as counted_retail
  from direction_classes_daily c
  join affected_days a on a.symbol = c.symbol and a.date = c.date
  where c.venue = 'off'
),
summed as (
  select
    symbol, date,
    sum(shares_e6) as total,
    sum(trades) as trades,
    coalesce(sum(shares_e6) filter (side = 1), 0) as buy,
    coalesce(sum(shares_e6) filter (side = -1), 0) as sell,
    coalesce(sum(shares_e6) filter (mid), 0) as mid,
    coalesce(sum(shares_e6) filter (side = 0 and not mid), 0) as unsigned,
    coalesce(sum(shares_e6) filter (side = 1 and counted_retail), 0) as retail_buy,
    coalesce(sum(shares_e6) filter (side = -1 and counted_retail), 0) as retail_sell,
    coalesce(sum(shares_e6) filter (side = 0 and not mid and counted_retail), 0) as retail_unsigned,
    sum(block_shares_e6) as blocks,
    sum(block_trades) as block_trades,
    sum(late_shares_e6) as late,
    sum(late_trades) as late_trades
  from off_exchange
  group by symbol, date
)
select
  symbol, date,
  total / 1000000.0 as total_volume,
  trades::bigint,
  buy / 1000000.0 as buy_volume,
  sell / 1000000.0 as sell_volume,
  mid / 1000000.0 as mid_volume,
  unsigned / 1000000.0 as unsigned_volume,
  retail_buy / 1000000.0 as retail_buy_volume,
  retail_sell / 1000000.0 as retail_sell_volume,
  retail_unsigned / 1000000.0 as retail_unsigned_volume,
  blocks / 1000000.0 as block_volume,
  block_trades::bigint,
  late / 1000000.0 as late_volume,
  late_trades::bigint,
  case when buy + sell > 0 and (buy + sell) / 1000000.0 >= $min_lit then buy / (buy + sell) end as buy_ratio
from summed
order by symbol, date;
