-- Every stored trade of the day, by venue (lit; off = off exchange) and by what keeps it from being signed.
-- Grain: one row per venue, and one for all. Input: direction_classes_daily. Parameters: $symbol, $date.
-- quoted: signable with a two-sided NBBO before it, those behind a locked or crossed one included.

select
  coalesce(venue, 'all') as venue,
  sum(trades)::double as trades,
  sum(shares_e6) / 1000000.0 as shares,
  coalesce(sum(trades) filter (status = 'outside_hours'), 0)::double as outside_hours_trades,
  coalesce(sum(shares_e6) filter (status = 'outside_hours'), 0) / 1000000.0 as outside_hours_shares,
  coalesce(sum(trades) filter (status = 'never_sign'), 0)::double as never_sign_trades,
  coalesce(sum(shares_e6) filter (status = 'never_sign'), 0) / 1000000.0 as never_sign_shares,
  coalesce(sum(trades) filter (status = 'auction'), 0)::double as auction_trades,
  coalesce(sum(shares_e6) filter (status = 'auction'), 0) / 1000000.0 as auction_shares,
  coalesce(sum(trades) filter (status = 'signable'), 0)::double as signable_trades,
  coalesce(sum(shares_e6) filter (status = 'signable'), 0) / 1000000.0 as signable_shares,
  coalesce(sum(trades) filter (quote_position is not null), 0)::double as quoted_trades,
  coalesce(sum(shares_e6) filter (quote_position is not null), 0) / 1000000.0 as quoted_shares,
  coalesce(sum(trades) filter (quote_position >= 9), 0)::double as locked_or_crossed_trades,
  100 * (sum(trades) filter (quote_position is not null)) / (sum(trades) filter (status = 'signable')) as quoted_pct
from direction_classes_daily
where symbol = $symbol and date = $date::date
group by grouping sets ((venue), ())
having count(*) > 0
order by list_position(['lit', 'off', 'all'], coalesce(venue, 'all'));
