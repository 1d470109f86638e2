-- Grain: lit_direction_daily (symbol, date, inference_version), for affected_days with lit trades.
-- Inputs: direction_classes_daily (sums in millionths, exact), rule_side. Parameters: $versions, $min_lit.
-- OptionB_v1: by the NBBO when every signable lit trade of the day has a two-sided quote before it, else all of the
-- day by the one-step tick test.

delete from lit_direction_daily l
using affected_days a
where l.symbol = a.symbol and l.date = a.date and l.inference_version <> 'BVC_v1';

insert into lit_direction_daily
with lit as (
  select c.*
  from direction_classes_daily c
  join affected_days a on c.symbol = a.symbol and c.date = a.date
  where c.venue = 'lit' and c.status <> 'outside_hours'
),
days as (
  select
    symbol, date,
    coalesce(bool_and(quote_position is not null) filter (status = 'signable'), false) as quotes_everywhere,
    coalesce(bool_or(quote_position is not null and quote_position < 9) filter (status = 'signable'), false) as quotes_somewhere,
    sum(trades) as lit_trades
  from lit
  group by symbol, date
),
versions as (
  select unnest($versions) as inference_version
),
methods as (
  select
    d.*, v.inference_version,
    case
      when v.inference_version = 'Tick_v1' then 'TICK'
      when v.inference_version = 'OptionB_v1' and not d.quotes_everywhere then 'TICK'
      when v.inference_version in ('LeeReady_v1', 'EMO_v1', 'CLNV_v1') and not d.quotes_somewhere then 'TICK'
      else 'NBBO'
    end as classification_method
  from days d
  cross join versions v
  where v.inference_version not in ('Direct_v1', 'BVC_v1')
),
sided as (
  select
    m.symbol, m.date, m.inference_version, m.classification_method, m.lit_trades, l.trades, l.shares_e6,
    case
      when l.status <> 'signable' then 0
      when m.inference_version = 'OptionB_v1' and m.classification_method = 'TICK' then coalesce(l.step, 0)
      else rule_side(m.inference_version, l.quote_position, l.tick)
    end as side
  from methods m
  join lit l on l.symbol = m.symbol and l.date = m.date
),
summed as (
  select
    symbol, date, inference_version, classification_method, lit_trades,
    coalesce(sum(shares_e6) filter (side = 1), 0) / 1000000.0 as buy,
    coalesce(sum(shares_e6) filter (side = -1), 0) / 1000000.0 as sell,
    coalesce(sum(shares_e6) filter (side = 0), 0) / 1000000.0 as neutral,
    coalesce(sum(trades) filter (side <> 0), 0) as signed_trades
  from sided
  group by all
),
judged as (
  select *, buy + sell > 0 and buy + sell >= $min_lit as enough from summed
)
select
  symbol, date, inference_version,
  buy as lit_buy_volume,
  sell as lit_sell_volume,
  neutral as lit_neutral_volume,
  case when enough then buy / (buy + sell) end as lit_buy_ratio,
  case when buy > 0 and sell > 0 then ln(buy / sell) end as log_buy_sell,
  classification_method,
  lit_trades::bigint,
  100.0 * signed_trades / lit_trades as lit_coverage_pct,
  case when enough then buy / (buy + sell + neutral) end as lit_buy_ratio_low,
  case when enough then (buy + neutral) / (buy + sell + neutral) end as lit_buy_ratio_high
from judged
order by symbol, date, inference_version;
