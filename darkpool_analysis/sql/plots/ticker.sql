-- Grain: one row. The name of a ticker, from the reference where there is one, else as FINRA spells it.
-- Inputs: ticker_reference, finra_otc_weekly. Parameters: $symbol.
select coalesce(
  (select "name" from ticker_reference where symbol = $symbol and "name" is not null order by as_of desc limit 1),
  (
    select issue_name
    from finra_otc_weekly
    where symbol = $symbol and issue_name is not null
    order by week_start desc, fetched_at desc, issue_name
    limit 1
  )
) as "name";
