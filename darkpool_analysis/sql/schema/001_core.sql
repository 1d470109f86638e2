-- Tables of SPEC.md that the pipeline of issue 2 fills. Volumes are DOUBLE, days DATE, times UTC.
-- No primary keys: DuckDB's index would refuse delete + insert of one key in one transaction; sql/checks/ audits them.

create table market_sessions (
  "date" date,
  week_start date,
  day_start_ns bigint,
  day_end_ns bigint,
  open_ns bigint,
  close_ns bigint,
  early_close boolean
);
comment on table market_sessions is 'US equity sessions 2009-2030 in New York time, one row per trading day (from market_calendar.ts)';
comment on column market_sessions."date" is 'Trading day, New York calendar date';
comment on column market_sessions."week_start" is 'Monday of its week';
comment on column market_sessions."day_start_ns" is 'UTC ns of 00:00 New York on the day';
comment on column market_sessions."day_end_ns" is 'UTC ns of 00:00 New York on the next day';
comment on column market_sessions."open_ns" is 'UTC ns of the open, 09:30 New York';
comment on column market_sessions."close_ns" is 'UTC ns of the close: 16:00 New York, 13:00 on early closes';
comment on column market_sessions."early_close" is 'True when the session ends at 13:00 New York';

create table finra_otc_weekly (
  week_start date,
  tier varchar,
  summary_type varchar,
  symbol varchar,
  raw_symbol varchar,
  issue_name varchar,
  mpid varchar,
  firm_crd bigint,
  firm_name varchar,
  product_type varchar,
  shares double,
  trades double,
  notional double,
  initial_published date,
  last_update date,
  last_reported date,
  visible_from date,
  withdrawn boolean,
  fetched_at timestamp,
  source varchar
);
comment on table finra_otc_weekly is 'FINRA weekly off-exchange volume, every version of every row ever fetched; newest: finra_otc_weekly_current; as known on a day: finra_otc_weekly_as_of(d). Symbol rows and firm rows are two cuts of the same volume: never add them. Key: (week_start, tier, summary_type, symbol, mpid, firm_crd, product_type, issue_name, fetched_at)';
comment on column finra_otc_weekly."week_start" is 'Monday of the trading week';
comment on column finra_otc_weekly."tier" is 'T1, T2, OTCE (NMS Tier 1, NMS Tier 2, OTC equities) or NA when the source does not say';
comment on column finra_otc_weekly."summary_type" is 'Cut: ATS_W_SMBL, OTC_W_SMBL (symbol rows), ATS_W_SMBL_FIRM, OTC_W_SMBL_FIRM (firm rows), ALL_W_SMBL (a user''s own file that does not separate ATS from non-ATS)';
comment on column finra_otc_weekly."symbol" is 'Canonical (Polygon) spelling; case is identity';
comment on column finra_otc_weekly."raw_symbol" is 'Symbol as FINRA spells it';
comment on column finra_otc_weekly."issue_name" is 'Issue name; part of identity when a ticker passes to another issuer';
comment on column finra_otc_weekly."mpid" is 'ATS venue, four letters; NULL on symbol rows and non-ATS firms';
comment on column finra_otc_weekly."firm_crd" is 'CRD number of the firm; NULL on symbol rows';
comment on column finra_otc_weekly."firm_name" is 'Venue or firm; De Minimis Firms pools firms under 200 trades a day';
comment on column finra_otc_weekly."product_type" is 'UTP, CTS or OTCE';
comment on column finra_otc_weekly."shares" is 'Shares in the week; 0 on a withdrawn row';
comment on column finra_otc_weekly."trades" is 'Trades in the week; NULL when the source does not say';
comment on column finra_otc_weekly."notional" is 'Dollars in the week; NULL when the source does not say';
comment on column finra_otc_weekly."initial_published" is 'Date FINRA first published the row; NULL when the source does not say';
comment on column finra_otc_weekly."last_update" is 'Date of FINRA''s last update of the row; NULL when the source does not say';
comment on column finra_otc_weekly."last_reported" is 'Date of the last firm submission that counts';
comment on column finra_otc_weekly."visible_from" is 'Day from which this version was public: the later of initial_published and last_update, else the publication clock; for a withdrawal the day it was noticed';
comment on column finra_otc_weekly."withdrawn" is 'True when FINRA no longer shows the row: it counts as absent from visible_from on';
comment on column finra_otc_weekly."fetched_at" is 'UTC time this version was stored';
comment on column finra_otc_weekly."source" is 'Where it came from: api, the file''s name, or sample';

