import { createHash } from 'node:crypto';
import path from 'node:path';
import { DateTime } from 'luxon';
import { analytics } from './analytics.js';
import { type Config, SETTING_NAMES } from './config.js';
import type { Clock, Context, FetchResult, Gap } from './context.js';
import { Database, type Sql, sqlFilesIn } from './db.js';
import { ConfigError, DarkpoolError, DataError, messageOf } from './errors.js';
import { fetchFinra } from './fetch_finra.js';
import { fetchPolygonEquity } from './fetch_polygon_equity.js';
import { createHttp, type Http } from './http.js';
import { inferBuySell } from './infer_buy_sell.js';
import { sqlTime } from './ingest_log.js';
import type { Log } from './log.js';
import {
  addDays,
  holidayName,
  isClosed,
  nyDate,
  type Session,
  sessionOn,
  sessionsBack,
  sessionsBetween,
  weekStartOf,
} from './market_calendar.js';
import { planRung, rungFound } from './plan_rung.js';
import { ensureSample } from './sample.js';
import { listFiles } from './tabular_file.js';

export const PROGRAM_VERSION = '0.1.0';

export interface RunOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly http?: Http;
  /** A range of days instead of the mode's own; ISO dates, inclusive. */
  readonly from?: string;
  readonly to?: string;
  readonly plots?: boolean;
}

/** A row of the table that closes a run. Shares; ratios 0–1. */
export interface RunRow {
  readonly date: string;
  readonly symbol: string;
  readonly method: string | null;
  readonly lit_trades: number | null;
  readonly total_off_exchange_volume: number | null;
  readonly volume_basis: string | null;
  readonly buy_ratio: number | null;
  readonly estimated_bought: number | null;
  readonly estimated_sold: number | null;
  readonly signal: string | null;
  readonly inference_version: string;
}

export interface RunResult {
  readonly exitCode: 0 | 1 | 3;
  readonly dataSource: string;
  readonly simulated: boolean;
  readonly firstDate: string | undefined;
  readonly lastDate: string | undefined;
  /** Days computed in this run, for the watch list; empty when nothing was new. */
  readonly rows: readonly RunRow[];
  readonly weeks: readonly string[];
  readonly stored: Readonly<Record<string, number>>;
  readonly gaps: readonly Gap[];
  readonly notes: readonly string[];
  readonly failures: readonly string[];
  readonly database: string;
  readonly written: readonly string[];
  readonly seconds: number;
}

/** Sessions that the longest z-score looks back on. */
const SCORE_SESSIONS = 60;

const SYSTEM_CLOCK: Clock = { now: () => DateTime.utc() };

/**
 * The pipeline: fetch_finra → fetch_polygon_equity → infer_buy_sell → analytics → tables and plots → checks → publish.
 * A step that fails does not keep the others from what they can do: its error is in `failures` (exit code 1), what was
 * stored before is whole, and the next run takes up where this one stopped.
 * @throws ConfigError, LockedError before anything is fetched.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const systemClock = options.clock ?? SYSTEM_CLOCK;
  const { config, clock } = await withSample(options.config, systemClock);
  const { sessions, notes } = sessionsWanted(config, clock, options);
  await filesThere(config);
  const db = await Database.open({
    dataDir: config.DATA_DIR,
    memoryLimit: config.DUCKDB_MEMORY_LIMIT,
    forget: isSimulation(config),
  });
  const http = options.http ?? createHttp({});
  const ctx: Context = { config, db, http, log: options.log, clock };
  try {
    await settleOrigin(ctx);
    await fillCalendar(ctx);
    const ledger = await openLedger(ctx, systemClock, sessions);
    const outcome = await runSteps(ctx, sessions, options.plots ?? true);
    const exitCode = outcome.failures.length > 0 ? 1 : outcome.gaps.length > 0 ? 3 : 0;
    const rows = await closingRows(ctx, outcome.dates);
    const seconds = (performance.now() - started) / 1000;
    await ledger.close(exitCode, outcome, seconds);
    const database = outcome.publishable ? await db.publish(ledger.version) : db.paths.current;
    if (!outcome.publishable) db.close();
    return {
      exitCode,
      dataSource: config.DATA_SOURCE,
      simulated: config.DATA_SOURCE === 'sample',
      firstDate: sessions[0]?.date,
      lastDate: sessions[sessions.length - 1]?.date,
      rows,
      weeks: outcome.weeks,
      stored: outcome.stored,
      gaps: outcome.gaps,
      notes: [...config.notes, ...notes, ...skipped(config), ...outcome.notes],
      failures: outcome.failures,
      database,
      written: outcome.written,
      seconds,
    };
  } catch (error) {
    db.close();
    throw error;
  } finally {
    await http.close();
  }
}

interface Outcome {
  readonly dates: readonly string[];
  readonly weeks: readonly string[];
  readonly stored: Readonly<Record<string, number>>;
  readonly gaps: readonly Gap[];
  readonly notes: readonly string[];
  readonly failures: readonly string[];
  readonly written: readonly string[];
  /** False when a check failed: readers keep the version before. */
  readonly publishable: boolean;
}

