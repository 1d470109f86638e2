-- Grain: polygon_bars_minute (symbol, date, minute), regular hours only; replaces the days of minute_days.
-- Inputs (temporary): minute_days (date, start_ns, end_ns: start ≤ t < end), staged_minutes (t in ms since 1970, close,
-- volume). Parameters: $symbol. Days that had bars or have them now become pending.

insert into pending_days
select distinct symbol, date from polygon_bars_minute
where symbol = $symbol and date in (select date from minute_days)
except
select symbol, date from pending_days;

delete from polygon_bars_minute
where symbol = $symbol and date in (select date from minute_days);

insert into polygon_bars_minute
select $symbol, d.date, make_timestamp(s.t * 1000), s.close, s.volume
from staged_minutes s
join minute_days d on s.t * 1000000 >= d.start_ns and s.t * 1000000 < d.end_ns
order by d.date, s.t;

insert into pending_days
select distinct symbol, date from polygon_bars_minute
where symbol = $symbol and date in (select date from minute_days)
except
select symbol, date from pending_days;