create table finra_regsho_daily (
  "date" date,
  family varchar,
  symbol varchar,
  raw_symbol varchar,
  short_volume double,
  short_exempt_volume double,
  total_volume double,
  market varchar,
  source varchar
);
comment on table finra_regsho_daily is 'FINRA Reg SHO daily short volume (regular-hours, media-reported off-exchange prints). Key: (date, family, symbol). CNMS = FNSQ + FNYX + FNQC + FNRA; figures come from CNMS and FORF alone';
comment on column finra_regsho_daily."date" is 'Trading day';
comment on column finra_regsho_daily."family" is 'CNMS consolidated NMS, FORF OTC equities; FNSQ, FNYX, FNQC, FNRA single facilities (audit only)';
comment on column finra_regsho_daily."symbol" is 'Canonical (Polygon) spelling; case is identity';
comment on column finra_regsho_daily."raw_symbol" is 'Symbol as the file spells it';
comment on column finra_regsho_daily."short_volume" is 'Short-sale shares, exempt ones included';
comment on column finra_regsho_daily."short_exempt_volume" is 'Short-exempt shares';
comment on column finra_regsho_daily."total_volume" is 'Shares in the file: not the total off-exchange volume';
comment on column finra_regsho_daily."market" is 'Reporting facilities, e.g. B,Q,N';
comment on column finra_regsho_daily."source" is 'URL or file name';

create table polygon_trades (
  symbol varchar,
  "date" date,
  sip_timestamp timestamp_ns,
  participant_timestamp timestamp_ns,
  sequence_number bigint,
  trade_id varchar,
  exchange integer,
  trf_id integer,
  conditions integer[],
  correction integer,
  price double,
  size double,
  tape integer,
  bid double,
  ask double,
  quote_timestamp timestamp_ns
);
comment on table polygon_trades is 'Trades kept, cleaned: re-reports (conditions 15, 16, 38) and cancelled or superseded rows (corrections 7, 8, 10, 11, 12) dropped, duplicates removed, NBBO before each attached. Key: (symbol, date, sip_timestamp, sequence_number, exchange, trf_id, trade_id)';
comment on column polygon_trades."symbol" is 'Ticker as Polygon spells it';
comment on column polygon_trades."date" is 'Trading day in the market''s time zone';
comment on column polygon_trades."sip_timestamp" is 'UTC time of publication on the tape';
comment on column polygon_trades."participant_timestamp" is 'UTC time of execution as the venue reported it; NULL when absent';
comment on column polygon_trades."sequence_number" is 'Tape sequence number; position within its instant when the source has none';
comment on column polygon_trades."trade_id" is 'Trade id of the exchange; NULL when the source has none';
comment on column polygon_trades."exchange" is 'Exchange code; 4 = FINRA (off exchange), 62 = OTC facility; NULL when the source has none';
comment on column polygon_trades."trf_id" is 'Reporting facility: 201 NYSE TRF, 202 Nasdaq TRF Carteret, 203 Nasdaq TRF Chicago; NULL or 0 on exchanges';
comment on column polygon_trades."conditions" is 'Sale condition codes; NULL when none';
comment on column polygon_trades."correction" is 'Correction indicator; NULL when absent';
comment on column polygon_trades."price" is 'Dollars a share';
comment on column polygon_trades."size" is 'Shares, fractions included';
comment on column polygon_trades."tape" is '1 NYSE, 2 NYSE Arca and others, 3 Nasdaq';
comment on column polygon_trades."bid" is 'National best bid strictly before the trade (MATCH_CLOCK, QUOTE_LAG_NS); NULL when none';
comment on column polygon_trades."ask" is 'National best ask strictly before the trade; NULL when none';
comment on column polygon_trades."quote_timestamp" is 'UTC time of that quote on the matching clock; NULL when none, or when bid and ask came with the trade';

