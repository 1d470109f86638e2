-- Grain: off_exchange_volume_daily (symbol, date), for affected_days that have any source.
-- The best basis at hand: finra_week, tape, regsho, week_total (SPEC.md). Parameter: $now (UTC).
-- A factor looks only at weeks before the day's own: the median of the last 8 published ones, from 4 on.
-- Inputs (temporary): day_sources, volume_factors.

delete from off_exchange_volume_daily v
using affected_days a
where v.symbol = a.symbol and v.date = a.date;

insert into off_exchange_volume_daily
with own_week as (
  select symbol, week_start, finra, tape, regsho
  from volume_reconciliation_weekly
  where finra is not null and symbol in (select distinct symbol from day_sources)
),
last_week as (
  select d.symbol, d.date, o.week_start as last_week_start, o.finra as last_week_volume
  from day_sources d
  asof join own_week o on d.symbol = o.symbol and d.week_start >= o.week_start
),
based as (
  select
    d.*, o.finra, l.last_week_start, l.last_week_volume, f.*  exclude (symbol, week_start),
    case
      when o.finra is not null and o.tape > 0 and d.tape_volume is not null then 'finra_by_tape'
      when o.finra is not null and o.regsho > 0 and d.regsho_volume is not null then 'finra_by_regsho'
      when d.tape_volume is not null then 'tape'
      when d.regsho_volume is not null then 'regsho'
      when l.last_week_volume is not null then 'week_total'
    end as way,
    o.tape as week_tape,
    o.regsho as week_regsho
  from day_sources d
  left join own_week o on o.symbol = d.symbol and o.week_start = d.week_start
  left join last_week l on l.symbol = d.symbol and l.date = d.date
  left join volume_factors f on f.symbol = d.symbol and f.week_start = d.week_start
),
valued as (
  select
    *,
    case way
      when 'finra_by_tape' then finra * (tape_volume / week_tape)
      when 'finra_by_regsho' then finra * (regsho_volume / week_regsho)
      when 'tape' then tape_volume * coalesce(tape_factor, 1)
      when 'regsho' then regsho_volume * coalesce(regsho_factor, market_factor, 1)
      when 'week_total' then last_week_volume
    end as off_exchange_volume,
    case way when 'tape' then coalesce(tape_factor, 1) when 'regsho' then coalesce(regsho_factor, market_factor, 1) end as factor,
    case way
      when 'tape' then case when tape_factor is null then 0 else tape_weeks end
      when 'regsho' then case when regsho_factor is null then 0 else regsho_weeks end
    end as factor_weeks
  from based
)
select
  symbol, date, off_exchange_volume,
  case when way in ('finra_by_tape', 'finra_by_regsho') then 'finra_week' else way end as volume_basis,
  tape_volume, regsho_volume,
  case way when 'finra_by_tape' then week_start when 'finra_by_regsho' then week_start when 'week_total' then last_week_start end as finra_week_start,
  case way when 'finra_by_tape' then finra when 'finra_by_regsho' then finra when 'week_total' then last_week_volume end as finra_week_volume,
  factor,
  factor_weeks::integer,
  consolidated_volume,
  case when way <> 'week_total' and consolidated_volume > 0 then off_exchange_volume / consolidated_volume end as off_exchange_ratio
from valued
where way is not null or consolidated_volume is not null
order by symbol, date;

-- as first made: never changed afterwards
insert into off_exchange_volume_estimates
select v.symbol, v.date, v.volume_basis, v.off_exchange_volume, v.factor, v.factor_weeks, $now::timestamp
from off_exchange_volume_daily v
join affected_days a on a.symbol = v.symbol and a.date = v.date
where v.volume_basis in ('tape', 'regsho')
  and not exists (
    select 1 from off_exchange_volume_estimates e
    where e.symbol = v.symbol and e.date = v.date and e.volume_basis = v.volume_basis
  )
order by v.symbol, v.date;
