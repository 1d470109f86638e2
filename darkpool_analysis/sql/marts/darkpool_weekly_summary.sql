-- Grain: darkpool_weekly_summary (week_start, symbol), one row per symbol FINRA published, for affected_weeks.
-- Parameters: $version, $min_lit, $bot, $sell. FINRA's week × the week's ratio Σbuy / Σ(buy + sell) over its loaded sessions.

delete from darkpool_weekly_summary s
using affected_weeks a
where s.week_start = a.week_start and s.symbol = a.symbol;

insert into darkpool_weekly_summary
with volumes as (
  select f.*
  from finra_weeks f
  join affected_weeks a on a.week_start = f.week_start and a.symbol = f.symbol
),
before as (
  select week_start + 7 as week_start, symbol, ats_volume as ats_before
  from finra_weekly_volumes
  where week_start in (select distinct week_start - 7 from affected_weeks)
),
cuts_before as (
  select distinct week_start + 7 as week_start, tier
  from finra_cuts_loaded
  where summary_type = 'ATS_W_SMBL'
),
-- firm rows of the symbol's tier, where they stand in two
venues as (
  select f.week_start, f.symbol, count(distinct f.mpid)::integer as ats_venues
  from finra_otc_weekly_current f
  left join finra_weeks w on w.week_start = f.week_start and w.symbol = f.symbol and w.tier = f.tier
  where f.summary_type = 'ATS_W_SMBL_FIRM' and f.shares > 0 and f.mpid is not null
    and f.week_start in (select distinct week_start from affected_weeks)
  group by f.week_start, f.symbol, f.tier
  qualify row_number() over (
    partition by f.week_start, f.symbol order by count(w.symbol) > 0 desc, max(f.visible_from) desc, f.tier
  ) = 1
),
-- as for days, BVC_v1 stands in where the rule has no trades, and is named
lit as (
  select
    s.week_start, r.symbol, r.inference_version,
    sum(cast(r.buy_volume as decimal(24, 6))) as buy,
    sum(cast(r.sell_volume as decimal(24, 6))) as sell,
    count(*)::integer as lit_days
  from applied_ratios r
  join market_sessions s on s.date = r.date
  where r.inference_version in ($version, 'BVC_v1') and s.week_start in (select distinct week_start from affected_weeks)
    and r.symbol in (select symbol from affected_weeks)
  group by s.week_start, r.symbol, r.inference_version
  qualify row_number() over (partition by s.week_start, r.symbol order by r.inference_version <> $version) = 1
),
sessions as (
  select week_start, count(*) as sessions from market_sessions group by week_start
),
joined as (
  select
    v.*, n.ats_venues, l.inference_version, l.buy, l.sell, coalesce(l.lit_days, 0) as lit_days, s.sessions,
    case when l.buy + l.sell > 0 and l.buy + l.sell >= $min_lit
      then l.buy::double / (l.buy + l.sell)::double end as buy_ratio,
    coalesce(b.ats_before, case when c.tier is not null then 0 end) as ats_before
  from volumes v
  left join before b on b.week_start = v.week_start and b.symbol = v.symbol
  left join cuts_before c on c.week_start = v.week_start and c.tier = v.tier
  left join venues n on n.week_start = v.week_start and n.symbol = v.symbol
  left join lit l on l.week_start = v.week_start and l.symbol = v.symbol
  left join sessions s on s.week_start = v.week_start
),
estimated as (
  select
    *,
    total_off_exchange_volume * buy_ratio as bought,
    total_off_exchange_volume * (1 - buy_ratio) as sold,
    case when ats_before > 0 then 100 * (ats_volume / ats_before - 1) end as change
  from joined
)
select
  week_start,
  week_start + 6 as week_ending,
  symbol, ats_volume, non_ats_volume, total_off_exchange_volume, ats_notional, ats_venues,
  bought as estimated_bought,
  sold as estimated_sold,
  case when bought is not null then buy_ratio end as buy_ratio,
  case when sold > 0 then bought / sold end as buy_sell_ratio,
  lit_days,
  case
    when ats_volume is null or ats_before is null then null
    when change > 5 or (ats_before = 0 and ats_volume > 0) then 'rising'
    when change < -5 then 'falling'
    else 'stable'
  end as trend,
  change as change_pct,
  tier,
  -- minute bars are no lit trades
  both_loaded and lit_days = sessions and inference_version is distinct from 'BVC_v1' as complete,
  coalesce(inference_version, $version) as inference_version,
  case
    when bought is null then null
    when buy > sell * cast($bot as decimal(9, 6)) then 'BOT'
    when buy < sell * cast($sell as decimal(9, 6)) then 'SELL'
  end as signal
from estimated
order by week_start, symbol;