create table polygon_bars_daily (
  symbol varchar,
  "date" date,
  adjusted boolean,
  "open" double,
  high double,
  low double,
  "close" double,
  volume double,
  vwap double,
  trades double,
  source varchar
);
comment on table polygon_bars_daily is 'Daily bars. Key: (symbol, date, adjusted)';
comment on column polygon_bars_daily."symbol" is 'Ticker as Polygon spells it';
comment on column polygon_bars_daily."date" is 'Trading day';
comment on column polygon_bars_daily."adjusted" is 'True when adjusted for splits; volumes, ratios and notional use raw bars (false)';
comment on column polygon_bars_daily."open" is 'Dollars';
comment on column polygon_bars_daily."high" is 'Dollars';
comment on column polygon_bars_daily."low" is 'Dollars';
comment on column polygon_bars_daily."close" is 'Dollars';
comment on column polygon_bars_daily."volume" is 'Shares, all venues';
comment on column polygon_bars_daily."vwap" is 'Dollars; NULL when the source has none';
comment on column polygon_bars_daily."trades" is 'Trades; NULL when the source has none';
comment on column polygon_bars_daily."source" is 'api, the file''s name, or sample';

create table ticker_reference (
  symbol varchar,
  name varchar,
  type varchar,
  sector varchar,
  sic_code varchar,
  market_cap double,
  as_of date
);
comment on table ticker_reference is 'What Polygon says of a ticker. Key: symbol';
comment on column ticker_reference."symbol" is 'Ticker as Polygon spells it';
comment on column ticker_reference."name" is 'Issuer or fund';
comment on column ticker_reference."type" is 'Polygon type: CS, ETF, ADRC ...';
comment on column ticker_reference."sector" is 'Sector: SECTORS_FILE, else from the SIC code; ETF for funds; Unknown';
comment on column ticker_reference."sic_code" is 'SIC code; NULL for funds';
comment on column ticker_reference."market_cap" is 'Dollars; NULL when unknown';
comment on column ticker_reference."as_of" is 'Day it was asked';

create table tape_totals_daily (
  symbol varchar,
  "date" date,
  off_exchange_shares double,
  off_exchange_trades double,
  consolidated_shares double,
  source varchar
);
comment on table tape_totals_daily is 'Per symbol and day what the tape printed: from stored or streamed trades, else from TAPE_TOTALS_FILE. Key: (symbol, date)';
comment on column tape_totals_daily."symbol" is 'Canonical symbol';
comment on column tape_totals_daily."date" is 'Trading day';
comment on column tape_totals_daily."off_exchange_shares" is 'Shares of all off-exchange prints of the whole day; NULL when the source has no exchange';
comment on column tape_totals_daily."off_exchange_trades" is 'Number of those prints';
comment on column tape_totals_daily."consolidated_shares" is 'Shares of all prints of the whole day; NULL from TAPE_TOTALS_FILE';
comment on column tape_totals_daily."source" is 'trades or the file''s name';

