import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../context.js';
import { literal, type Sql } from '../db.js';
import { VendorError } from '../errors.js';
import type { Session } from '../market_calendar.js';
import { firstLine } from '../tabular_file.js';
import type { Page } from './page.js';
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

interface Progress {
  /** Pages staged so far. */
  readonly pages: number;
  /** Where the next page is; null when all are here. */
  readonly next: string | null;
}

/**
 * Fetches a symbol's day page by page into staged Parquet files. While DuckDB reads a page, the next one is on its
 * way. What is staged survives an interruption: the next run goes on from the last page.
 * @returns the staged files, in order.
 * @throws NotInPlanError when the plan lacks the kind; VendorError when the vendor answers what cannot be right.
 */
export async function stageTickPages(
  ctx: Context,
  service: PolygonService,
  sql: Sql,
  unit: { kind: TickKind; symbol: string; session: Session; folder: string },
): Promise<string[]> {
  const { kind, symbol, session } = unit;
  const folder = path.join(unit.folder, kind);
  await mkdir(folder, { recursive: true });
  const fileOf = (page: number) => path.join(folder, `${String(page).padStart(5, '0')}.parquet`);
  const start = service.address(`/v3/${kind}/${encodeURIComponent(symbol)}`, {
    'timestamp.gte': String(session.dayStartNs),
    'timestamp.lt': String(session.dayEndNs),
    order: 'asc',
    sort: 'timestamp',
    limit: PAGE_ROWS,
  });
  let done = await readProgress(folder);
  const seen = new Set<string>();
  let url: string | null = done === undefined ? start : done.next;
  let pages = done?.pages ?? 0;
  let staging: Promise<void> = Promise.resolve();
  let staged = pages;
  while (url !== null) {
    if (seen.has(url) || pages > MOST_PAGES) {
      await staging;
      await rm(folder, { recursive: true, force: true });
      throw new VendorError(
        `Polygon's pages of ${symbol} ${kind} on ${session.date} run in a circle (page ${pages + 1} points back): the day is not stored. Run again later.`,
        { method: 'GET', url },
      );
    }
    seen.add(url);
    let page: Page;
    try {
      page = await service.get(url);
    } catch (error) {
      await staging;
      if (
        done !== undefined &&
        seen.size === 1 &&
        error instanceof VendorError &&
        (error.status ?? 0) < 500
      ) {
        // A cursor kept from an interrupted run may have expired: begin the day again.
        await rm(folder, { recursive: true, force: true });
        return stageTickPages(ctx, service, sql, unit);
      }
      throw error;
    }
    await staging;
    const next: string | null =
      page.envelope.nextUrl === undefined ? null : service.address(page.envelope.nextUrl);
    if (page.rows === undefined && next !== null) {
      await rm(folder, { recursive: true, force: true });
      throw new VendorError(
        `Polygon answers an empty page with a further one behind it (${symbol} ${kind} on ${session.date}, page ${pages + 1}): the day is not stored. Run again later.`,
        { method: 'GET', url },
      );
    }
    pages += 1;
    const number = pages;
    const rows = page.rows;
    staging = (async () => {
      if (rows !== undefined) await stagePage(ctx, sql, unit, rows, fileOf(number));
      else await writeFile(`${fileOf(number)}.empty`, '');
      await writeProgress(folder, { pages: number, next });
      staged = number;
    })();
    // Awaited before the next page is staged; a failure in between must not count as unhandled.
    staging.catch(() => {});
    url = next;
  }
  await staging;
  done = await readProgress(folder);
  const files: string[] = [];
  for (let number = 1; number <= staged; number++) {
    const empty = await readFile(`${fileOf(number)}.empty`).catch(() => undefined);
    if (empty === undefined) files.push(fileOf(number));
  }
  return files;
}

/** One page from JSON to Parquet, checked: rows inside the day, prices above 0, sizes not below 0. */
async function stagePage(
  ctx: Context,
  sql: Sql,
  unit: { kind: TickKind; symbol: string; session: Session },
  rows: Buffer,
  target: string,
): Promise<void> {
  const { kind, symbol, session } = unit;
  const page = `${target}.json`;
  await writeFile(page, rows);
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
    kind === 'trades' ? 'price_e6 is null or price_e6 <= 0 or shares_e6 is null or shares_e6 < 0 or' : '';
  const bad = await sql.row<{ at: string | null }>(
    `select make_timestamp_ns(sip_ns)::varchar as at from read_parquet(${literal(temporary)})
     where ${wrong} sip_ns is null or sip_ns < ${session.dayStartNs} or sip_ns >= ${session.dayEndNs} limit 1`,
  );
  if (bad !== undefined) {
    throw new VendorError(
      `Polygon's page of ${where} holds a row that cannot be right (at ${bad.at ?? 'no time'} UTC: outside the day asked for, or a price not above 0, or a negative size). The day is not stored.`,
    );
  }
  await rename(temporary, target);
  await rm(page);
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
