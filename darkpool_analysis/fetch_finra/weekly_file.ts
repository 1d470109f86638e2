import path from 'node:path';
import type { Context, FetchResult, Gap } from '../context.js';
import { DataError } from '../errors.js';
import { logIngest, sqlTime } from '../ingest_log.js';
import { firstLine, openTable, type SourceFile } from '../tabular_file.js';
import { fingerprintOfNew, rememberFile } from './known_files.js';
import { type Field, type Layout, otcSetting, rawRowsSql, recogniseColumns } from './weekly_columns.js';
import { PAGE_LIMIT } from './weekly_partition.js';
import { WEEKLY_SOURCE } from './weekly_plan.js';
import {
  firstConflict,
  makeMacros,
  skippedRows,
  stageRows,
  storeStaged,
  typeRows,
} from './weekly_staging.js';

/** A (week, tier, cut) of a file. */
interface FilePiece {
  readonly week_start: string;
  readonly tier: string;
  readonly summary_type: string;
  readonly rows: number;
  readonly symbols: number;
  readonly truncated: boolean;
}

/** Fewer symbols than this are what somebody kept, not a tier (thousands). */
const FEW_SYMBOLS = 100;

/**
 * Weekly volumes from FINRA_OTC_FILE: API columns, the site's download, or a user's own columns (FINRA_*_FIELD). A file
 * that has been read is skipped; a changed one is read again, and what it no longer holds is withdrawn.
 * @throws DataError naming file, row, column, value and what would be right; nothing of that file is stored then.
 */
export async function fetchWeeklyFiles(ctx: Context, files: readonly SourceFile[]): Promise<FetchResult> {
  const setting = otcSetting(ctx.config);
  const notes: string[] = [];
  let stored = 0;
  await makeMacros(ctx.db);
  const progress = ctx.log.progress('FINRA files', files.length);
  try {
    for (const file of files) {
      const sha256 = await fingerprintOfNew(ctx.db, setting, file);
      if (sha256 !== undefined) stored += await readFile(ctx, setting, file, sha256, notes);
      progress.advance();
    }
  } finally {
    progress.done();
    await ctx.db.run('drop table if exists finra_weekly_raw; drop table if exists finra_weekly_typed');
  }
  return { stored: { [WEEKLY_SOURCE]: stored }, gaps: await truncatedGaps(ctx, setting, files), notes };
}

async function readFile(
  ctx: Context,
  setting: string,
  file: SourceFile,
  sha256: string,
  notes: string[],
): Promise<number> {
  const { db, config, log } = ctx;
  const name = path.basename(file.path);
  const table = await openTable(db, file.path);
  const layout = recogniseColumns(file.path, table.columns, config);
  try {
    await db.run(rawRowsSql(table.relation, layout.columns));
  } catch (error) {
    throw new DataError(`${file.path} cannot be read: ${firstLine(error)}`, { cause: error });
  }
  await checkRows(ctx, file, layout);
  const said = [...layout.notes, ...(await skippedRows(db)).map((text) => `${name}: ${text}`)];
  const rows = await stageRows(db);
  if (rows === 0) {
    throw new DataError(`${file.path} holds no row of a symbol's weekly volume: is it the right file?`);
  }
  if (layout.defaults.deriveWeek) said.push(await derivedWeekNote(ctx, name));
  const copies = await copiesDropped(ctx, layout.sumDays ? undefined : rows);
  if (copies > 0) said.push(`${name}: ${copies} exact cop${copies === 1 ? 'y' : 'ies'} of rows dropped`);

  const pieces = await db.rowsOfFile<FilePiece>('staging/finra_weekly_partitions', { page: PAGE_LIMIT });
  const truncated = pieces.filter((piece) => piece.truncated);
  if (truncated.length > 0) {
    log.warn(`${file.path}: ${truncationText(truncated)}`);
  }
  const stored = await db.transaction(async () => {
    const count = await storeStaged(ctx, {
      source: config.DATA_SOURCE === 'sample' ? 'sample' : name,
      nowShown: false,
      whole: pieces
        .filter((piece) => !piece.truncated)
        .map(({ week_start: week, tier, summary_type: cut }) => ({ week, tier, cut })),
    });
    for (const piece of pieces) await logPiece(ctx, piece, name, sha256);
    await rememberFile(db, setting, file, sha256, {
      rows,
      firstDate: pieces[0]?.week_start ?? null,
      lastDate: pieces.at(-1)?.week_start ?? null,
    });
    return count;
  });
  notes.push(...said);
  return stored;
}

