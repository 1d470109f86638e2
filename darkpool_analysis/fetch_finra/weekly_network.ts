import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Context, FetchResult, Gap } from '../context.js';
import { DataError, messageOf, VendorError } from '../errors.js';
import type { Limiter } from '../http.js';
import { logIngest, sqlTime } from '../ingest_log.js';
import { nyDate, type Session } from '../market_calendar.js';
import { inOrder } from './in_order.js';
import { type Pages, WeeklyService } from './weekly_api.js';
import { readPages, stagePartition } from './weekly_pages.js';
import { FIRM_CUTS, type Partition, SYMBOL_CUTS } from './weekly_partition.js';
import {
  type DueWeek,
  dueWeeks,
  planFirms,
  planWhole,
  WEEKLY_SOURCE,
  type WeeklyState,
  weeklyState,
} from './weekly_plan.js';
import { makeMacros, storeStaged } from './weekly_staging.js';

const REQUESTS_AHEAD = 4;
/** So many failures in a row, and the service is not there: the rest is not asked for. */
const MAX_FAILURES = 5;

/** The weekly run over the network, and what it has come to so far. */
class WeeklyRun {
  readonly #ctx: Context;
  readonly #service: WeeklyService;
  readonly #state: WeeklyState;
  readonly #narrowed: string | null;
  readonly #post: boolean;
  readonly #weeks: ReadonlyMap<string, DueWeek>;
  readonly #reasons = new Map<string, { week: DueWeek; reasons: Set<string> }>();
  #answers = 0;
  #failures = 0;
  #dataSet: Promise<Pages | undefined> | undefined;
  #dataSetRead = false;
  stored = 0;

  constructor(
    ctx: Context,
    service: WeeklyService,
    state: WeeklyState,
    weeks: readonly DueWeek[],
    narrowed: string | null,
  ) {
    this.#ctx = ctx;
    this.#service = service;
    this.#state = state;
    this.#narrowed = narrowed;
    this.#post = ctx.config.FINRA_REQUEST_METHOD === 'POST';
    this.#weeks = new Map(weeks.map((week) => [`${week.weekStart} ${week.tier}`, week]));
  }

  /** Fetches and stores partitions; what fails becomes a gap, unless the service as a whole refuses. */
  async fetch(plan: readonly Partition[]): Promise<void> {
    const progress = this.#ctx.log.progress('FINRA weekly', plan.length);
    try {
      let last: unknown;
      for await (const { item, outcome } of inOrder(plan, REQUESTS_AHEAD, (partition) =>
        this.#failures >= MAX_FAILURES ? Promise.resolve(undefined) : this.#read(partition),
      )) {
        progress.advance();
        if (this.#failures >= MAX_FAILURES) {
          await this.#failed(item, `not asked, after ${MAX_FAILURES} failures: ${messageOf(last)}`);
          continue;
        }
        try {
          if ('error' in outcome) throw outcome.error;
          await this.#keep(item, outcome.value);
          this.#answers += 1;
          this.#failures = 0;
        } catch (error) {
          if (!(error instanceof VendorError || error instanceof DataError)) throw error;
          last = error;
          this.#failures += 1;
          if (this.#refused(error)) throw error;
          await this.#failed(item, error.message);
        }
      }
    } finally {
      progress.done();
    }
  }

  /** Nothing has ever come: a refusal at once, other failures when they repeat, are the service's, not a week's. */
  #refused(error: unknown): boolean {
    if (this.#answers > 0) return false;
    const status = error instanceof VendorError ? error.status : undefined;
    return this.#failures >= 3 || (status !== undefined && status < 500 && status !== 429);
  }

  #read(partition: Partition): Promise<Pages | undefined> {
    if (this.#post) return this.#service.read(partition);
    // GET takes no filter: one reading of the data set serves every partition.
    this.#dataSet ??= this.#service.read(undefined);
    return this.#dataSet;
  }

  async #keep(partition: Partition, pages: Pages | undefined): Promise<void> {
    const { db } = this.#ctx;
    if (pages !== undefined && this.#isKnown(partition, pages)) {
      await db.transaction(() => this.#touch(partition));
    } else {
      const rows = pages === undefined ? new Map<string, number>() : await this.#stage(partition, pages);
      if (pages === undefined || rows.size === 0) await this.#absent(partition);
      else await this.#store(partition, pages, rows);
    }
    if (this.#post && pages !== undefined) await rm(pages.folder, { recursive: true, force: true });
  }

  async #stage(partition: Partition, pages: Pages): Promise<Map<string, number>> {
    if (this.#post) {
      await readPages(this.#ctx, partition, pages);
    } else if (!this.#dataSetRead) {
      await readPages(this.#ctx, undefined, pages);
      this.#dataSetRead = true;
    }
    return stagePartition(this.#ctx, partition);
  }

  async #store(partition: Partition, pages: Pages, rows: ReadonlyMap<string, number>): Promise<void> {
    const { weekStart: week, tier, cut } = partition;
    const symbols = partition.symbols?.map(({ symbol }) => symbol);
    const piece = { week, tier, cut, ...(symbols === undefined ? {} : { symbols }) };
    this.stored += await this.#ctx.db.transaction(async () => {
      const stored = await storeStaged(this.#ctx, {
        source: 'api',
        nowShown: true,
        whole: this.#narrowed === null ? [piece] : [],
      });
      await this.#log(partition, rows, pages.sha256);
      return stored;
    });
  }