create table direction_classes_daily (
  symbol varchar,
  "date" date,
  venue varchar,
  status varchar,
  quote_position tinyint,
  tick tinyint,
  step tinyint,
  retail boolean,
  trades bigint,
  shares_e6 bigint,
  late_trades bigint,
  late_shares_e6 bigint,
  block_trades bigint,
  block_shares_e6 bigint
);
comment on table direction_classes_daily is 'Every trade of a day counted once in a small class; every direction rule is a look-up over these. Key: (symbol, date, venue, status, quote_position, tick, step, retail)';
comment on column direction_classes_daily."symbol" is 'Ticker';
comment on column direction_classes_daily."date" is 'Trading day';
comment on column direction_classes_daily."venue" is 'lit or off (off exchange)';
comment on column direction_classes_daily."status" is 'signable; never_sign (condition without current price or aggressor); auction; outside_hours (executed outside regular hours)';
comment on column direction_classes_daily."quote_position" is 'Where the price lies: -5 below bid, -4 at bid, -3 up to 0.3 of the spread, -2 up to 0.4, -1 up to mid, 0 mid, 1 up to 0.6, 2 up to 0.7, 3 below ask, 4 at ask, 5 above ask; 11 above, 10 within, 9 below a locked or crossed quote; NULL no two-sided quote, or not signable';
comment on column direction_classes_daily."tick" is 'Direction of the last price change on the lit tick base: 1 up, -1 down, NULL none yet or not needed';
comment on column direction_classes_daily."step" is 'One-step tick test: 1 above the previous lit price, -1 below, 0 equal, NULL first or off exchange';
comment on column direction_classes_daily."retail" is 'BJZZ sub-penny retail print (off exchange only)';
comment on column direction_classes_daily."trades" is 'Number of trades';
comment on column direction_classes_daily."shares_e6" is 'Shares in millionths: sums are exact';
comment on column direction_classes_daily."late_trades" is 'Of them reported more than 10 s after execution';
comment on column direction_classes_daily."late_shares_e6" is 'Shares of those, in millionths';
comment on column direction_classes_daily."block_trades" is 'Of them blocks: 10,000 shares or 200,000 dollars and more';
comment on column direction_classes_daily."block_shares_e6" is 'Shares of those, in millionths';

create table lit_direction_daily (
  symbol varchar,
  "date" date,
  inference_version varchar,
  lit_buy_volume double,
  lit_sell_volume double,
  lit_neutral_volume double,
  lit_buy_ratio double,
  log_buy_sell double,
  classification_method varchar,
  lit_trades bigint,
  lit_coverage_pct double,
  lit_buy_ratio_low double,
  lit_buy_ratio_high double
);
comment on table lit_direction_daily is 'Inferred direction of lit regular-hours volume. Key: (symbol, date, inference_version)';
comment on column lit_direction_daily."symbol" is 'Ticker';
comment on column lit_direction_daily."date" is 'Trading day';
comment on column lit_direction_daily."inference_version" is 'Rule: OptionB_v1, Tick_v1, Quote_v1, LeeReady_v1, EMO_v1, CLNV_v1, BVC_v1';
comment on column lit_direction_daily."lit_buy_volume" is 'Shares inferred bought';
comment on column lit_direction_daily."lit_sell_volume" is 'Shares inferred sold';
comment on column lit_direction_daily."lit_neutral_volume" is 'Shares without a side: left neutral by the rule, or not signable';
comment on column lit_direction_daily."lit_buy_ratio" is 'buy / (buy + sell), 0-1; NULL when buy + sell is below MIN_LIT_VOLUME';
comment on column lit_direction_daily."log_buy_sell" is 'ln(buy / sell); NULL when either is 0';
comment on column lit_direction_daily."classification_method" is 'NBBO, TICK or BVC';
comment on column lit_direction_daily."lit_trades" is 'Lit trades in regular hours after dropping; NULL under BVC';
comment on column lit_direction_daily."lit_coverage_pct" is '100 x signed trades / lit_trades; NULL when there are none';
comment on column lit_direction_daily."lit_buy_ratio_low" is 'Bound: all neutral volume sold; NULL when the ratio is';
comment on column lit_direction_daily."lit_buy_ratio_high" is 'Bound: all neutral volume bought; NULL when the ratio is';

