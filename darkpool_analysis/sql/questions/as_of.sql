-- The point-in-time door: temporary tables and views of the same names stand before the stored ones and hold only what
-- was known at the end of $day. FINRA's versions by visible_from; Reg SHO of the day itself (posted by 18:00); trades,
-- bars and tape of the days before (known the next morning). Derived tables are left empty here and computed anew by
-- the same mart files. Parameter: $day.

create or replace temp table affected_days as
select symbol, date from darkpool_daily_summary where date < $day::date
union
select symbol, date from finra_regsho_daily semi join (select distinct symbol from darkpool_daily_summary) using (symbol)
where date <= $day::date and family in ('CNMS', 'FORF');

create or replace temp table affected_weeks as
select distinct week_start, symbol from finra_otc_weekly_as_of($day::date);

create or replace temp table pending_weeks as
select distinct week_start from affected_weeks;

create or replace temp table watched as
select distinct symbol from darkpool_daily_summary;

create or replace temp table known_finra as
select * from finra_otc_weekly where visible_from <= $day::date;
create or replace temp table known_volumes as
select * from finra_weekly_volumes_as_of($day::date);
create or replace temp table known_current as
select * from finra_otc_weekly_as_of($day::date);
create or replace temp table known_cuts as
select c.*
from finra_cuts_loaded c
semi join known_current k
  on k.week_start = c.week_start and k.tier = c.tier and k.summary_type = c.summary_type;

create or replace temp view finra_otc_weekly as select * from known_finra;
create or replace temp view finra_otc_weekly_current as select * from known_current;
create or replace temp view finra_weekly_volumes as select * from known_volumes;
create or replace temp view finra_cuts_loaded as select * from known_cuts;

create or replace temp table tape_totals_daily as select * from tape_totals_daily where date < $day::date;
create or replace temp table polygon_bars_daily as select * from polygon_bars_daily where date < $day::date;
create or replace temp table lit_direction_daily as select * from lit_direction_daily where date < $day::date;
create or replace temp table off_exchange_direction_daily as select * from off_exchange_direction_daily where date < $day::date;
create or replace temp table direction_classes_daily as select * from direction_classes_daily where date < $day::date;
create or replace temp table intraday_profile as select * from intraday_profile where date < $day::date;
create or replace temp table intraday_profile_summary as select * from intraday_profile_summary where date < $day::date;
create or replace temp table finra_regsho_daily as select * from finra_regsho_daily where date <= $day::date;
create or replace temp table short_pressure_daily as select * from short_pressure_daily where date <= $day::date;

create or replace temp table volume_reconciliation_weekly as select * from volume_reconciliation_weekly limit 0;
create or replace temp table off_exchange_volume_daily as select * from off_exchange_volume_daily limit 0;
create or replace temp table off_exchange_volume_estimates as select * from off_exchange_volume_estimates where estimated_at < $day::date + 1;
create or replace temp table darkpool_estimated_flow as select * from darkpool_estimated_flow limit 0;
create or replace temp table darkpool_daily_summary as select * from darkpool_daily_summary limit 0;
create or replace temp table darkpool_weekly_summary as select * from darkpool_weekly_summary limit 0;
create or replace temp table nowcast_error as select * from nowcast_error limit 0;
create or replace temp table venue_share_weekly as select * from venue_share_weekly limit 0;
