import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../context.js';
import { literal, type Sql } from '../db.js';
import { VendorError } from '../errors.js';
import type { Session } from '../market_calendar.js';
import { firstLine } from '../tabular_file.js';
import type { PageStager } from './page_stager.js';
import type { PolygonService } from './polygon_service.js';
import { ColumnRoles, quotesSelect, tradesSelect } from './staged_columns.js';

export type TickKind = 'trades' | 'quotes';

/** Fields of the REST answer with the types DuckDB reads them by: stamps never pass through a JavaScript number. */
const FIELDS: Record<TickKind, Record<string, string>> = {
  trades: {
    sip_timestamp: 'BIGINT',
    participant_timestamp: 'BIGINT',
    sequence_number: 'BIGINT',
    id: 'VARCHAR',
    exchange: 'INTEGER',
    trf_id: 'INTEGER',
    conditions: 'INTEGER[]',
    correction: 'INTEGER',
    price: 'DOUBLE',
    size: 'DOUBLE',
    decimal_size: 'DOUBLE',
    tape: 'INTEGER',
  },
  quotes: {
    sip_timestamp: 'BIGINT',
    participant_timestamp: 'BIGINT',
    sequence_number: 'BIGINT',
    bid_price: 'DOUBLE',
    ask_price: 'DOUBLE',
  },
};

/** A day of a very active symbol is 15 pages of trades and 150 of quotes; beyond this a cursor is running in a circle. */
const MOST_PAGES = 5000;
const PAGE_ROWS = '50000';

/** Pages in a row that end at the same instant: 20 full ones would be a million rows of one nanosecond. */
const STUCK_PAGES = 20;
/** Pages of one symbol's day that lie on disk, waiting to be staged, while the next is on its way. */
const WAITING_PAGES = 2;

interface Progress {
  /** Pages staged so far. */
  readonly pages: number;
  /** Where the next page is; null when all are here. */
  readonly next: string | null;
  /** `sip_timestamp` of the last row so far, and how many pages in a row have ended there. */
  readonly lastNs: string | null;
  readonly stuck: number;
}

interface Unit {
  readonly kind: TickKind;
  readonly symbol: string;
  readonly session: Session;
  readonly folder: string;
}

/**
 * Fetches a symbol's day page by page into staged Parquet files. While DuckDB reads a page, the next ones are on
 * their way. What is staged survives an interruption: the next run goes on from the last page.
 * @returns the staged files, in order.
 * @throws NotInPlanError when the plan lacks the kind; VendorError when the vendor answers what cannot be right.
 */
export async function stageTickPages(
  ctx: Context,
  service: PolygonService,
  stager: PageStager,
  unit: Unit,
): Promise<string[]> {
  const { kind, symbol, session } = unit;
  const where = `${symbol} ${kind} on ${session.date}`;
  const folder = path.join(unit.folder, kind);
  await mkdir(folder, { recursive: true });
  const fileOf = (page: number) => path.join(folder, `${String(page).padStart(5, '0')}.parquet`);
  const kept = await readProgress(folder);
  let progress: Progress = kept ?? { pages: 0, next: null, lastNs: null, stuck: 0 };
  let url: string | null =
    kept !== undefined
      ? kept.next
      : service.address(`/v3/${kind}/${encodeURIComponent(symbol)}`, {
          'timestamp.gte': String(session.dayStartNs),
          'timestamp.lt': String(session.dayEndNs),
          order: 'asc',
          sort: 'timestamp',
          limit: PAGE_ROWS,
        });
  const seen = new Set<string>();
  /** One promise a page: staged, and all before it, and the progress written. */
  const staging: Promise<void>[] = [];
  const giveUp = async (error: VendorError) => {
    await Promise.allSettled(staging);
    // What came of these pages is worth nothing: the next run begins the day again.
    await rm(folder, { recursive: true, force: true });
    return error;
  };
  let pages = progress.pages;
  try {
    while (url !== null) {
      if (seen.has(url) || pages > MOST_PAGES || progress.stuck >= STUCK_PAGES) {
        throw await giveUp(
          new VendorError(
            `Polygon's pages of ${where} run in a circle (page ${pages + 1} leads back): the day is not stored. Run again later.`,
            { method: 'GET', url },
          ),
        );
      }
      seen.add(url);
      const page = await service.get(url);
      if (page.envelope.status === 'NOT_FOUND' && pages > 0) {
        // Not the end of the day: a cursor that the vendor no longer knows.
        throw new VendorError(`Polygon does not know page ${pages + 1} of ${where}: the day is not stored.`, {
          method: 'GET',
          url,
          status: 404,
        });
      }
      const next: string | null =
        page.envelope.nextUrl === undefined ? null : service.address(page.envelope.nextUrl);
      if (page.rows === undefined && next !== null) {
        throw await giveUp(
          new VendorError(
            `Polygon answers an empty page with a further one behind it (${where}, page ${pages + 1}): the day is not stored. Run again later.`,
            { method: 'GET', url },
          ),
        );
      }
      pages += 1;
      const number = pages;
      const target = fileOf(number);
      // On disk at once: bodies of 14 MB must not wait in memory.
      if (page.rows !== undefined) await writeFile(`${target}.json`, page.rows);
      const before = staging[staging.length - 1];
      const staged =
        page.rows === undefined ? undefined : stager.run((sql) => stagePage(ctx, sql, unit, target));
      const done = (async () => {
        const [lastNs] = await Promise.all([staged, before]);
        if (lastNs === undefined) await writeFile(`${target}.empty`, '');
        const stuck = lastNs !== undefined && lastNs === progress.lastNs ? progress.stuck + 1 : 0;
        progress = { pages: number, next, lastNs: lastNs ?? progress.lastNs, stuck };
        await writeProgress(folder, progress);
      })();
      // Awaited below; a failure in between must not count as unhandled.
      done.catch(() => {});
      staging.push(done);
      if (staging.length > WAITING_PAGES) await staging[staging.length - 1 - WAITING_PAGES];
      url = next;
    }
    await staging[staging.length - 1];
  } catch (error) {
    // Nothing may go on behind a thrown error: the next run writes the same files.
    await Promise.allSettled(staging);
    const cursorRefused =
      kept !== undefined &&
      seen.size === 1 &&
      error instanceof VendorError &&
      error.status !== undefined &&
      [400, 404, 410, 422].includes(error.status);
    if (!cursorRefused) throw error;
    // A cursor kept from an interrupted run may have expired: begin the day again.
    await rm(folder, { recursive: true, force: true });
    return stageTickPages(ctx, service, stager, unit);
  }
  const files: string[] = [];
  for (let number = 1; number <= progress.pages; number++) {
    if (!existsSync(`${fileOf(number)}.empty`)) files.push(fileOf(number));
  }
  return files;
}

