-- Grain: one watched symbol and cut of a week: its firm rows are there to be asked for, since its symbol row has volume.
-- Inputs: finra_otc_weekly_current.
-- Parameters: $tickers, $weeks. A ticker that stands nowhere as typed is also taken in capitals: people type spy.

with current_rows as (
  select distinct week_start, tier, summary_type, symbol, raw_symbol
  from finra_otc_weekly_current
  where summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL') and tier in ('T1', 'T2', 'OTCE')
    and list_contains($weeks::date[], week_start)
),

asked as (
  select unnest($tickers::varchar[]) as ticker
),

watched as (
  select if(exists (select 1 from current_rows where symbol = ticker), ticker, upper(ticker)) as symbol from asked
)

select
  week_start::varchar as week_start, tier, summary_type || '_FIRM' as cut, symbol, min(raw_symbol) as raw_symbol
from current_rows
where symbol in (select symbol from watched)
group by all
order by week_start, tier, cut, symbol;