async function runSteps(ctx: Context, sessions: readonly Session[], plots: boolean): Promise<Outcome> {
  const failures: string[] = [];
  const attempt = async <T>(step: string, work: () => Promise<T>, otherwise: T): Promise<T> => {
    ctx.log.info(step);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DarkpoolError)) throw error;
      failures.push(error.message);
      ctx.log.warn(`${step}: ${error.message}`);
      return otherwise;
    }
  };
  const nothing: FetchResult = { stored: {}, gaps: [], notes: [] };

  const finraAll = await attempt(
    'fetch_finra',
    () => fetchFinra(ctx, { sessions, regshoHistory: before(sessions, SCORE_SESSIONS) }),
    nothing,
  );
  const finra = await withoutForeignWeeks(ctx, finraAll, sessions);
  const tickers = await knownSpelling(ctx);
  const polygon = await attempt(
    'fetch_polygon_equity',
    () => fetchPolygonEquity(ctx, { sessions, tickers }),
    nothing,
  );
  await attempt('infer_buy_sell', () => inferBuySell(ctx), 0);
  let analysed = false;
  const computed = await attempt(
    'analytics',
    async () => {
      const result = await analytics(ctx, { dates: sessions.map(({ date }) => date), tickers });
      analysed = true;
      return result;
    },
    { dates: [], weeks: [], notes: [] },
  );
  // The checks look at what was just computed; where that failed there is nothing new, and the old is still right.
  const publishable = analysed ? await attempt('checks', () => runChecks(ctx), false) : true;
  const output = await attempt('plotter', () => writeOutput(ctx, tickers, computed, plots), {
    written: [],
    notes: [],
  });
  const unknown = await strangers(ctx, tickers);
  // Where the step failed its own message stands, and what the plan has is not known.
  const rung =
    sessions.length === 0 || polygon === nothing
      ? undefined
      : planRung(ctx.config, await rungFound(ctx, { sessions, tickers }, polygon.plan));
  return {
    dates: computed.dates,
    weeks: computed.weeks,
    stored: { ...finra.stored, ...polygon.stored },
    gaps: [...finra.gaps, ...polygon.gaps],
    notes: [
      ...(rung === undefined ? [] : [rung]),
      ...finra.notes,
      ...polygon.notes,
      ...computed.notes,
      ...output.notes.filter((note) => !unknown.some((symbol) => note.startsWith(`${symbol}:`))),
      ...unknown.map((symbol) => `${symbol}: no data in any source; is the symbol right?`),
    ],
    failures,
    written: output.written,
    publishable,
  };
}

/**
 * Weeks older than anything here are asked for the sake of factors alone. That FINRA does not have one of them is worth a
 * line, but it leaves no hole.
 */
async function withoutForeignWeeks(
  ctx: Context,
  result: FetchResult,
  sessions: readonly Session[],
): Promise<FetchResult> {
  const own = await ctx.db.row<{ week: string | null }>(
    `select least(
       (select min(s.week_start) from darkpool_daily_summary d join market_sessions s on s.date = d.date),
       (select min(week_start) from finra_cuts_loaded)
     )::varchar as week`,
  );
  const first = [own?.week, sessions[0]?.weekStart].filter((week) => week != null).sort()[0];
  const isForeign = (gap: Gap) =>
    gap.source === 'finra_otc_weekly' && first !== undefined && gap.period < first;
  const foreign = result.gaps.filter(isForeign);
  if (foreign.length === 0) return result;
  const weeks = [...new Set(foreign.map(({ period }) => period))].sort();
  return {
    ...result,
    gaps: result.gaps.filter((gap) => !isForeign(gap)),
    notes: [
      ...result.notes,
      `FINRA has nothing (yet) of ${weeks.length} earlier weeks, ${weeks[0]} to ${weeks.at(-1)}, that factors would look back on.`,
    ],
  };
}

/** The sessions before the first one. */
function before(sessions: readonly Session[], count: number): Session[] {
  const first = sessions[0];
  return first === undefined ? [] : sessionsBack(addDays(first.date, -1), count);
}

async function writeOutput(
  ctx: Context,
  tickers: readonly string[],
  computed: { dates: readonly string[]; weeks: readonly string[] },
  plots: boolean,
): Promise<{ written: string[]; notes: string[] }> {
  const { writeTables } = await import('./tables.js');
  const tables = await writeTables(ctx, computed);
  if (!plots || ctx.config.allTickers) return { written: tables.written, notes: [] };
  const { plot } = await import('./plotter.js');
  const pictures = await plot(ctx, { tickers });
  return { written: [...tables.written, ...pictures.written], notes: pictures.notes };
}

