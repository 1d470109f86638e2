-- The off-exchange prints by what signs them: retail (BJZZ, signed by QMP), midpoint, other (CLNV), and those that are
-- not signable; and all of them. Grain: one row per kind. Inputs: direction_classes_daily, off_exchange_side.
-- Parameters: $symbol, $date. Sums are those of off_exchange_direction_daily.

with prints as (
  select
    *,
    off_exchange_side(status, quote_position, tick, retail) as side,
    case
      when status <> 'signable' then 'not_signable'
      when quote_position = 0 then 'mid'
      when retail then 'retail'
      else 'other'
    end as kind
  from direction_classes_daily
  where symbol = $symbol and date = $date::date and venue = 'off'
)
select
  coalesce(kind, 'all') as kind,
  sum(trades)::double as trades,
  sum(shares_e6) / 1000000.0 as shares,
  coalesce(sum(shares_e6) filter (side = 1), 0) / 1000000.0 as buy_shares,
  coalesce(sum(shares_e6) filter (side = -1), 0) / 1000000.0 as sell_shares,
  coalesce(sum(shares_e6) filter (side = 0), 0) / 1000000.0 as no_side_shares,
  case when sum(shares_e6) filter (side <> 0) > 0
    then coalesce(sum(shares_e6) filter (side = 1), 0) / (sum(shares_e6) filter (side <> 0)) end as buy_ratio,
  sum(block_trades)::double as block_trades,
  sum(block_shares_e6) / 1000000.0 as block_shares,
  sum(late_trades)::double as late_trades,
  sum(late_shares_e6) / 1000000.0 as late_shares
from prints
group by grouping sets ((kind), ())
having count(*) > 0
order by case kind when 'retail' then 1 when 'mid' then 2 when 'other' then 3 when 'not_signable' then 4 else 5 end;
