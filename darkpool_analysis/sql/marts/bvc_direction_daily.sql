-- Grain: lit_direction_daily (symbol, date, 'BVC_v1'), for affected_days with minute bars and without trades, and for
-- all with minute bars when BVC_v1 is among INFERENCE_VERSION. Inputs: polygon_bars_minute, direction_classes_daily.
-- Parameters: $wanted (BVC_v1 is among INFERENCE_VERSION), $min_lit. Runs after lit_direction_daily, which leaves these
-- rows alone: where trades have come since, they go here.
--
-- Bulk volume classification, Easley, López de Prado & O'Hara 2012 (Review of Financial Studies 25:1457): of a bar's
-- volume V, V·Φ(ΔP/σ) was bought and the rest sold; ΔP is the change of close since the bar before, σ the sample sd of
-- the day's changes, and the first bar of a day, which has no change, is halved. A minute without a trade has no bar:
-- the change then spans it. V is the consolidated volume of the minute, off-exchange prints included: what other rules
-- call lit volume, this one cannot tell apart.
-- Without σ (fewer than three bars, or changes all equal) nothing tells a side, and halves would claim that as much
-- was bought as sold: the volume is neutral and the ratio NULL. Elsewhere BVC leaves no volume neutral, so the bounds
-- are the ratio: they do not say how sure it is.
-- Prices and shares are whole millionths: sums are exact, buy + sell is the volume, whatever the order.

-- Φ after Hart 1968 (no. 5666) as in West 2005, "Better approximations to cumulative normal functions", Wilmott:
-- against exact values it is off by less than 1e-15 (test/bvc.test.ts). DuckDB has no erf.
create or replace temp macro normal_tail(a) as case
  when a > 37 then 0.0
  when a < 7.07106781186547 then
    exp(-a * a / 2)
      * ((((((0.0352624965998911 * a + 0.700383064443688) * a + 6.37396220353165) * a + 33.912866078383) * a
        + 112.079291497871) * a + 221.213596169931) * a + 220.206867912376)
      / (((((((0.0883883476483184 * a + 1.75566716318264) * a + 16.064177579207) * a + 86.7807322029461) * a
        + 296.564248779674) * a + 637.333633378831) * a + 793.826512519948) * a + 440.413735824752)
  else exp(-a * a / 2) / (a + 1 / (a + 2 / (a + 3 / (a + 4 / (a + 0.65))))) / 2.506628274631
end;
create or replace temp macro normal_cdf(z) as
  case when z > 0 then 1 - normal_tail(abs(z)::double) else normal_tail(abs(z)::double) end;

delete from lit_direction_daily l
using affected_days a
where l.symbol = a.symbol and l.date = a.date and l.inference_version = 'BVC_v1';

insert into lit_direction_daily
with due as (
  select a.symbol, a.date
  from affected_days a
  where $wanted
    or not exists (select 1 from direction_classes_daily c where c.symbol = a.symbol and c.date = a.date)
),
bars as (
  select
    b.symbol, b.date,
    cast(round(b.volume * 1000000) as bigint) as shares_e6,
    cast(round(b.close * 1000000) as bigint)
      - lag(cast(round(b.close * 1000000) as bigint)) over (partition by b.symbol, b.date order by b.minute) as change_e6
  from polygon_bars_minute b
  join due on due.symbol = b.symbol and due.date = b.date
),
moments as (
  select
    symbol, date,
    count(change_e6) as n,
    sum(change_e6::hugeint) as total,
    sum(change_e6::hugeint * change_e6) as squares
  from bars
  group by symbol, date
),
days as (
  select
    symbol, date,
    case when n > 1 and n * squares > total * total
      then sqrt((n * squares - total * total)::double / (n * (n - 1))) end as sigma_e6
  from moments
),
split as (
  select
    b.symbol, b.date, b.shares_e6, d.sigma_e6 is not null as signed,
    cast(round(b.shares_e6 * normal_cdf(coalesce(b.change_e6 / d.sigma_e6, 0))) as bigint) as bought_e6
  from bars b
  join days d on d.symbol = b.symbol and d.date = b.date
),
summed as (
  select
    symbol, date, signed,
    case when signed then sum(bought_e6) else 0 end / 1000000.0 as buy,
    case when signed then sum(shares_e6 - bought_e6) else 0 end / 1000000.0 as sell,
    case when signed then 0 else sum(shares_e6) end / 1000000.0 as neutral
  from split
  group by symbol, date, signed
),
judged as (
  select *, case when buy + sell > 0 and buy + sell >= $min_lit then buy / (buy + sell) end as ratio from summed
)
select
  symbol, date,
  'BVC_v1' as inference_version,
  buy as lit_buy_volume,
  sell as lit_sell_volume,
  neutral as lit_neutral_volume,
  ratio as lit_buy_ratio,
  case when buy > 0 and sell > 0 then ln(buy / sell) end as log_buy_sell,
  'BVC' as classification_method,
  null::bigint as lit_trades,
  case when signed and buy + sell > 0 then 100.0 end as lit_coverage_pct,
  ratio as lit_buy_ratio_low,
  ratio as lit_buy_ratio_high
from judged
order by symbol, date;