create table off_exchange_volume_daily (
  symbol varchar,
  "date" date,
  off_exchange_volume double,
  volume_basis varchar,
  tape_volume double,
  regsho_volume double,
  finra_week_start date,
  finra_week_volume double,
  factor double,
  factor_weeks integer,
  consolidated_volume double,
  off_exchange_ratio double
);
comment on table off_exchange_volume_daily is 'Off-exchange volume by the best basis at hand. Key: (symbol, date)';
comment on column off_exchange_volume_daily."symbol" is 'Ticker';
comment on column off_exchange_volume_daily."date" is 'Trading day';
comment on column off_exchange_volume_daily."off_exchange_volume" is 'Shares; of the whole week when volume_basis is week_total: never add that to daily values';
comment on column off_exchange_volume_daily."volume_basis" is 'finra_week, tape, regsho or week_total';
comment on column off_exchange_volume_daily."tape_volume" is 'Shares of the off-exchange prints of the whole day; NULL without tick data';
comment on column off_exchange_volume_daily."regsho_volume" is 'Reg SHO total volume of the day; NULL when not there';
comment on column off_exchange_volume_daily."finra_week_start" is 'Week whose FINRA volume was used, or NULL';
comment on column off_exchange_volume_daily."finra_week_volume" is 'ATS + non-ATS shares of that week';
comment on column off_exchange_volume_daily."factor" is 'FINRA / tape (or Reg SHO) factor applied; NULL on other bases';
comment on column off_exchange_volume_daily."factor_weeks" is 'Published weeks behind the factor; 0 = assumed 1';
comment on column off_exchange_volume_daily."consolidated_volume" is 'All prints of the day, else the raw bar''s volume';
comment on column off_exchange_volume_daily."off_exchange_ratio" is 'off_exchange_volume / consolidated_volume, 0-1; NULL on week_total';

create table off_exchange_volume_estimates (
  symbol varchar,
  "date" date,
  volume_basis varchar,
  off_exchange_volume double,
  factor double,
  factor_weeks integer,
  estimated_at timestamp
);
comment on table off_exchange_volume_estimates is 'Append-only: every estimate as first made, before FINRA published. Key: (symbol, date, volume_basis, estimated_at)';
comment on column off_exchange_volume_estimates."symbol" is 'Ticker';
comment on column off_exchange_volume_estimates."date" is 'Trading day';
comment on column off_exchange_volume_estimates."volume_basis" is 'Basis of this estimate';
comment on column off_exchange_volume_estimates."off_exchange_volume" is 'Shares estimated';
comment on column off_exchange_volume_estimates."factor" is 'Factor applied; NULL when none';
comment on column off_exchange_volume_estimates."factor_weeks" is 'Published weeks behind the factor';
comment on column off_exchange_volume_estimates."estimated_at" is 'UTC time it was made';

create table darkpool_estimated_flow (
  symbol varchar,
  "date" date,
  inference_version varchar,
  finra_off_exchange_volume double,
  estimated_dark_buy_volume double,
  estimated_dark_sell_volume double,
  applied_lit_buy_ratio double,
  volume_basis varchar
);
comment on table darkpool_estimated_flow is 'Off-exchange volume split by the inferred ratio. Key: (symbol, date, inference_version)';
comment on column darkpool_estimated_flow."symbol" is 'Ticker';
comment on column darkpool_estimated_flow."date" is 'Trading day';
comment on column darkpool_estimated_flow."inference_version" is 'Rule behind the ratio';
comment on column darkpool_estimated_flow."finra_off_exchange_volume" is 'Shares split: off_exchange_volume of the day';
comment on column darkpool_estimated_flow."estimated_dark_buy_volume" is 'Shares, inferred estimate; NULL when the ratio is';
comment on column darkpool_estimated_flow."estimated_dark_sell_volume" is 'Shares, inferred estimate; NULL when the ratio is';
comment on column darkpool_estimated_flow."applied_lit_buy_ratio" is 'Ratio applied, 0-1';
comment on column darkpool_estimated_flow."volume_basis" is 'Basis of the volume';

