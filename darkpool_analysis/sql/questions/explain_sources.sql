-- What was read for this day and its week, and when (UTC). Grain: one row per source, period, status and time.
-- Input: ingest_log; '*' is a whole market file. Parameters: $symbol, $date.

with week as (
  select coalesce(
    (select finra_week_start from off_exchange_volume_daily where symbol = $symbol and date = $date::date),
    (select week_start from market_sessions where date = $date::date)
  ) as week_start
),
tiers as (
  select distinct tier from finra_otc_weekly
  where symbol = $symbol and week_start = (select week_start from week)
),
pieces as (
  select * from ingest_log
  where (source in ('polygon_trades', 'polygon_quotes', 'polygon_bars_minute')
      and period = $date and symbol_or_tier in ($symbol, '*'))
    or (source = 'finra_regsho_daily' and period = $date and (symbol_or_tier = 'CNMS'
      or symbol_or_tier = 'FORF' and exists (
        from finra_regsho_daily r where r.symbol = $symbol and r.date = $date::date and r.family = 'FORF')))
    or (source = 'finra_otc_weekly' and period = (select week_start::varchar from week)
      and (split_part(symbol_or_tier, ' ', 1) in (select tier from tiers) or split_part(symbol_or_tier, ' ', 1) = $symbol))
    or (source = 'tape_totals_daily' and period in (
        select t.source from tape_totals_daily t where t.symbol = $symbol and t.date = $date::date))
)
select
  source, period, status,
  count(*)::integer as pieces,
  string_agg(symbol_or_tier, ', ' order by symbol_or_tier) as subjects,
  sum(rows)::double as rows,
  strftime(fetched_at, '%Y-%m-%d %H:%M') as fetched_utc,
  max(message) as message
from pieces
group by source, period, status, fetched_at
order by case when source like 'polygon%' then 1 when source = 'tape_totals_daily' then 2
  when source = 'finra_regsho_daily' then 3 else 4 end, source desc, period, fetched_at, status;