async function checkRows(ctx: Context, file: SourceFile, layout: Layout): Promise<void> {
  const problem = await typeRows(ctx.db, layout.defaults);
  if (problem !== undefined) {
    const column = layout.columns[problem.field as Field] ?? layout.columns.tier_description ?? problem.field;
    const value = problem.value === null ? 'nothing' : JSON.stringify(problem.value);
    throw new DataError(
      `${file.path}, row ${problem.row_number} (header not counted): ${column} is ${value}, where ${problem.expected} should be. Nothing of this file is stored.`,
    );
  }
  const conflict = await firstConflict(ctx.db, layout.sumDays);
  if (conflict !== undefined) {
    const { first_row, second_row, raw_symbol, mpid, week_start, tier, summary_type } = conflict;
    throw new DataError(
      `${file.path}, rows ${first_row} and ${second_row} (header not counted) give different values for ${raw_symbol}${mpid === null ? '' : ` at ${mpid}`} (week ${week_start}, ${tier}, ${summary_type}). Keep the right one; nothing of this file is stored.`,
    );
  }
}

async function copiesDropped(ctx: Context, distinct: number | undefined): Promise<number> {
  const counted = await ctx.db.row<{ n: number; different: number }>(
    `select count(*)::integer as n,
       count(distinct (day, tier, summary_type, raw_symbol, issue_name, mpid, firm_crd, product_type))::integer as different
     from finra_weekly_typed where used`,
  );
  return (counted?.n ?? 0) - (distinct ?? counted?.different ?? 0);
}

async function derivedWeekNote(ctx: Context, name: string): Promise<string> {
  const weeks = await ctx.db.rows<{ tier: string; week: string }>(
    'select distinct tier, week_start::varchar as week from finra_weekly_staged order by tier',
  );
  const list = weeks.map(({ tier, week }) => `${week} (${tier})`).join(', ');
  return `${name}: rows do not say their week; derived from the publication date: ${list}`;
}

function truncationText(pieces: readonly FilePiece[]): string {
  const list = pieces.map((piece) => `${piece.week_start} ${piece.tier} ${piece.summary_type}`).join(', ');
  return `exactly a multiple of ${PAGE_LIMIT} rows, where FINRA's service cuts an answer: ${list} does not count as whole. Fetch it again, page by page.`;
}

async function logPiece(ctx: Context, piece: FilePiece, name: string, sha256: string): Promise<void> {
  const { db, clock } = ctx;
  const key = {
    source: WEEKLY_SOURCE,
    period: piece.week_start,
    subject: `${piece.tier} ${piece.summary_type}`,
  };
  if (piece.truncated) {
    const known = await db.row(
      `select 1 from ingest_log
       where source = $source and period = $period and symbol_or_tier = $subject and status = 'ok'`,
      key,
    );
    // What was read whole before stays whole, whatever part of it comes now.
    if (known !== undefined) return;
  }
  const few = piece.symbols < FEW_SYMBOLS && ctx.config.DATA_SOURCE !== 'sample';
  await logIngest(db, {
    ...key,
    status: piece.truncated ? 'error' : 'ok',
    rows: piece.rows,
    sha256,
    fetchedAt: sqlTime(clock.now()),
    message: piece.truncated
      ? `${name} is cut at a multiple of ${PAGE_LIMIT} rows: not whole`
      : few
        ? `${name} holds ${piece.symbols} symbol${piece.symbols === 1 ? '' : 's'}: what the file holds, not the tier`
        : null,
  });
}

/** A truncated week stays a gap, run after run, until it comes whole. */
async function truncatedGaps(ctx: Context, setting: string, files: readonly SourceFile[]): Promise<Gap[]> {
  const rows = await ctx.db.rows<{ period: string; tier: string; message: string }>(
    `select period, split_part(symbol_or_tier, ' ', 1) as tier, min(message) as message
     from ingest_log
     where source = $source and status = 'error'
       and sha256 in (select sha256 from source_files where setting = $setting and path in (select unnest($paths::varchar[])))
     group by all order by all`,
    { source: WEEKLY_SOURCE, setting, paths: files.map((file) => file.path) },
  );
  return rows.map(({ period, tier, message }) => ({
    source: WEEKLY_SOURCE,
    period,
    subject: tier,
    reason: message,
  }));
}
