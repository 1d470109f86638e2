import { DateTime } from 'luxon';
import { analytics } from './analytics.js';
import type { Config } from './config.js';
import type { Clock, Context, FetchResult, Gap } from './context.js';
import { Database, sqlFilesIn } from './db.js';
import { DarkpoolError, DataError, messageOf } from './errors.js';
import { fetchFinra } from './fetch_finra.js';
import { fetchPolygonEquity } from './fetch_polygon_equity.js';
import { createHttp, type Http } from './http.js';
import { inferBuySell } from './infer_buy_sell.js';
import type { Log } from './log.js';
import { addDays, type Session, sessionsBack } from './market_calendar.js';
import { openLedger } from './orchestrator/ledger.js';
import { filesThere, fillCalendar, isSimulation, settleOrigin, withSample } from './orchestrator/prepare.js';
import { sessionsWanted } from './orchestrator/sessions_wanted.js';
import { knownSpelling, skipped, strangers } from './orchestrator/watch_list.js';
import { planRung, rungFound } from './plan_rung.js';

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

async function closingRows(ctx: Context, dates: readonly string[]): Promise<RunRow[]> {
  try {
    return await ctx.db.rows<RunRow>(
      `select s.date::varchar as date, s.symbol, s.classification_method as method, l.lit_trades::double as lit_trades,
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
