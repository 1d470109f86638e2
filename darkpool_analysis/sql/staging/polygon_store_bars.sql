-- Grain: polygon_bars_daily (symbol, date, adjusted); rows of staged_bars replace what is stored under their key.
-- Inputs (temporary): staged_bars (the table's columns). Only changed rows are written, and only they make days pending.

create or replace temp table changed_bars as
select distinct on (symbol, date, adjusted) *
from staged_bars s
where not exists (
  select 1 from polygon_bars_daily b
  where b.symbol = s.symbol and b.date = s.date and b.adjusted = s.adjusted
    and b.open is not distinct from s.open and b.high is not distinct from s.high
    and b.low is not distinct from s.low and b.close is not distinct from s.close
    and b.volume is not distinct from s.volume and b.vwap is not distinct from s.vwap
    and b.trades is not distinct from s.trades
)
order by symbol, date, adjusted;

delete from polygon_bars_daily b
using changed_bars c
where b.symbol = c.symbol and b.date = c.date and b.adjusted = c.adjusted;

insert into polygon_bars_daily select * from changed_bars order by symbol, date, adjusted;

-- Raw volume is the consolidated volume of a day without trades.
insert into pending_days
select distinct symbol, date from changed_bars where not adjusted
except
select symbol, date from pending_days;
