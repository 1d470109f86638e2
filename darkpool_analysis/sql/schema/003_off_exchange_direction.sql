-- What issue 3 adds: direction of the off-exchange prints, venues, short pressure, intraday profile, nowcast errors.

create table off_exchange_direction_daily (
  symbol varchar,
  "date" date,
  total_volume double,
  trades bigint,
  buy_volume double,
  sell_volume double,
  mid_volume double,
  unsigned_volume double,
  retail_buy_volume double,
  retail_sell_volume double,
  retail_unsigned_volume double,
  block_volume double,
  block_trades bigint,
  late_volume double,
  late_trades bigint,
  buy_ratio double
);
comment on table off_exchange_direction_daily is 'Direction of the off-exchange prints themselves, each against the NBBO strictly before its execution. Volume is the whole day, sides are regular hours: buy + sell + mid + unsigned = total. Key: (symbol, date)';
comment on column off_exchange_direction_daily."symbol" is 'Ticker';
comment on column off_exchange_direction_daily."date" is 'Trading day';
comment on column off_exchange_direction_daily."total_volume" is 'Shares of all off-exchange prints of the day, late and extended-hours ones included';
comment on column off_exchange_direction_daily."trades" is 'Number of prints';
comment on column off_exchange_direction_daily."buy_volume" is 'Shares inferred bought: retail signed by QMP, the rest by CLNV on the lit tick base';
comment on column off_exchange_direction_daily."sell_volume" is 'Shares inferred sold';
comment on column off_exchange_direction_daily."mid_volume" is 'Shares printed exactly at the midpoint: no side';
comment on column off_exchange_direction_daily."unsigned_volume" is 'Shares without a side: outside regular hours, never-sign conditions, or no rule decides';
comment on column off_exchange_direction_daily."retail_buy_volume" is 'Part of buy_volume: retail prints (BJZZ)';
comment on column off_exchange_direction_daily."retail_sell_volume" is 'Part of sell_volume: retail prints';
comment on column off_exchange_direction_daily."retail_unsigned_volume" is 'Part of unsigned_volume: retail prints between 40 and 60 % of the spread or without a quote';
comment on column off_exchange_direction_daily."block_volume" is 'Shares in blocks: prints of 10,000 shares or 200,000 dollars and more';
comment on column off_exchange_direction_daily."block_trades" is 'Number of blocks';
comment on column off_exchange_direction_daily."late_volume" is 'Shares reported more than 10 s after execution';
comment on column off_exchange_direction_daily."late_trades" is 'Number of those';
comment on column off_exchange_direction_daily."buy_ratio" is 'buy / (buy + sell); NULL when buy + sell is below MIN_LIT_VOLUME';

create table venue_share_weekly (
  week_start date,
  symbol varchar,
  venue varchar,
  venue_name varchar,
  de_minimis boolean,
  shares double,
  trades double,
  share_pct double,
  hhi double
);
comment on table venue_share_weekly is 'ATS venues of a symbol by week, from the firm rows. Key: (week_start, symbol, venue)';
comment on column venue_share_weekly."week_start" is 'Monday';
comment on column venue_share_weekly."symbol" is 'Symbol';
comment on column venue_share_weekly."venue" is 'MPID of the ATS; De Minimis Firms is the pool of firms under 200 trades a day';
comment on column venue_share_weekly."venue_name" is 'Name as FINRA gives it';
comment on column venue_share_weekly."de_minimis" is 'True for the pooled row';
comment on column venue_share_weekly."shares" is 'Shares';
comment on column venue_share_weekly."trades" is 'Trades; NULL when unknown';
comment on column venue_share_weekly."share_pct" is 'Per cent of the symbol''s ATS shares';
comment on column venue_share_weekly."hhi" is 'Sum of squared venue shares (0-1) over the named venues; the pool counts in the total only';