  /** The same bytes as last time, read with the same filters: nothing can have changed. */
  #isKnown(partition: Partition, pages: Pages): boolean {
    if (!this.#post) return false;
    return this.#subjects(partition).every((subject) => {
      const known = this.#state.get(`${partition.weekStart} ${subject}`);
      return known?.status === 'ok' && known.sha256 === pages.sha256 && known.message === this.#narrowed;
    });
  }

  async #absent(partition: Partition): Promise<void> {
    const held = this.#subjects(partition).some(
      (subject) => this.#state.get(`${partition.weekStart} ${subject}`)?.status === 'ok',
    );
    const week = this.#week(partition);
    if (held) {
      // An emptied partition is more likely a fault than a withdrawal of a whole week.
      this.#gap(week, `${partition.cut} is empty now though it was published; what is stored is kept`);
      return;
    }
    this.#gap(week, `${partition.cut} was due on ${week.due} and is not published yet`);
    await this.#ctx.db.transaction(() => this.#log(partition, new Map(), null));
  }

  async #failed(partition: Partition, reason: string): Promise<void> {
    this.#gap(this.#week(partition), `${partition.cut}: ${reason}`);
    const { db } = this.#ctx;
    await db.transaction(async () => {
      for (const subject of this.#subjects(partition)) {
        // What was read whole before stays so.
        if (this.#state.get(`${partition.weekStart} ${subject}`)?.status === 'ok') continue;
        await logIngest(db, {
          ...this.#logEntry(partition),
          subject,
          status: 'error',
          rows: 0,
          message: reason,
        });
      }
    });
  }

  /** Marks a partition read, with its rows by symbol. */
  async #log(partition: Partition, rows: ReadonlyMap<string, number>, sha256: string | null): Promise<void> {
    const total = [...rows.values()].reduce((sum, n) => sum + n, 0);
    for (const subject of this.#subjects(partition)) {
      const symbol = subject.slice(0, -partition.cut.length - 1);
      const n = partition.symbols === undefined ? total : (rows.get(symbol) ?? 0);
      const week = this.#week(partition);
      if (n === 0 && total > 0) {
        this.#gap(week, `${partition.cut} has no rows of ${symbol}, whose volume is there`);
      }
      await logIngest(this.#ctx.db, {
        ...this.#logEntry(partition),
        subject,
        status: n === 0 ? 'absent' : 'ok',
        rows: n,
        sha256,
        message: n === 0 ? `due on ${week.due}` : this.#narrowed,
      });
    }
  }

  /** Marks a partition looked at again without change. */
  async #touch(partition: Partition): Promise<void> {
    const { period, fetchedAt, source } = this.#logEntry(partition);
    for (const subject of this.#subjects(partition)) {
      await this.#ctx.db.run(
        `update ingest_log set fetched_at = $fetchedAt::timestamp
         where source = $source and period = $period and symbol_or_tier = $subject`,
        { fetchedAt, source, period, subject },
      );
    }
  }

  #subjects({ tier, cut, symbols }: Partition): string[] {
    return symbols === undefined ? [`${tier} ${cut}`] : symbols.map(({ symbol }) => `${symbol} ${cut}`);
  }

  #logEntry({ weekStart }: Partition) {
    const fetchedAt = sqlTime(this.#ctx.clock.now());
    return { source: WEEKLY_SOURCE, period: weekStart, sha256: null, fetchedAt };
  }

  #week({ weekStart, tier }: Partition): DueWeek {
    const week = this.#weeks.get(`${weekStart} ${tier}`);
    if (week === undefined) throw new Error(`${weekStart} ${tier} was not planned`);
    return week;
  }

  #gap(week: DueWeek, reason: string): void {
    const key = `${week.weekStart} ${week.tier}`;
    const known = this.#reasons.get(key) ?? { week, reasons: new Set<string>() };
    known.reasons.add(reason);
    this.#reasons.set(key, known);
  }

  /** One gap per week and tier. */
  gaps(): Gap[] {
    return [...this.#reasons.values()].map(({ week, reasons }) => ({
      source: WEEKLY_SOURCE,
      period: week.weekStart,
      subject: week.tier,
      reason: [...reasons].join('; '),
    }));
  }
}

