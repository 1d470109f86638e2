import type { Context } from '../context.js';
import type { Sql } from '../db.js';
import { finraDueDate, nyDate } from '../market_calendar.js';
import { canonicalSymbolSql } from '../symbols.js';

/** A value that cannot be right, of the first row that has one. */
export interface Problem {
  readonly row_number: string;
  readonly field: string;
  readonly value: string | null;
  readonly expected: string;
}

/** What rows of a source that do not say it themselves belong to, and which columns the source has. */
export interface RowDefaults {
  readonly week: string | null;
  readonly tier: string | null;
  readonly cut: string | null;
  readonly deriveWeek: boolean;
  readonly hasMpid: boolean;
  readonly hasCrd: boolean;
  readonly hasFirm: boolean;
}

/** FINRA's rows keep to one shape: tier, cut, symbol, venue are all said or pinned. */
export const API_DEFAULTS: RowDefaults = {
  week: null,
  tier: null,
  cut: null,
  deriveWeek: false,
  hasMpid: true,
  hasCrd: true,
  hasFirm: true,
};

/** Makes the macros that the `sql/staging/finra_*` files use. */
export async function makeMacros(sql: Sql): Promise<void> {
  await sql.runFile('staging/finra_macros');
  await sql.run(`create or replace temp macro canonical_symbol(s) as ${canonicalSymbolSql('s')}`);
}

/** finra_weekly_raw -> finra_weekly_typed. Returns the first value that cannot be right. */
export async function typeRows(sql: Sql, defaults: RowDefaults): Promise<Problem | undefined> {
  await sql.runFile('staging/finra_weekly_typed', {
    week: defaults.week,
    tier: defaults.tier,
    cut: defaults.cut,
    derive_week: defaults.deriveWeek,
    has_mpid: defaults.hasMpid,
    has_crd: defaults.hasCrd,
    has_firm: defaults.hasFirm,
  });
  return (await sql.rowsOfFile<Problem>('staging/finra_weekly_problems'))[0];
}

/** Two rows of one source that contradict each other. */
export interface Conflict {
  readonly first_row: string;
  readonly second_row: string;
  readonly raw_symbol: string;
  readonly mpid: string | null;
  readonly week_start: string;
  readonly tier: string;
  readonly summary_type: string;
}

export async function firstConflict(sql: Sql, sumDays: boolean): Promise<Conflict | undefined> {
  return (await sql.rowsOfFile<Conflict>('staging/finra_weekly_conflicts', { sum_days: sumDays }))[0];
}

/** Which of the typed rows to stage; all when nothing is said. */
export interface RowFilter {
  readonly week?: string;
  readonly tier?: string;
  readonly cut?: string;
  /** FINRA's spelling. */
  readonly symbols?: readonly string[];
}

/** finra_weekly_typed -> finra_weekly_staged. Returns its rows. */
export async function stageRows(sql: Sql, only: RowFilter = {}): Promise<number> {
  await sql.runFile('staging/finra_weekly_staged', {
    only_week: only.week ?? null,
    only_tier: only.tier ?? null,
    only_cut: only.cut ?? null,
    only_symbols: only.symbols ?? null,
  });
  return (await sql.row<{ n: number }>('select count(*)::integer as n from finra_weekly_staged'))?.n ?? 0;
}

/** Rows that are not used, with the reason, for a line to the user. */
export async function skippedRows(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ reason: string; n: number }>(
    `select
       if(is_symbol_cut, 'without a symbol', 'of ' || summary_type || ', which is not by symbol and week') as reason,
       count(*)::integer as n
     from finra_weekly_typed where not used group by reason order by reason`,
  );
  return rows.map(({ reason, n }) => `${n} row${n === 1 ? '' : 's'} ${reason} skipped`);
}

/** A (week, tier, cut), or some symbols of it, that has been read whole: what is stored of it and not read is gone. */
export interface WholePiece {
  readonly week: string;
  readonly tier: string;
  readonly cut: string;
  /** Canonical; undefined = all. */
  readonly symbols?: readonly string[];
}

/**
 * Adds to finra_otc_weekly the versions that differ from what is stored, and names the weeks that changed in
 * pending_weeks. Call inside a transaction. Returns the rows added, withdrawals included.
 */
export async function storeStaged(
  ctx: Context,
  from: { readonly source: string; readonly nowShown: boolean; readonly whole: readonly WholePiece[] },
): Promise<number> {
  const { db, clock } = ctx;
  const now = clock.now();
  const pairs = await db.rows<{ week: string; tier: string }>(
    // A row without a tier may turn out to belong to a stored one, whose clock then counts.
    `select distinct w.week_start::varchar as week, t.tier
     from finra_weekly_staged w
     cross join (select unnest(['T1', 'T2', 'OTCE', 'NA']) as tier) t order by all`,
  );
  await db.run(
    `create or replace temp table finra_weekly_due as
     select unnest($weeks::varchar[])::date as week_start, unnest($tiers::varchar[]) as tier,
       unnest($dues::varchar[])::date as due`,
    {
      weeks: pairs.map(({ week }) => week),
      tiers: pairs.map(({ tier }) => tier),
      dues: pairs.map(({ week, tier }) => finraDueDate(week, tier)),
    },
  );
  const whole = from.whole.flatMap((piece) =>
    (piece.symbols ?? ['']).map((symbol) => ({ ...piece, symbol })),
  );
  await db.run(
    `create or replace temp table finra_weekly_whole as
     select unnest($weeks::varchar[])::date as week_start, unnest($tiers::varchar[]) as tier,
       unnest($cuts::varchar[]) as summary_type, nullif(unnest($symbols::varchar[]), '') as symbol`,
    {
      weeks: whole.map(({ week }) => week),
      tiers: whole.map(({ tier }) => tier),
      cuts: whole.map(({ cut }) => cut),
      symbols: whole.map(({ symbol }) => symbol),
    },
  );
  await db.runFile('staging/finra_weekly_versions', {
    fetched_at: now.toUTC().toFormat('yyyy-MM-dd HH:mm:ss.SSS'),
    noticed: nyDate(now),
    source: from.source,
    now_shown: from.nowShown,
  });
  return db.runFile('staging/finra_weekly_store');
}
