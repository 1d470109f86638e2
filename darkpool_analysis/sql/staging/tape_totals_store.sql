-- Grain: tape_totals_daily (symbol, date) from staged_tape_totals (temporary): every symbol of the file on every day
-- of the file, 0 where it has no row. Days with stored trades are left alone. Parameter: $source.

create or replace temp table changed_tape_totals as
with filled as (
  select s.symbol, d.date, coalesce(t.shares, 0) as shares, coalesce(t.trades, 0) as trades
  from (select distinct symbol from staged_tape_totals) s
  cross join (select distinct date from staged_tape_totals) d
  left join staged_tape_totals t on t.symbol = s.symbol and t.date = d.date
)
select f.*
from filled f
left join tape_totals_daily o on o.symbol = f.symbol and o.date = f.date
where o.source is distinct from 'trades'
  and (o.off_exchange_shares is distinct from f.shares or o.off_exchange_trades is distinct from f.trades);

delete from tape_totals_daily o
using changed_tape_totals c
where o.symbol = c.symbol and o.date = c.date;

insert into tape_totals_daily
select symbol, date, shares, trades, null, $source from changed_tape_totals order by symbol, date;

insert into pending_days
select symbol, date from changed_tape_totals
except
select symbol, date from pending_days;
