-- Which derived rows are due anew. Grain: affected_days (symbol, date); affected_weeks (week_start, symbol).
-- Inputs: pending_days, pending_weeks (filled with the data that changes them), the marts as they stand.
-- Parameters: $tickers (the watch list), $all (TICKERS=ALL), $dates (days of this run).
-- Daily rows are kept for the watch list and for what already has them; weekly rows for every symbol FINRA published.

create or replace temp table watched as
select unnest($tickers) as symbol
union
select distinct symbol from darkpool_daily_summary
union
select distinct symbol from pending_days where $all;

-- A week that FINRA published or restated touches its own days, and through the factor the days still estimated.
create or replace temp table affected_days as
with sessions as (select date, week_start from market_sessions),
pending as (
  select symbol, date from pending_days
),
of_weeks as (
  select w.symbol, s.date
  from (
    select distinct o.week_start, o.symbol
    from finra_otc_weekly o
    join pending_weeks using (week_start)
    where o.symbol in (select symbol from watched)
  ) w
  join sessions s using (week_start)
  where s.date in (select unnest($dates)::date)
    or exists (select 1 from darkpool_daily_summary d where d.symbol = w.symbol and d.date = s.date)
    or exists (select 1 from tape_totals_daily t where t.symbol = w.symbol and t.date = s.date)
),
-- and so does tape or Reg SHO that comes late for a week already published; the market's factor hangs on every symbol
unsettled as (
  select v.symbol, v.date
  from off_exchange_volume_daily v
  left join (select symbol, min(date) as first from pending_days group by symbol) p on p.symbol = v.symbol
  where v.volume_basis is distinct from 'finra_week'
    and v.date > least(
      (select min(week_start) from pending_weeks),
      p.first,
      case when v.volume_basis = 'regsho' and v.factor_weeks = 0 then (select min(date) from pending_days) end
    )
),
-- In a published week a day's volume is its share of the whole: one day that comes late or is corrected moves the others.
same_week as (
  select v.symbol, v.date
  from off_exchange_volume_daily v
  join sessions s on s.date = v.date
  semi join (
    select distinct p.symbol, d.week_start
    from pending_days p
    join sessions d on d.date = p.date
    semi join finra_otc_weekly o on o.week_start = d.week_start and o.symbol = p.symbol
  ) w on w.symbol = v.symbol and w.week_start = s.week_start
),
not_yet as (
  select t.symbol, d.date
  from (select unnest($tickers) as symbol) t
  cross join (select unnest($dates)::date as date) d
  where not exists (select 1 from darkpool_daily_summary s where s.symbol = t.symbol and s.date = d.date)
)
select symbol, date
from (
  select * from pending
  union select * from of_weeks
  union select * from unsettled
  union select * from same_week
  union select * from not_yet
)
where symbol in (select symbol from watched)
  and date in (select date from sessions);

create or replace temp table affected_weeks as
select distinct week_start, symbol
from (
  select o.week_start, o.symbol
  from finra_otc_weekly o
  where o.week_start in (select week_start from pending_weeks)
    or o.week_start in (select week_start + 7 from pending_weeks)
  union
  select s.week_start, p.symbol
  from (select symbol, date from pending_days union select symbol, date from affected_days) p
  join market_sessions s on s.date = p.date
  union
  -- the weeks after, judged by factors that may have moved
  select week_start, symbol
  from nowcast_error
  where coalesce(tape_nowcast, regsho_nowcast) is not null
    and week_start > least((select min(week_start) from pending_weeks), (select min(date) from pending_days))
);
