-- Grain: nowcast_error (week_start, symbol), for affected_weeks that FINRA has published.
-- What tape and Reg SHO said of the week, by the factors that were to be had from the weeks before it.

delete from nowcast_error n
using affected_weeks a
where n.week_start = a.week_start and n.symbol = a.symbol;

insert into nowcast_error
with first_estimates as (
  select s.week_start, e.symbol, sum(e.off_exchange_volume order by e.date) as estimate, count(*) as days
  from (
    select symbol, date, off_exchange_volume
    from off_exchange_volume_estimates
    where symbol in (select distinct symbol from affected_weeks)
    qualify row_number() over (partition by symbol, date order by estimated_at, volume_basis) = 1
  ) e
  join market_sessions s on s.date = e.date
  group by s.week_start, e.symbol
),
said as (
  select
    v.*,
    coalesce(f.tape_factor, 1) as tape_factor,
    coalesce(f.regsho_factor, f.market_factor, 1) as regsho_factor,
    case when e.days = v.sessions then e.estimate end as first_estimate
  from volume_reconciliation_weekly v
  join affected_weeks a on a.week_start = v.week_start and a.symbol = v.symbol
  left join volume_factors f on f.symbol = v.symbol and f.week_start = v.week_start
  left join first_estimates e on e.symbol = v.symbol and e.week_start = v.week_start
  where v.finra is not null
)
select
  week_start, symbol, tier, finra,
  tape * tape_factor as tape_nowcast,
  case when tape is not null then tape_factor end as tape_factor,
  case when finra > 0 then tape * tape_factor / finra - 1 end as tape_error,
  regsho * regsho_factor as regsho_nowcast,
  case when regsho is not null then regsho_factor end as regsho_factor,
  case when finra > 0 then regsho * regsho_factor / finra - 1 end as regsho_error,
  first_estimate,
  case when finra > 0 then first_estimate / finra - 1 end as first_error
from said
order by week_start, symbol;
