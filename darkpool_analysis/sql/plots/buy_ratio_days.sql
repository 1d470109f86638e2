-- Grain: one row per session between a ticker's first and last day in darkpool_daily_summary; present = false where
--   the ticker has no row. `segment` numbers the stretches that one line may join: consecutive sessions, a ratio on
--   each, daily volume, one inference version. NULL where no line may pass.
-- Inputs: darkpool_daily_summary, market_sessions. Parameters: $symbol.
-- Ratios are rounded to 10^-6 so that a last bit that differs between machines never makes another picture.
with own as (
  select * from darkpool_daily_summary where symbol = $symbol
),
span as (
  select min("date") as first_date, max("date") as last_date from own
),
days as (
  select "date" from market_sessions, span where "date" between first_date and last_date
  union
  select "date" from own
),
joined as (
  select
    days."date",
    own."date" is not null as present,
    round(own.buy_ratio, 6) as buy_ratio,
    own.signal,
    own.finra_period_type,
    own.volume_basis,
    own.inference_version,
    case
      when own.buy_ratio is not null and own.finra_period_type = 'daily' then coalesce(own.inference_version, '')
    end as joins_as
  from days left join own using ("date")
),
marked as (
  select *, (joins_as is distinct from lag(joins_as) over (order by "date"))::integer as breaks
  from joined
)
select
  strftime("date", '%Y-%m-%d') as "date",
  present, buy_ratio, signal, finra_period_type, volume_basis, inference_version,
  case
    when joins_as is not null
    then sum(breaks) over (order by "date" rows unbounded preceding)::integer
  end as segment
from marked
order by "date";