create table darkpool_daily_summary (
  "date" date,
  symbol varchar,
  estimated_bought double,
  estimated_sold double,
  buy_ratio double,
  buy_sell_ratio double,
  total_off_exchange_volume double,
  finra_period_type varchar,
  volume_basis varchar,
  finra_week_start date,
  inference_version varchar,
  signal varchar
);
comment on table darkpool_daily_summary is 'One row per day and ticker, by the first INFERENCE_VERSION. Key: (date, symbol)';
comment on column darkpool_daily_summary."date" is 'Trading day';
comment on column darkpool_daily_summary."symbol" is 'Ticker';
comment on column darkpool_daily_summary."estimated_bought" is 'Shares, inferred estimate';
comment on column darkpool_daily_summary."estimated_sold" is 'Shares, inferred estimate';
comment on column darkpool_daily_summary."buy_ratio" is 'bought / (bought + sold), 0-1';
comment on column darkpool_daily_summary."buy_sell_ratio" is 'bought / sold; NULL when sold is 0';
comment on column darkpool_daily_summary."total_off_exchange_volume" is 'Shares of the day, or of the week when finra_period_type is weekly';
comment on column darkpool_daily_summary."finra_period_type" is 'daily, or weekly when only a week''s total is known';
comment on column darkpool_daily_summary."volume_basis" is 'finra_week, tape, regsho or week_total';
comment on column darkpool_daily_summary."finra_week_start" is 'FINRA week behind the volume, or NULL';
comment on column darkpool_daily_summary."inference_version" is 'Rule behind the sides';
comment on column darkpool_daily_summary."signal" is 'BOT, SELL or NULL';

create table darkpool_weekly_summary (
  week_start date,
  week_ending date,
  symbol varchar,
  ats_volume double,
  non_ats_volume double,
  total_off_exchange_volume double,
  ats_notional double,
  ats_venues integer,
  estimated_bought double,
  estimated_sold double,
  buy_ratio double,
  buy_sell_ratio double,
  lit_days integer,
  trend varchar,
  change_pct double,
  tier varchar,
  complete boolean,
  inference_version varchar,
  signal varchar
);
comment on table darkpool_weekly_summary is 'One row per week and symbol that FINRA published. Key: (week_start, symbol)';
comment on column darkpool_weekly_summary."week_start" is 'Monday';
comment on column darkpool_weekly_summary."week_ending" is 'Sunday';
comment on column darkpool_weekly_summary."symbol" is 'Symbol';
comment on column darkpool_weekly_summary."ats_volume" is 'Shares on ATSs (dark pools proper); NULL when that cut is not loaded';
comment on column darkpool_weekly_summary."non_ats_volume" is 'Shares off exchange outside ATSs; NULL when that cut is not loaded';
comment on column darkpool_weekly_summary."total_off_exchange_volume" is 'ATS + non-ATS; NULL when either is';
comment on column darkpool_weekly_summary."ats_notional" is 'Dollars on ATSs; NULL when unknown';
comment on column darkpool_weekly_summary."ats_venues" is 'ATS venues with volume; NULL without firm rows';
comment on column darkpool_weekly_summary."estimated_bought" is 'Shares, inferred estimate: the week times its lit ratio';
comment on column darkpool_weekly_summary."estimated_sold" is 'Shares, inferred estimate';
comment on column darkpool_weekly_summary."buy_ratio" is 'Lit buy ratio of the week''s loaded sessions';
comment on column darkpool_weekly_summary."buy_sell_ratio" is 'bought / sold; NULL when sold is 0';
comment on column darkpool_weekly_summary."lit_days" is 'Sessions of the week with lit trades';
comment on column darkpool_weekly_summary."trend" is 'ATS shares against the week before: rising, falling, stable; NULL without that week';
comment on column darkpool_weekly_summary."change_pct" is 'Change of ATS shares in per cent';
comment on column darkpool_weekly_summary."tier" is 'T1, T2, OTCE or NA';
comment on column darkpool_weekly_summary."complete" is 'Both cuts of the tier are loaded and every session of the week has lit trades';
comment on column darkpool_weekly_summary."inference_version" is 'Rule behind the sides';
comment on column darkpool_weekly_summary."signal" is 'BOT, SELL or NULL';