create table short_pressure_daily (
  symbol varchar,
  "date" date,
  short_volume double,
  total_volume double,
  dpi double,
  dpi_z20 double,
  dpi_z60 double,
  dix double,
  dix_members integer,
  dix_universe varchar,
  dix_price varchar
);
comment on table short_pressure_daily is 'Short volume of off-exchange prints (Reg SHO). Key: (symbol, date)';
comment on column short_pressure_daily."symbol" is 'Ticker';
comment on column short_pressure_daily."date" is 'Trading day';
comment on column short_pressure_daily."short_volume" is 'Short shares, exempt included';
comment on column short_pressure_daily."total_volume" is 'Shares in Reg SHO: regular-hours, media-reported';
comment on column short_pressure_daily."dpi" is 'short_volume / total_volume, 0-1';
comment on column short_pressure_daily."dpi_z20" is 'DPI against mean and sample sd of the 20 sessions before; NULL unless all are there';
comment on column short_pressure_daily."dpi_z60" is 'The same over 60 sessions';
comment on column short_pressure_daily."dix" is 'Dollar-weighted DPI over the members on the day: sum(close x short) / sum(close x total)';
comment on column short_pressure_daily."dix_members" is 'Members with Reg SHO and a raw close that day';
comment on column short_pressure_daily."dix_universe" is 'Whose members: the name of INDEX_MEMBERS_FILE, or watch list';
comment on column short_pressure_daily."dix_price" is 'Price used in the weights';

create table index_members (
  symbol varchar,
  weight double,
  source varchar
);
comment on table index_members is 'Members of the index behind DIX, from INDEX_MEMBERS_FILE. Key: symbol';
comment on column index_members."symbol" is 'Symbol';
comment on column index_members."weight" is 'Weight as given; not used by DIX; NULL when absent';
comment on column index_members."source" is 'The file''s name';

create table nowcast_error (
  week_start date,
  symbol varchar,
  tier varchar,
  finra double,
  tape_nowcast double,
  tape_factor double,
  tape_error double,
  regsho_nowcast double,
  regsho_factor double,
  regsho_error double,
  first_estimate double,
  first_error double
);
comment on table nowcast_error is 'What was said of a FINRA week before it was published, and what FINRA said. Key: (week_start, symbol)';
comment on column nowcast_error."week_start" is 'Monday';
comment on column nowcast_error."symbol" is 'Symbol';
comment on column nowcast_error."tier" is 'Tier';
comment on column nowcast_error."finra" is 'ATS + non-ATS shares, newest version';
comment on column nowcast_error."tape_nowcast" is 'Tape of the week x its factor from the weeks before; NULL without tape for every session';
comment on column nowcast_error."tape_factor" is 'That factor; 1 when fewer than 4 weeks were published';
comment on column nowcast_error."tape_error" is 'tape_nowcast / finra - 1';
comment on column nowcast_error."regsho_nowcast" is 'Reg SHO of the week x its factor; NULL without it for every session';
comment on column nowcast_error."regsho_factor" is 'That factor';
comment on column nowcast_error."regsho_error" is 'regsho_nowcast / finra - 1';
comment on column nowcast_error."first_estimate" is 'Sum of the daily estimates as first made, when there is one for every session; else NULL';
comment on column nowcast_error."first_error" is 'first_estimate / finra - 1';

create table intraday_profile (
  symbol varchar,
  "date" date,
  half_hour time,
  price_level double,
  level_step double,
  late boolean,
  volume double,
  trades bigint,
  buy_volume double,
  sell_volume double,
  mid_volume double,
  unsigned_volume double,
  retail_volume double
);
comment on table intraday_profile is 'Off-exchange volume of a day by half hour of execution and price level. Key: (symbol, date, half_hour, price_level, late)';
comment on column intraday_profile."symbol" is 'Ticker';
comment on column intraday_profile."date" is 'Trading day';
comment on column intraday_profile."half_hour" is 'Start of the half hour of execution, New York time';
comment on column intraday_profile."price_level" is 'Lower edge of the price level, dollars';
comment on column intraday_profile."level_step" is 'Width of a level that day, dollars';
comment on column intraday_profile."late" is 'Printed more than 10 s after execution: apart, because the tape did not show it then';
comment on column intraday_profile."volume" is 'Shares';
comment on column intraday_profile."trades" is 'Prints';
comment on column intraday_profile."buy_volume" is 'Shares inferred bought, retail included';
comment on column intraday_profile."sell_volume" is 'Shares inferred sold, retail included';
comment on column intraday_profile."mid_volume" is 'Shares at the midpoint';
comment on column intraday_profile."unsigned_volume" is 'Shares without a side';
comment on column intraday_profile."retail_volume" is 'Shares of retail prints, whatever their side';