/**
 * One page (`<target>.json`) from JSON to Parquet, checked: rows inside the day, prices above 0, sizes not below 0.
 * @returns `sip_timestamp` of its last row.
 */
async function stagePage(ctx: Context, sql: Sql, unit: Unit, target: string): Promise<string | null> {
  const { kind, symbol, session } = unit;
  const page = `${target}.json`;
  const fields = FIELDS[kind];
  const roles = new ColumnRoles(
    'page',
    Object.entries(fields).map(([name, type]) => ({ name, type })),
  );
  const options = {
    date: () => `date ${literal(session.date)}`,
    clock: ctx.config.MATCH_CLOCK,
    loneSymbol: symbol,
    literal,
  };
  const { select } = kind === 'trades' ? tradesSelect(roles, options) : quotesSelect(roles, options);
  const columns = Object.entries(fields)
    .map(([name, type]) => `${name}: '${type}'`)
    .join(', ');
  const relation = `read_json(${literal(page)}, format = 'array', columns = {${columns}}, maximum_object_size = 2097152)`;
  const temporary = `${target}.tmp`;
  const where = `${symbol} ${kind} on ${session.date}`;
  try {
    await sql.run(
      `copy (select ${select} from ${relation}) to ${literal(temporary)} (format parquet, compression lz4)`,
    );
  } catch (error) {
    throw new VendorError(
      `Polygon's page of ${where} cannot be read: ${firstLine(error)}. The day is not stored.`,
      {
        cause: error,
      },
    );
  }
  const wrong =
    kind === 'trades'
      ? 'not dropped and (price_e6 is null or price_e6 <= 0 or shares_e6 is null or shares_e6 < 0) or'
      : '';
  const check = await sql.row<{ last: string | null; bad: number; at: string | null }>(
    `select max(sip_ns)::varchar as last, count(*) filter (wrong)::integer as bad,
       any_value(coalesce(make_timestamp_ns(sip_ns)::varchar, 'no time')) filter (wrong) as at
     from (select sip_ns, ${wrong} sip_ns is null or sip_ns < ${session.dayStartNs} or sip_ns >= ${session.dayEndNs} as wrong
       from read_parquet(${literal(temporary)}))`,
  );
  if (check === undefined || check.bad > 0) {
    throw new VendorError(
      `Polygon's page of ${where} holds a row that cannot be right (at ${check?.at ?? 'no time'} UTC: outside the day asked for, or a price not above 0, or a negative size). The day is not stored.`,
    );
  }
  await rename(temporary, target);
  await rm(page);
  return check.last;
}

async function readProgress(folder: string): Promise<Progress | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'progress.json'), 'utf8')) as Progress;
  } catch {
    return undefined;
  }
}

async function writeProgress(folder: string, progress: Progress): Promise<void> {
  const file = path.join(folder, 'progress.json');
  await writeFile(`${file}.tmp`, JSON.stringify(progress));
  await rename(`${file}.tmp`, file);
}
