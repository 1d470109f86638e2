import { DateTime } from 'luxon';
import type { Context } from '../context.js';
import { addDays, finraDueDate, nyDate, type Session, weekStartOf } from '../market_calendar.js';
import { type Partition, TIERS, type Tier, type WatchedSymbol } from './weekly_partition.js';

export const WEEKLY_SOURCE = 'finra_otc_weekly';
/** Weeks before the first session: what the medians of the last 8 published weeks and the trends look back on. */
const WEEKS_BEFORE = 13;
/** FINRA restates rows, mostly soon after publication: so many due weeks are read again. */
const REREAD_WEEKS = 8;
/** FINRA's weekly data does not reach further back than the calendar. */
const FIRST_WEEK = '2009-01-05';

/** A (week, tier) whose publication date has come. */
export interface DueWeek {
  readonly weekStart: string;
  readonly tier: Tier;
  /** FINRA's publication date. */
  readonly due: string;
  /** One of the newest due weeks, read again for restatements. */
  readonly reread: boolean;
}

/** What ingest_log knows of one piece. */
export interface PieceState {
  readonly status: string;
  readonly message: string | null;
  /** New York date of the last reading. */
  readonly readOn: string;
  readonly sha256: string | null;
}
export type WeeklyState = ReadonlyMap<string, PieceState>;

/** Weeks of the range, and those its figures look back on, that FINRA should have published by now, oldest first. */
export function dueWeeks(sessions: readonly Session[], today: string): DueWeek[] {
  const first = sessions[0];
  const last = sessions.at(-1);
  if (first === undefined || last === undefined) return [];
  const rereadFrom = new Map(TIERS.map((tier) => [tier, firstRereadWeek(tier, today)]));
  const weeks: DueWeek[] = [];
  const from = addDays(first.weekStart, -7 * WEEKS_BEFORE);
  for (let week = from < FIRST_WEEK ? FIRST_WEEK : from; week <= last.weekStart; week = addDays(week, 7)) {
    for (const tier of TIERS) {
      const due = finraDueDate(week, tier);
      if (due > today) continue;
      weeks.push({ weekStart: week, tier, due, reread: week >= (rereadFrom.get(tier) ?? '') });
    }
  }
  return weeks;
}

function firstRereadWeek(tier: Tier, today: string): string {
  let newest = weekStartOf(today);
  while (finraDueDate(newest, tier) > today) newest = addDays(newest, -7);
  return addDays(newest, -7 * (REREAD_WEEKS - 1));
}

/** What ingest_log knows of the weekly data, by `${week} ${tier or symbol} ${cut}`. */
export async function weeklyState(ctx: Context): Promise<WeeklyState> {
  const rows = await ctx.db.rows<{
    key: string;
    status: string;
    message: string | null;
    fetched_at: string;
    sha256: string | null;
  }>(
    `select period || ' ' || symbol_or_tier as key, status, message, fetched_at, sha256
     from ingest_log where source = $source`,
    { source: WEEKLY_SOURCE },
  );
  return new Map(
    rows.map(({ key, status, message, fetched_at, sha256 }) => [
      key,
      { status, message, sha256, readOn: nyDate(DateTime.fromSQL(fetched_at, { zone: 'utc' })) },
    ]),
  );
}

/** Whether a piece must be asked for: not complete yet, or due for a second look and not looked at today. */
function wanted(state: WeeklyState, key: string, week: DueWeek, narrowed: string | null, today: string) {
  const known = state.get(key);
  if (known?.status !== 'ok') return true;
  // Read with other filters, or from a file that says so: not the market's whole.
  if (known.message !== narrowed) return true;
  return week.reread && known.readOn !== today;
}

/** Symbol rows: every symbol of the tier. `narrowed` is the message of pieces that FINRA_REQUEST_JSON narrows. */
export function planWhole(
  weeks: readonly DueWeek[],
  cuts: readonly Partition['cut'][],
  state: WeeklyState,
  narrowed: string | null,
  today: string,
): Partition[] {
  return weeks.flatMap((week) =>
    cuts
      .filter((cut) => wanted(state, `${week.weekStart} ${week.tier} ${cut}`, week, narrowed, today))
      .map((cut) => ({ weekStart: week.weekStart, tier: week.tier, cut })),
  );
}

/**
 * Firm rows of the watch list: only where a symbol has volume, in the tier it is in, under FINRA's own spelling, all of
 * which the stored symbol rows say.
 */
export async function planFirms(
  ctx: Context,
  weeks: readonly DueWeek[],
  state: WeeklyState,
  narrowed: string | null,
  today: string,
): Promise<Partition[]> {
  const { TICKERS } = ctx.config;
  if (TICKERS.length === 0 || weeks.length === 0) return [];
  const watched = await ctx.db.rowsOfFile<
    { week_start: string; tier: Tier; cut: Partition['cut']; raw_symbol: string } & WatchedSymbol
  >('staging/finra_weekly_watch_list', {
    tickers: TICKERS,
    weeks: [...new Set(weeks.map(({ weekStart }) => weekStart))],
  });
  const byWeek = new Map(weeks.map((week) => [`${week.weekStart} ${week.tier}`, week]));
  const partitions = new Map<string, Omit<Partition, 'symbols'> & { symbols: WatchedSymbol[] }>();
  for (const { week_start: weekStart, tier, cut, symbol, raw_symbol: raw } of watched) {
    const week = byWeek.get(`${weekStart} ${tier}`);
    // TICKERS=ALL before means the whole cut is there already.
    const whole = state.get(`${weekStart} ${tier} ${cut}`)?.status === 'ok' && week?.reread !== true;
    if (week === undefined || whole) continue;
    if (!wanted(state, `${weekStart} ${symbol} ${cut}`, week, narrowed, today)) continue;
    const key = `${weekStart} ${tier} ${cut}`;
    const partition = partitions.get(key) ?? { weekStart, tier, cut, symbols: [] };
    partition.symbols.push({ symbol, raw });
    partitions.set(key, partition);
  }
  return [...partitions.values()];
}
