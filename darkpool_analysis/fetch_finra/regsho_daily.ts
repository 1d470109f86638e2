import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Context } from '../context.js';
import { DataError, messageOf } from '../errors.js';
import { logIngest, sqlTime } from '../ingest_log.js';

export const REGSHO_SOURCE = 'finra_regsho_daily';

/** CNMS: consolidated NMS, FORF: OTC equities; the others are CNMS's single facilities and only audit it. */
export const REGSHO_FAMILIES = ['CNMS', 'FORF', 'FNSQ', 'FNYX', 'FNQC', 'FNRA'] as const;
export type RegshoFamily = (typeof REGSHO_FAMILIES)[number];

/** One Reg SHO daily file on disk. */
export interface RegshoFile {
  readonly family: RegshoFamily;
  /** ISO date that the file's name carries. */
  readonly date: string;
  readonly path: string;
  readonly sha256: string;
  /** What its rows say they come from: URL, file name or sample. */
  readonly source: string;
  /** How messages name it. */
  readonly shownAs: string;
}

/** Family and date that a file name carries, undefined for a file that is no Reg SHO daily file. */
export function regshoName(file: string): { family: RegshoFamily; date: string } | undefined {
  const match = /^(CNMS|FORF|FNSQ|FNYX|FNQC|FNRA)shvol(\d{4})(\d{2})(\d{2})(?:\.txt)?(?:\.gz)?$/i.exec(
    path.basename(file),
  );
  if (match === null) return undefined;
  return { family: match[1]?.toUpperCase() as RegshoFamily, date: `${match[2]}-${match[3]}-${match[4]}` };
}

/**
 * Reads a file strictly (header, six columns, its own date, trailer count) and replaces its (date, family) in one
 * transaction with ingest_log; `also` runs in it. Unchanged rows change nothing. The macros of sql/staging/finra_macros
 * must be there. Returns the rows stored anew.
 * @throws DataError naming file and line; nothing of the file is stored then.
 */
export async function storeRegshoFile(
  ctx: Context,
  file: RegshoFile,
  also: (rows: number) => Promise<void> = async () => {},
): Promise<number> {
  const { db } = ctx;
  try {
    await db.runFile('staging/finra_regsho_lines', { file: await plainText(ctx, file.path) });
  } catch (error) {
    throw new DataError(`${file.shownAs} cannot be read as text: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    });
  }
  const problem = (
    await db.rowsOfFile<{ line_number: number; found: string; expected: string }>(
      'staging/finra_regsho_problems',
      { day: file.date.replaceAll('-', '') },
    )
  )[0];
  if (problem !== undefined) {
    throw new DataError(
      `${file.shownAs}, line ${problem.line_number}: ${JSON.stringify(problem.found.slice(0, 120))}, where ${problem.expected} should be. Nothing of it is stored.`,
    );
  }
  const counted = await db.row<{ n: number }>(
    'select count(*)::integer as n from finra_regsho_lines where is_row',
  );
  const rows = counted?.n ?? 0;
  return db.transaction(async () => {
    const stored = await db.runFile('staging/finra_regsho_store', {
      date: file.date,
      family: file.family,
      source: file.source,
    });
    await logIngest(db, {
      source: REGSHO_SOURCE,
      period: file.date,
      subject: file.family,
      status: 'ok',
      rows,
      sha256: file.sha256,
      fetchedAt: sqlTime(ctx.clock.now()),
      message: null,
    });
    await also(rows);
    return stored;
  });
}

/** DuckDB's read_text does not unpack. */
async function plainText(ctx: Context, file: string): Promise<string> {
  if (!file.toLowerCase().endsWith('.gz')) return file;
  const unpacked = path.join(ctx.db.paths.staging, 'finra_regsho.txt');
  await writeFile(unpacked, await promisify(gunzip)(await readFile(file)));
  return unpacked;
}

/** CNMS is the sum of its facilities: a warning where it is not, since FINRA's files are kept as they are. */
export async function auditRegsho(ctx: Context): Promise<string[]> {
  const offending = await ctx.db.rowsOfFile<{ detail: string }>('checks/regsho_cnms_equals_facilities');
  const first = offending[0];
  if (first === undefined) return [];
  return [
    `Reg SHO: CNMS is not the sum of its facilities for ${offending.length} symbol-days, the first ${first.detail}`,
  ];
}