/** Audits: queries that must return no row. What fails one is named and not published: readers keep what they have. */
async function runChecks(ctx: Context): Promise<true> {
  for (const file of sqlFilesIn('checks')) {
    const rows = await ctx.db.rowsOfFile<{ check_name: string; detail: string }>(file);
    const first = rows[0];
    if (first !== undefined) {
      throw new DataError(
        `Check ${first.check_name} fails for ${rows.length} rows, first: ${first.detail}. See sql/${file}.sql.`,
      );
    }
  }
  return true;
}

/** In sample mode the simulated market is made (once) and handed to the fetchers as files, on its own last morning. */
async function withSample(config: Config, clock: Clock): Promise<{ config: Config; clock: Clock }> {
  if (config.DATA_SOURCE !== 'sample') return { config, clock };
  const sample = await ensureSample(path.join(config.DATA_DIR, 'sample'));
  return {
    config: Object.freeze({
      ...config,
      POLYGON_TRADES_FILE: sample.tradesFiles,
      POLYGON_QUOTES_FILE: sample.quotesFiles,
      POLYGON_BARS_FILE: sample.barsFile,
      FINRA_OTC_FILE: sample.finraWeeklyFile,
      FINRA_REGSHO_FILE: sample.regshoFolder,
      TARGET_DATE: config.TARGET_DATE ?? sample.lastDate,
      DAILY_LOOKBACK: config.DAILY_LOOKBACK ?? sessionsBetween(sample.firstDate, sample.lastDate).length,
    }),
    clock: { now: () => sample.asOf },
  };
}

/** Every file that a setting names is there, before anything is fetched. */
async function filesThere(config: Config): Promise<void> {
  for (const setting of SETTING_NAMES.filter((name) => name.endsWith('_FILE'))) {
    const value = config[setting as keyof Config];
    if (typeof value === 'string') await listFiles(setting, value);
  }
}

/** The sessions to process: closed ones only, by the mode or by an explicit range. */
export function sessionsWanted(
  config: Config,
  clock: Clock,
  range: { readonly from?: string; readonly to?: string } = {},
): { sessions: Session[]; notes: string[] } {
  const now = clock.now();
  const today = nyDate(now);
  const target = range.to ?? config.TARGET_DATE ?? today;
  if (range.from !== undefined && range.from > target) {
    throw new ConfigError(`--from ${range.from} is after ${target}: give the earlier day first.`);
  }
  const notes: string[] = [];
  const session = sessionOn(target);
  if (session === undefined) {
    notes.push(`${target} has no session (${holidayName(target) ?? 'closed'}).`);
  } else if (!isClosed(session, now)) {
    notes.push(
      `${target} is ${target > today ? 'still to come' : 'not over yet'}: its session is not processed.`,
    );
  }
  const wanted =
    range.from !== undefined
      ? sessionsBetween(range.from, target)
      : config.RUN_MODE === 'weekly'
        ? sessionsBetween(addDays(weekStartOf(target), -7 * (config.BACKFILL_WEEKS - 1)), target)
        : sessionsBack(target, config.DAILY_LOOKBACK ?? 10);
  return { sessions: wanted.filter((candidate) => isClosed(candidate, now)), notes };
}

/** A database of simulated rows is thrown away when real data come: they are never mixed, and it is made again at will. */
function isSimulation(config: Config): (stored: Sql) => Promise<boolean> {
  return async (stored) => {
    if (config.DATA_SOURCE === 'sample') return false;
    const origin = await stored.row<{ value: string }>(
      "select value from pipeline_state where key = 'origin'",
    );
    return origin?.value === 'sample';
  };
}

async function settleOrigin(ctx: Context): Promise<void> {
  const { config, db } = ctx;
  const origin = config.DATA_SOURCE === 'sample' ? 'sample' : 'real';
  const before = await db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
  if (before === undefined) {
    await db.run("insert into pipeline_state values ('origin', $origin)", { origin });
  } else if (before.value !== origin) {
    throw new ConfigError(
      `${db.paths.current} holds real data, and DATA_SOURCE=sample would mix simulated rows into it: set DATA_SOURCE, or another DATA_DIR for the sample.`,
    );
  }
}