create table volume_reconciliation_weekly (
  week_start date,
  symbol varchar,
  tier varchar,
  finra double,
  tape double,
  ratio double,
  regsho double,
  regsho_ratio double,
  sessions integer,
  tape_sessions integer,
  regsho_sessions integer
);
comment on table volume_reconciliation_weekly is 'FINRA''s week against the tape and Reg SHO. Key: (week_start, symbol)';
comment on column volume_reconciliation_weekly."week_start" is 'Monday';
comment on column volume_reconciliation_weekly."symbol" is 'Symbol';
comment on column volume_reconciliation_weekly."tier" is 'Tier of the symbol in that week';
comment on column volume_reconciliation_weekly."finra" is 'ATS + non-ATS shares';
comment on column volume_reconciliation_weekly."tape" is 'Off-exchange prints of the week; NULL unless every session is there';
comment on column volume_reconciliation_weekly."ratio" is 'finra / tape';
comment on column volume_reconciliation_weekly."regsho" is 'Reg SHO volume of the week; NULL unless every session is there';
comment on column volume_reconciliation_weekly."regsho_ratio" is 'finra / regsho';
comment on column volume_reconciliation_weekly."sessions" is 'Sessions in the week';
comment on column volume_reconciliation_weekly."tape_sessions" is 'Sessions with tape';
comment on column volume_reconciliation_weekly."regsho_sessions" is 'Sessions with Reg SHO';

create table pipeline_runs (
  run_id varchar,
  started_at timestamp,
  ended_at timestamp,
  pid integer,
  data_source varchar,
  run_mode varchar,
  first_date date,
  last_date date,
  tickers varchar,
  exit_code integer,
  gaps integer,
  message varchar,
  version varchar,
  seconds double,
  peak_memory_mb double
);
comment on table pipeline_runs is 'The run ledger. Key: run_id';
comment on column pipeline_runs."run_id" is 'Sortable id';
comment on column pipeline_runs."started_at" is 'UTC';
comment on column pipeline_runs."ended_at" is 'UTC; NULL while going or when it died';
comment on column pipeline_runs."pid" is 'Process';
comment on column pipeline_runs."data_source" is 'sample, files or live';
comment on column pipeline_runs."run_mode" is 'daily or weekly';
comment on column pipeline_runs."first_date" is 'First day asked';
comment on column pipeline_runs."last_date" is 'Last day asked';
comment on column pipeline_runs."tickers" is 'Tickers asked';
comment on column pipeline_runs."exit_code" is '0 done, 1 failed, 3 done with gaps';
comment on column pipeline_runs."gaps" is 'Number of gaps';
comment on column pipeline_runs."message" is 'What was done, or what went wrong';
comment on column pipeline_runs."version" is 'Version of the program';
comment on column pipeline_runs."seconds" is 'Duration';
comment on column pipeline_runs."peak_memory_mb" is 'Peak resident memory of the process, MB';

create table ingest_log (
  source varchar,
  period varchar,
  symbol_or_tier varchar,
  status varchar,
  "rows" bigint,
  sha256 varchar,
  fetched_at timestamp,
  message varchar
);
comment on table ingest_log is 'State of every piece of source data. Key: (source, period, symbol_or_tier)';
comment on column ingest_log."source" is 'Table it fills, with the cut or family: finra_otc_weekly, finra_regsho_daily, polygon_trades, ...';
comment on column ingest_log."period" is 'Day, or Monday of the week, or range';
comment on column ingest_log."symbol_or_tier" is 'Symbol; tier and cut; or family';
comment on column ingest_log."status" is 'ok; absent (asked, the source has nothing); error';
comment on column ingest_log."rows" is 'Rows stored';
comment on column ingest_log."sha256" is 'Fingerprint of the input and of the settings it was read with';
comment on column ingest_log."fetched_at" is 'UTC';
comment on column ingest_log."message" is 'What a person should know; NULL when nothing';