/**
 * FINRA's weekly summary over the network: symbol rows of all symbols, firm rows of the watch list (of all symbols with
 * TICKERS=ALL), for the due weeks of the range and the 13 before. Only what is not complete is asked for, and once a day
 * the last 8 due weeks for restatements.
 * @throws VendorError when the service refuses as a whole; a week that fails is a gap, and what is stored is whole.
 */
export async function fetchWeeklyService(
  ctx: Context,
  sessions: readonly Session[],
  limiter: Limiter,
): Promise<FetchResult> {
  const today = nyDate(ctx.clock.now());
  const weeks = dueWeeks(sessions, today);
  const narrowed = narrowedBy(ctx.config.FINRA_REQUEST_JSON);
  const staging = path.join(ctx.db.paths.staging, 'finra_weekly');
  const state = await weeklyState(ctx);
  const cuts = ctx.config.allTickers ? [...SYMBOL_CUTS, ...FIRM_CUTS] : SYMBOL_CUTS;
  await makeMacros(ctx.db);
  const reader = await ctx.db.connect();
  try {
    const run = new WeeklyRun(ctx, new WeeklyService(ctx, limiter, reader), state, weeks, narrowed);
    await run.fetch(planWhole(weeks, cuts, state, narrowed, today));
    if (!ctx.config.allTickers) await run.fetch(await planFirms(ctx, weeks, state, narrowed, today));
    return { stored: { finra_otc_weekly: run.stored }, gaps: run.gaps(), notes: [] };
  } finally {
    reader.close();
    await rm(staging, { recursive: true, force: true });
  }
}

/** Filters of the user's own make a partition less than whole: the message its pieces carry, NULL without. */
function narrowedBy(extra: Readonly<Record<string, unknown>> | undefined): string | null {
  const filters = Object.entries(extra ?? {}).filter(([name]) => name.endsWith('Filters'));
  return filters.length === 0
    ? null
    : `narrowed by FINRA_REQUEST_JSON: ${JSON.stringify(Object.fromEntries(filters))}`;
}