/** The calendar as a table, so that SQL knows weeks and sessions. */
async function fillCalendar(ctx: Context): Promise<void> {
  const { db } = ctx;
  const sessions = sessionsBetween('2009-01-01', '2030-12-31');
  const rows = sessions.map(
    (s) =>
      `('${s.date}','${s.weekStart}',${s.dayStartNs},${s.dayEndNs},${s.openNs},${s.closeNs},${s.earlyClose})`,
  );
  const value = createHash('sha256').update(rows.join()).digest('hex');
  const before = await db.row<{ value: string }>("select value from pipeline_state where key = 'calendar'");
  if (before?.value === value) return;
  await db.transaction(() =>
    db.run(
      `delete from market_sessions;
       insert into market_sessions values ${rows.join(',')};
       delete from pipeline_state where key = 'calendar';
       insert into pipeline_state values ('calendar', $value)`,
      { value },
    ),
  );
}

async function openLedger(ctx: Context, systemClock: Clock, sessions: readonly Session[]) {
  const { config, db } = ctx;
  const start = systemClock.now();
  const version = `${start.toUTC().toFormat("yyyyMMdd'T'HHmmssSSS")}-${process.pid}`;
  await db.run(
    `insert into pipeline_runs (run_id, started_at, pid, data_source, run_mode, first_date, last_date, tickers, version)
     values ($version, $started::timestamp, $pid, $source, $mode, $first::date, $last::date, $tickers, $program)`,
    {
      version,
      started: sqlTime(start),
      pid: process.pid,
      source: config.DATA_SOURCE,
      mode: config.RUN_MODE,
      first: sessions[0]?.date ?? null,
      last: sessions[sessions.length - 1]?.date ?? null,
      tickers: config.allTickers ? 'ALL' : config.TICKERS.join(','),
      program: PROGRAM_VERSION,
    },
  );
  return {
    version,
    close: (exitCode: number, outcome: Outcome, seconds: number) =>
      db.run(
        `update pipeline_runs set ended_at = $ended::timestamp, exit_code = $exit, gaps = $gaps, message = $message,
           seconds = $seconds, peak_memory_mb = $peak where run_id = $version`,
        {
          version,
          ended: sqlTime(systemClock.now()),
          exit: exitCode,
          gaps: outcome.gaps.length,
          message:
            outcome.failures[0] ??
            (outcome.dates.length === 0 && outcome.weeks.length === 0
              ? 'nothing new'
              : `${outcome.dates.length} days and ${outcome.weeks.length} weeks computed`),
          seconds,
          peak: process.resourceUsage().maxRSS / 1024,
        },
      ),
  };
}

/** A ticker typed in lower case is meant in upper case, unless the data know it as typed: case is identity. */
async function knownSpelling(ctx: Context): Promise<string[]> {
  const { config, db } = ctx;
  const typed = config.TICKERS.filter((symbol) => symbol !== symbol.toUpperCase());
  if (typed.length === 0) return [...config.TICKERS];
  const known = new Set(
    (
      await db.rows<{ symbol: string }>(
        `select symbol from (select unnest($typed) as symbol) t
         where symbol in (select symbol from finra_otc_weekly) or symbol in (select symbol from finra_regsho_daily)
           or symbol in (select symbol from polygon_trades)`,
        { typed },
      )
    ).map(({ symbol }) => symbol),
  );
  const entirelyLower = (symbol: string) => symbol === symbol.toLowerCase();
  return config.TICKERS.map((symbol) =>
    entirelyLower(symbol) && !known.has(symbol) ? symbol.toUpperCase() : symbol,
  );
}

/** Tickers of the watch list that no source knows. */
async function strangers(ctx: Context, tickers: readonly string[]): Promise<string[]> {
  const rows = await ctx.db.rows<{ symbol: string }>(
    `select symbol from (select unnest($tickers) as symbol) t
     where symbol not in (select symbol from finra_otc_weekly) and symbol not in (select symbol from finra_regsho_daily)
       and symbol not in (select symbol from tape_totals_daily) and symbol not in (select symbol from polygon_bars_daily)
     order by symbol`,
    { tickers },
  );
  return rows.map(({ symbol }) => symbol);
}

function skipped(config: Config): string[] {
  return config.skippedTickers.map(({ symbol, reason }) => `${symbol} is skipped: ${reason}.`);
}

async function closingRows(ctx: Context, dates: readonly string[]): Promise<RunRow[]> {
  try {
    return await ctx.db.rows<RunRow>(
      `select s.date::varchar as date, s.symbol, l.classification_method as method, l.lit_trades::double as lit_trades,
         s.total_off_exchange_volume, s.volume_basis, s.buy_ratio, s.estimated_bought, s.estimated_sold, s.signal,
         s.inference_version
       from darkpool_daily_summary s
       join affected_days a on a.symbol = s.symbol and a.date = s.date
       left join lit_direction_daily l
         on l.symbol = s.symbol and l.date = s.date and l.inference_version = s.inference_version
       where s.date in (select unnest($dates)::date)
       order by s.date, s.symbol limit 2000`,
      { dates },
    );
  } catch (error) {
    ctx.log.warn(`the closing table cannot be shown: ${messageOf(error)}`);
    return [];
  }
}
