-- What is held of a symbol, for a day that cannot be explained. Grain: one row. Parameters: $symbol, $date.

select
  (select min(date)::varchar from darkpool_daily_summary where symbol = $symbol) as first_date,
  (select max(date)::varchar from darkpool_daily_summary where symbol = $symbol) as last_date,
  (select max(date)::varchar from darkpool_daily_summary) as newest_date,
  exists (from finra_regsho_daily where symbol = $symbol and date = $date::date) as has_regsho,
  exists (from finra_otc_weekly where symbol = $symbol) as has_finra,
  exists (
    from ingest_log
    where source = 'polygon_trades' and period = $date and symbol_or_tier in ($symbol, '*') and status = 'absent'
  ) as trades_absent;
