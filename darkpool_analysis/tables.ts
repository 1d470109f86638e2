/**
 * The tables step: one CSV a day (or week) and summary in `output/tables/`, for those who do not open DuckDB. Plain
 * CSV with a header and every column; NULL is empty. What must be said about the numbers stands in README.txt beside
 * them, so that the files stay readable by any program.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from './context.js';
import { literal, type Sql } from './db.js';
import { disclaimerFor, SIMULATED } from './disclaimer.js';

/** The tables written, by the column whose value names the file, in the order of their keys. */
const TABLES = [
  { table: 'darkpool_daily_summary', by: 'date', period: 'dates', order: 'symbol' },
  { table: 'lit_direction_daily', by: 'date', period: 'dates', order: 'symbol, inference_version' },
  { table: 'darkpool_weekly_summary', by: 'week_start', period: 'weeks', order: 'symbol' },
] as const;
type Table = (typeof TABLES)[number];

export interface TablesResult {
  /** Absolute paths of the files written. */
  readonly written: string[];
  /** Files that were already right. */
  readonly unchanged: number;
}

/** Where the table of a day, or of the week of a Monday, is. */
export function tableFile(outputDir: string, table: Table['table'], period: string): string {
  return path.join(outputDir, 'tables', `${table}_${period.replaceAll('-', '')}.csv`);
}

/**
 * Writes the tables of these days and weeks (Mondays), ISO dates. A period without rows gets no file, and one left from
 * earlier rows is removed. A file that would not change is not touched; the others appear by rename.
 */
export async function writeTables(
  ctx: Context,
  range: { dates: readonly string[]; weeks: readonly string[] },
): Promise<TablesResult> {
  const { db, config } = ctx;
  const written: string[] = [];
  let unchanged = 0;
  const folder = path.join(config.OUTPUT_DIR, 'tables');
  await mkdir(folder, { recursive: true });
  const put = async (file: string, make: (temporary: string) => Promise<void>) => {
    if (await replaceWhenDifferent(file, make)) written.push(file);
    else unchanged += 1;
  };
  for (const table of TABLES) {
    const wanted = [...new Set(range[table.period])].sort();
    const present = await periodsWithRows(db, table, wanted);
    for (const period of wanted) {
      const file = tableFile(config.OUTPUT_DIR, table.table, period);
      if (present.has(period)) await put(file, (temporary) => copyRows(db, table, period, temporary));
      else await rm(file, { force: true });
    }
  }
  const readme = await readmeText(db);
  await put(path.join(folder, 'README.txt'), (temporary) => writeFile(temporary, readme));
  return { written, unchanged };
}

async function periodsWithRows(
  db: Sql,
  { table, by }: Table,
  periods: readonly string[],
): Promise<Set<string>> {
  const rows = await db.rows<{ period: string }>(
    `select distinct strftime("${by}", '%Y-%m-%d') as period from ${table}
     where "${by}" in (select unnest($periods::varchar[])::date)`,
    { periods },
  );
  return new Set(rows.map(({ period }) => period));
}

async function copyRows(db: Sql, { table, by, order }: Table, period: string, file: string): Promise<void> {
  await db.run(
    `copy (select * from ${table} where "${by}" = ${literal(period)}::date order by ${order})
     to ${literal(file)} (format csv, header true)`,
  );
}

/** True when the file was written; false when it already was what `make` makes. */
async function replaceWhenDifferent(
  file: string,
  make: (temporary: string) => Promise<void>,
): Promise<boolean> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    await make(temporary);
    if (existsSync(file) && (await readFile(file)).equals(await readFile(temporary))) return false;
    await rename(temporary, file);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readmeText(db: Sql): Promise<string> {
  const origin = await db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
  const versions = await db.rows<{ version: string | null }>(
    TABLES.map(({ table }) => `select inference_version as version from ${table}`).join(' union '),
  );
  const sample = origin?.value === 'sample';
  return [
    'Tables of darkpool_analysis',
    ...(sample ? ['', `All of it is ${SIMULATED}: no real market, no real trade.`] : []),
    '',
    disclaimerFor(versions.map(({ version }) => version)),
    '',
    'darkpool_daily_summary_YYYYMMDD.csv    one row per ticker: the day',
    'lit_direction_daily_YYYYMMDD.csv       one row per ticker and rule: the lit trades behind the ratio',
    'darkpool_weekly_summary_YYYYMMDD.csv   one row per symbol: the week of that Monday, as FINRA published it',
    '',
    'CSV, UTF-8, first line the names of the columns; an empty field is unknown (NULL), not zero. What each column',
    'means and its unit: the comments in the DuckDB file, or README.md of the program.',
    '',
  ].join('\n');
}