create table intraday_profile_summary (
  symbol varchar,
  "date" date,
  point_of_control double,
  value_area_low double,
  value_area_high double,
  level_step double,
  volume double,
  late_volume double
);
comment on table intraday_profile_summary is 'Point of control and value area of a day''s off-exchange volume, late prints left out. Key: (symbol, date)';
comment on column intraday_profile_summary."symbol" is 'Ticker';
comment on column intraday_profile_summary."date" is 'Trading day';
comment on column intraday_profile_summary."point_of_control" is 'Lower edge of the level with the most volume, dollars; the lowest such level on a tie';
comment on column intraday_profile_summary."value_area_low" is 'Lower edge of the value area: 70 % of the volume around the point of control';
comment on column intraday_profile_summary."value_area_high" is 'Upper edge of the value area';
comment on column intraday_profile_summary."level_step" is 'Width of a level, dollars';
comment on column intraday_profile_summary."volume" is 'Shares profiled';
comment on column intraday_profile_summary."late_volume" is 'Shares of late prints, not profiled';

create table polygon_bars_minute (
  symbol varchar,
  "date" date,
  "minute" timestamp,
  "close" double,
  volume double
);
comment on table polygon_bars_minute is 'Minute bars of regular hours, kept where a plan has no trades. Key: (symbol, date, minute)';
comment on column polygon_bars_minute."symbol" is 'Ticker';
comment on column polygon_bars_minute."date" is 'Trading day';
comment on column polygon_bars_minute."minute" is 'UTC start of the minute';
comment on column polygon_bars_minute."close" is 'Dollars, unadjusted';
comment on column polygon_bars_minute."volume" is 'Shares on all venues, off exchange included';

alter table darkpool_estimated_flow add column estimated_dark_buy_volume_low double;
comment on column darkpool_estimated_flow.estimated_dark_buy_volume_low is 'Bound: all neutral volume behind the ratio sold';
alter table darkpool_estimated_flow add column estimated_dark_buy_volume_high double;
comment on column darkpool_estimated_flow.estimated_dark_buy_volume_high is 'Bound: all neutral volume behind the ratio bought';
alter table darkpool_estimated_flow add column classification_method varchar;
comment on column darkpool_estimated_flow.classification_method is 'NBBO, TICK, BVC or DIRECT';
alter table darkpool_daily_summary add column buy_ratio_low double;
comment on column darkpool_daily_summary.buy_ratio_low is 'Bound of buy_ratio: all neutral volume sold';
alter table darkpool_daily_summary add column buy_ratio_high double;
comment on column darkpool_daily_summary.buy_ratio_high is 'Bound of buy_ratio: all neutral volume bought';
alter table darkpool_daily_summary add column version_spread double;
comment on column darkpool_daily_summary.version_spread is 'Largest less smallest buy ratio of the versions that ran; NULL with fewer than two';
alter table darkpool_daily_summary add column classification_method varchar;
comment on column darkpool_daily_summary.classification_method is 'NBBO, TICK, BVC or DIRECT';

create macro off_exchange_side(status, quote_position, tick, retail) as case
  when status <> 'signable' then 0
  when quote_position = 0 then 0
  when retail then case when quote_position between 2 and 5 then 1 when quote_position between -5 and -2 then -1 else 0 end
  when quote_position in (3, 4) then 1
  when quote_position in (-3, -4) then -1
  else coalesce(tick, 0)
end;
comment on macro off_exchange_side is 'Side (1 buy, -1 sell, 0 none) of an off-exchange print from its class: midpoint none; retail (BJZZ) by QMP; the rest by CLNV on the lit tick base. Boehmer et al. 2021; Barber et al. 2024; Chakrabarty et al. 2007';