create table source_files (
  setting varchar,
  path varchar,
  bytes bigint,
  modified_ns bigint,
  sha256 varchar,
  first_date date,
  last_date date,
  "rows" bigint
);
comment on table source_files is 'Files read, to know them again. Key: (setting, path)';
comment on column source_files."setting" is 'Setting that named it';
comment on column source_files."path" is 'Absolute path';
comment on column source_files."bytes" is 'Size';
comment on column source_files."modified_ns" is 'Time of change, ns since 1970';
comment on column source_files."sha256" is 'Fingerprint';
comment on column source_files."first_date" is 'First day in it';
comment on column source_files."last_date" is 'Last day in it';
comment on column source_files."rows" is 'Rows in it';

create table pending_days (
  symbol varchar,
  "date" date
);
comment on table pending_days is 'Days whose derived tables must be computed anew: filled with the data that changes them, emptied by analytics in the same way. Key: (symbol, date)';
comment on column pending_days."symbol" is 'Symbol';
comment on column pending_days."date" is 'Trading day';

create table pending_directions (
  symbol varchar,
  "date" date
);
comment on table pending_directions is 'Days whose trades were stored since their direction was last inferred. Key: (symbol, date)';
comment on column pending_directions."symbol" is 'Symbol';
comment on column pending_directions."date" is 'Trading day';

create table pending_weeks (
  week_start date
);
comment on table pending_weeks is 'Weeks whose derived tables must be computed anew. Key: week_start';
comment on column pending_weeks."week_start" is 'Monday';

create table pipeline_state (
  "key" varchar,
  value varchar
);
comment on table pipeline_state is 'Small facts about this database. Key: key';
comment on column pipeline_state."key" is 'origin (sample or real), settings fingerprints';
comment on column pipeline_state."value" is 'Value';
create macro rule_side(version, quote_position, tick) as case version
  when 'Tick_v1' then coalesce(tick, 0)
  when 'OptionB_v1' then case when quote_position in (4, 5, 11) then 1 when quote_position in (-4, -5, 9) then -1 else 0 end
  when 'Quote_v1' then case when quote_position between 1 and 5 then 1 when quote_position between -5 and -1 then -1 else 0 end
  when 'LeeReady_v1' then case when quote_position between 1 and 5 then 1 when quote_position between -5 and -1 then -1 else coalesce(tick, 0) end
  when 'EMO_v1' then case when quote_position = 4 then 1 when quote_position = -4 then -1 else coalesce(tick, 0) end
  when 'CLNV_v1' then case when quote_position in (3, 4) then 1 when quote_position in (-3, -4) then -1 else coalesce(tick, 0) end
end;
comment on macro rule_side is 'Side (1 buy, -1 sell, 0 none) of a signable lit trade under a direction rule, from its class; OptionB_v1 under method NBBO (under TICK it is the step). Definitions: Lee & Ready 1991; Ellis, Michaely & O''Hara 2000; Chakrabarty et al. 2007';

create view finra_otc_weekly_current as
select * exclude (version) from (
  select *, row_number() over (
    partition by week_start, tier, summary_type, symbol, mpid, firm_crd, product_type, issue_name
    order by visible_from desc, fetched_at desc
  ) as version
  from finra_otc_weekly
)
where version = 1 and not withdrawn;
comment on view finra_otc_weekly_current is 'Newest version of every row of finra_otc_weekly, withdrawn rows left out';

create macro finra_otc_weekly_as_of(d) as table
select * exclude (version) from (
  select *, row_number() over (
    partition by week_start, tier, summary_type, symbol, mpid, firm_crd, product_type, issue_name
    order by visible_from desc, fetched_at desc
  ) as version
  from finra_otc_weekly
  where visible_from <= d::date
)
where version = 1 and not withdrawn;
