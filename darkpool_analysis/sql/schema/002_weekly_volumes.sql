-- Views that say what FINRA published, week by week, with the difference between none and not known.

create view finra_cuts_loaded as
select
  period::date as week_start,
  split_part(symbol_or_tier, ' ', 1) as tier,
  split_part(symbol_or_tier, ' ', 2) as summary_type
from ingest_log
where source = 'finra_otc_weekly' and status = 'ok'
  -- what FINRA_REQUEST_JSON narrowed is not the whole cut; a user's own file is taken at its word, however small
  and coalesce(message, '') not like 'narrowed by %'
  and split_part(symbol_or_tier, ' ', 2) in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ALL_W_SMBL');
comment on view finra_cuts_loaded is 'Whole cuts of a week and tier that are loaded; only there does a symbol without a row have 0';
comment on column finra_cuts_loaded.week_start is 'Monday';
comment on column finra_cuts_loaded.tier is 'T1, T2, OTCE or NA';
comment on column finra_cuts_loaded.summary_type is 'ATS_W_SMBL, OTC_W_SMBL or ALL_W_SMBL';

create macro finra_weekly_volumes_as_of(d) as table
with symbol_rows as (
  select
    week_start, symbol, tier,
    sum(shares order by product_type, issue_name) filter (summary_type = 'ATS_W_SMBL') as ats,
    sum(shares order by product_type, issue_name) filter (summary_type = 'OTC_W_SMBL') as non_ats,
    sum(shares order by product_type, issue_name) filter (summary_type = 'ALL_W_SMBL') as undivided,
    sum(notional order by product_type, issue_name) filter (summary_type = 'ATS_W_SMBL') as ats_notional,
    max(visible_from) as visible_from
  from finra_otc_weekly_as_of(d)
  where summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL', 'ALL_W_SMBL')
  group by week_start, symbol, tier
  -- a symbol that moved between tiers stands in one of them: the one said last
  qualify row_number() over (partition by week_start, symbol order by max(visible_from) desc, tier) = 1
),
loaded as (
  select
    week_start, tier,
    bool_or(summary_type = 'ATS_W_SMBL') as ats_loaded,
    bool_or(summary_type = 'OTC_W_SMBL') as non_ats_loaded
  from finra_cuts_loaded c
  -- as of a day, a cut is loaded only when it was public by then
  semi join finra_otc_weekly_as_of(d) a
    on a.week_start = c.week_start and a.tier = c.tier and a.summary_type = c.summary_type
  group by week_start, tier
),
filled as (
  select
    r.*,
    coalesce(l.ats_loaded, false) as ats_loaded,
    coalesce(l.non_ats_loaded, false) as non_ats_loaded,
    case when ats is not null then ats when coalesce(l.ats_loaded, false) then 0.0 end as ats_volume,
    case when non_ats is not null then non_ats when coalesce(l.non_ats_loaded, false) then 0.0 end as non_ats_volume
  from symbol_rows r
  left join loaded l using (week_start, tier)
)
select
  week_start, symbol, tier, ats_volume, non_ats_volume,
  coalesce(ats_volume + non_ats_volume, undivided) as total_off_exchange_volume,
  ats_notional,
  ats_loaded and non_ats_loaded as both_loaded,
  visible_from
from filled;

create view finra_weekly_volumes as select * from finra_weekly_volumes_as_of(date '9999-12-31');
comment on view finra_weekly_volumes is 'Per week and symbol what FINRA published, newest versions: ATS, non-ATS and total shares; NULL where a cut is not loaded, 0 where it is loaded without the symbol';
