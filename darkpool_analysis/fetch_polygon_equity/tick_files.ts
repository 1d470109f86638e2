import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Context, FetchResult } from '../context.js';
import { literal, type Sql } from '../db.js';
import { DataError } from '../errors.js';
import { ingestState } from '../ingest_log.js';
import type { Session } from '../market_calendar.js';
import { sessionOn } from '../market_calendar.js';
import { firstLine, listFiles, openTable, removeArrays, type SourceFile, sha256Of } from '../tabular_file.js';
import {
  ColumnRoles,
  conditionList,
  dateInName,
  hasNoZone,
  marketDateSql,
  millionths,
  quotesSelect,
  spanNs,
  timestampNs,
  tradesSelect,
} from './staged_columns.js';
import { storeDay } from './store_day.js';

type Setting = 'POLYGON_TRADES_FILE' | 'POLYGON_QUOTES_FILE';

interface KnownFile extends SourceFile {
  readonly setting: Setting;
  readonly sha256: string;
  readonly firstDate: string;
  readonly lastDate: string;
}

/** `ALL` is one unit a day; its state in `ingest_log` stands under this name. */
export const ALL_SYMBOLS = '*';

/**
 * Trades and quotes from files, for every day of `sessions` that the files hold and that is not yet stored from
 * exactly these files and settings. Files that nothing is needed of are not even opened.
 * @throws DataError naming file, row, column and value; what was stored before stays whole.
 */
export async function fetchTickFiles(
  ctx: Context,
  what: { sessions: readonly Session[]; tickers: readonly string[] },
): Promise<FetchResult> {
  const { config, db } = ctx;
  const notes: string[] = [];
  const trades = await knownFiles(ctx, 'POLYGON_TRADES_FILE', notes);
  const quotes = config.POLYGON_QUOTES === 'off' ? [] : await knownFiles(ctx, 'POLYGON_QUOTES_FILE', notes);
  const state = await ingestState(db, 'polygon_trades');
  const settings = `clock=${config.MATCH_CLOCK} lag=${config.QUOTE_LAG_NS}`;

  const needed: { session: Session; symbols: readonly string[]; fingerprint: string }[] = [];
  for (const session of what.sessions) {
    const covers = (file: KnownFile) => file.firstDate <= session.date && session.date <= file.lastDate;
    const tradesHere = trades.filter(covers);
    if (tradesHere.length === 0) continue;
    const fingerprint = createHash('sha256')
      .update(
        [
          ...tradesHere.map((file) => file.sha256),
          '|',
          ...quotes.filter(covers).map((file) => file.sha256),
          settings,
        ]
          .sort()
          .join(' '),
      )
      .digest('hex');
    const units = config.allTickers ? [ALL_SYMBOLS] : what.tickers;
    const missing = units.filter((symbol) => state.get(`${session.date} ${symbol}`)?.sha256 !== fingerprint);
    if (missing.length > 0) needed.push({ session, symbols: missing, fingerprint });
  }
  if (needed.length === 0) return { stored: {}, gaps: [], notes };

  const sessions = needed.map(({ session }) => session);
  const symbols = [...new Set(needed.flatMap((day) => day.symbols))];
  const folder = path.join(db.paths.staging, 'files');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const wanted = (file: KnownFile) =>
    sessions.some(({ date }) => file.firstDate <= date && date <= file.lastDate);
  const progress = ctx.log.progress('reading trade files', trades.filter(wanted).length + needed.length);
  try {
    // The one ticker asked for, not the one missing: a file without symbols is of that ticker alone.
    const loneSymbol = !config.allTickers && what.tickers.length === 1 ? what.tickers[0] : undefined;
    const request = { sessions, symbols, loneSymbol, folder };
    const tradeFiles: string[] = [];
    const quoteFiles: string[] = [];
    for (const file of trades.filter(wanted)) {
      tradeFiles.push(await stageFile(ctx, db, file, request));
      progress.advance();
    }
    for (const file of quotes.filter(wanted)) quoteFiles.push(await stageFile(ctx, db, file, request));
    let rows = 0;
    for (const { session, symbols: missing, fingerprint } of needed) {
      const stored = await storeDay(ctx, db, {
        date: session.date,
        ...(config.allTickers
          ? { symbols: await symbolsOn(db, tradeFiles, session.date), logAs: ALL_SYMBOLS }
          : { symbols: missing }),
        tradeFiles,
        quoteFiles,
        fingerprint,
        withoutQuotes:
          quoteFiles.length > 0 ? 'the quotes files hold none of this day' : 'no quotes file holds this day',
      });
      for (const count of stored.values()) rows += count;
      progress.advance();
    }
    return { stored: { polygon_trades: rows }, gaps: [], notes };
  } finally {
    progress.done();
    await rm(folder, { recursive: true, force: true });
    await removeArrays(db);
  }
}

/** The symbols of a day's files, and those stored of it: a symbol that a changed file no longer has must go. */
async function symbolsOn(sql: Sql, tradeFiles: readonly string[], date: string): Promise<string[]> {
  const rows = await sql.rows<{ symbol: string }>(
    `select symbol from read_parquet([${tradeFiles.map(literal).join(', ')}]) where date = $date::date
     union
     select symbol from polygon_trades where date = $date::date
     order by symbol`,
    { date },
  );
  return rows.map(({ symbol }) => symbol);
}

/** The files of a setting with their fingerprints and the days they hold; new ones are looked into once. */
async function knownFiles(ctx: Context, setting: Setting, notes: string[]): Promise<KnownFile[]> {
  const { config, db } = ctx;
  const value = config[setting];
  if (value === undefined) return [];
  const files = await listFiles(setting, value);
  const before = new Map(
    (
      await db.rows<{
        path: string;
        bytes: string;
        modified_ns: string;
        sha256: string;
        first: string;
        last: string;
      }>(
        `select path, bytes, modified_ns, sha256, first_date::varchar as first, last_date::varchar as last
         from source_files where setting = $setting`,
        { setting },
      )
    ).map((row) => [row.path, row]),
  );
  const known: KnownFile[] = [];
  for (const file of files) {
    const row = before.get(file.path);
    if (
      row !== undefined &&
      row.bytes === String(file.bytes) &&
      row.modified_ns === String(file.modifiedNs)
    ) {
      known.push({ ...file, setting, sha256: row.sha256, firstDate: row.first, lastDate: row.last });
      continue;
    }
    const sha256 = await sha256Of(file.path);
    const { first, last, rows } = await daysIn(ctx, file.path, notes);
    await db.run(
      `delete from source_files where setting = $setting and path = $path;
       insert into source_files values ($setting, $path, $bytes, $modified, $sha256, $first::date, $last::date, $rows)`,
      {
        setting,
        path: file.path,
        bytes: BigInt(file.bytes),
        modified: file.modifiedNs,
        sha256,
        first,
        last,
        rows,
      },
    );
    known.push({ ...file, setting, sha256, firstDate: first, lastDate: last });
  }
  return known;
}

/** The first and last day of a file: from its name when that carries a date, as flat files' do, else from its rows. */
async function daysIn(
  ctx: Context,
  file: string,
  notes: string[],
): Promise<{ first: string; last: string; rows: number | null }> {
  const table = await openTable(ctx.db, file);
  const roles = new ColumnRoles(file, table.columns);
  const sip = roles.need('sip', 'timestamp');
  const ns = timestampNs(sip);
  const empty = () => new DataError(`${file} holds no rows: a header alone says nothing about any day.`);
  const named = dateInName(path.basename(file));
  if (named !== undefined) {
    const any = await ctx.db.row(`select 1 from ${table.relation} limit 1`).catch(() => true);
    if (any === undefined) throw empty();
    return { first: named, last: named, rows: null };
  }
  const noZone = sip.type === 'VARCHAR' ? hasNoZone(sip.sql) : 'false';
  let row:
    | { first: string | null; last: string | null; n: number; timeless: number; zoneless: boolean }
    | undefined;
  let timeless: { n: string } | undefined;
  try {
    row = await ctx.db.row(
      `select strftime(make_timestamp_ns(min(ns)) at time zone 'UTC' at time zone $zone, '%Y-%m-%d') as first,
              strftime(make_timestamp_ns(max(ns)) at time zone 'UTC' at time zone $zone, '%Y-%m-%d') as last,
              count(*)::double as n, count(*) filter (ns is null)::double as timeless,
              coalesce(bool_or(zoneless), false) as zoneless
       from (select ${ns} as ns, ${noZone} as zoneless from ${table.relation})`,
      { zone: ctx.config.MARKET_TZ },
    );
    if (row !== undefined && row.timeless > 0) {
      timeless = await ctx.db.row(
        `select n from (select ${ns} as ns, row_number() over () as n from ${table.relation}) where ns is null limit 1`,
      );
    }
  } catch (error) {
    throw await badRow(
      ctx.db,
      file,
      table.relation,
      [[sip.name, ns, 'a time: ns, µs, ms or s since 1970, or ISO']],
      error,
    );
  }
  if (row === undefined || row.n === 0) throw empty();
  if (timeless !== undefined || row.first === null || row.last === null) {
    throw new DataError(
      `${file}, row ${timeless?.n ?? 1}: ${sip.name} is empty, where a time should stand. Nothing of this file was stored.`,
    );
  }
  if (row.zoneless) {
    notes.push(`${path.basename(file)}: times written without a zone are read as UTC`);
  }
  return { first: row.first, last: row.last, rows: row.n };
}

/** Stages the wanted days and symbols of a file as Parquet in one pass. */
async function stageFile(
  ctx: Context,
  sql: Sql,
  file: KnownFile,
  request: {
    sessions: readonly Session[];
    symbols: readonly string[];
    loneSymbol: string | undefined;
    folder: string;
  },
): Promise<string> {
  const kind = file.setting === 'POLYGON_TRADES_FILE' ? 'trades' : 'quotes';
  const target = path.join(
    request.folder,
    `${kind}-${createHash('sha256').update(file.path).digest('hex').slice(0, 16)}.parquet`,
  );
  const { relation, columns } = await openTable(sql, file.path);
  const roles = new ColumnRoles(file.path, columns);
  const all = request.symbols.includes(ALL_SYMBOLS);
  const { loneSymbol } = request;
  const options = {
    date: (sipSql: string) => marketDateSql(sipSql, request.sessions),
    clock: ctx.config.MATCH_CLOCK,
    loneSymbol,
    literal,
  };
  const shape = kind === 'trades' ? tradesSelect(roles, options) : quotesSelect(roles, options);
  if (!shape.hasSymbol && loneSymbol === undefined) {
    throw new DataError(
      `${file.path} has no symbol column (ticker or symbol): with such a file TICKERS must name exactly one symbol.`,
    );
  }
  const { startNs, endNs } = spanNs(request.sessions);
  const sip = roles.need('sip', 'timestamp');
  const symbol = roles.find('symbol');
  const inSymbols =
    all || symbol === undefined
      ? 'true'
      : `trim(${symbol.sql}) in (${request.symbols.map(literal).join(', ')})`;
  const dates = request.sessions.map(({ date }) => `date ${literal(date)}`).join(', ');
  // A file named by its day must hold that day alone, so its rows are all staged and checked.
  const named = dateInName(path.basename(file.path));
  const inDays =
    named === undefined ? `sip_ns >= ${startNs} and sip_ns < ${endNs} and date in (${dates})` : 'true';
  // Without sequence numbers the order of the file tells rows of one instant apart, and nothing else does.
  const select = `select * from (select ${shape.select}, ${shape.hasSequence ? '0' : 'row_number() over ()'} as file_row
      from ${relation} where ${inSymbols}) where ${inDays}`;
  const position = 'row_number() over (partition by symbol, sip_ns order by file_row) as sequence_number';
  const staged = `select * exclude (file_row, sip_ns) ${shape.hasSequence ? '' : `replace (${position})`}${kind === 'trades' ? ', sip_ns' : ''} from (${select})`;
  try {
    await sql.run(`copy (${staged}) to ${literal(target)} (format parquet, compression lz4)`);
  } catch (error) {
    throw await badRow(sql, file.path, relation, checkedColumns(roles, kind, sip), error);
  }
  await checkStaged(sql, file.path, target, kind, named);
  return target;
}

type Check = readonly [column: string, expression: string, wanted: string];

function checkedColumns(
  roles: ColumnRoles,
  kind: 'trades' | 'quotes',
  sip: Parameters<typeof timestampNs>[0],
): Check[] {
  const number = (
    role:
      | 'price'
      | 'size'
      | 'decimalSize'
      | 'bid'
      | 'ask'
      | 'sequence'
      | 'exchange'
      | 'trf'
      | 'correction'
      | 'tape'
      | 'participant',
  ): Check[] => {
    const column = roles.find(role);
    if (column === undefined) return [];
    const text = `nullif(trim(${column.sql}::varchar), '')`;
    const amount = ['price', 'size', 'decimalSize', 'bid', 'ask'].includes(role);
    return amount
      ? [[column.name, millionths(text), 'a number']]
      : [[column.name, `cast(${text} as bigint)`, 'a whole number']];
  };
  const conditions = roles.find('conditions');
  const list: Check[] =
    conditions === undefined
      ? []
      : [[conditions.name, conditionList(conditions), 'a list of whole numbers, like 12,37']];
  return [
    [sip.name, timestampNs(sip), 'a time: ns, µs, ms or s since 1970, or ISO'],
    ...(kind === 'trades'
      ? [
          number('price'),
          number('size'),
          number('decimalSize'),
          number('exchange'),
          number('trf'),
          list,
          number('correction'),
          number('tape'),
          number('bid'),
          number('ask'),
        ]
      : [number('bid'), number('ask')]
    ).flat(),
    ...number('participant'),
    ...number('sequence'),
  ];
}

/** What is wrong with a file that could not be read: the first bad value, by row and column, where one is found. */
async function badRow(
  sql: Sql,
  file: string,
  relation: string,
  checks: readonly Check[],
  error: unknown,
): Promise<DataError> {
  for (const [column, expression, wanted] of checks) {
    const bad = await sql
      .row<{ n: string; value: string }>(
        `select n, "${column}"::varchar as value from (select *, row_number() over () as n from ${relation})
         where trim("${column}"::varchar) <> '' and try(${expression}) is null limit 1`,
      )
      .catch(() => undefined);
    if (bad !== undefined) {
      return new DataError(
        `${file}, row ${bad.n}: ${column} is ${JSON.stringify(bad.value.slice(0, 60))}, where ${wanted} should stand. Nothing of this file was stored.`,
        { cause: error },
      );
    }
  }
  return new DataError(`${file} cannot be read: ${firstLine(error)}. Nothing of this file was stored.`, {
    cause: error,
  });
}

/** Prices and sizes that no market has, and rows of another day than the file's name says. */
async function checkStaged(
  sql: Sql,
  file: string,
  staged: string,
  kind: 'trades' | 'quotes',
  named: string | undefined,
): Promise<void> {
  const source = `read_parquet(${literal(staged)})`;
  if (named !== undefined) {
    const other = await sql.row<{ date: string | null; n: number }>(
      `select date::varchar as date, count(*)::double as n from ${source}
       where date is distinct from $named::date group by date order by n desc limit 1`,
      { named },
    );
    if (other !== undefined) {
      throw new DataError(
        `${file} is named for ${named}${sessionOn(named) === undefined ? ' (no session that day)' : ''} but holds ${other.n} rows of ${other.date ?? 'no time at all'}: one file is one day; split or rename it. Nothing of this file was stored.`,
      );
    }
  }
  if (kind === 'quotes') return;
  const bad = await sql.row<{ symbol: string; at: string; price: number | null; size: number | null }>(
    `select symbol, make_timestamp_ns(sip_ns)::varchar as at, price_e6 / 1000000.0 as price, shares_e6 / 1000000.0 as size
     from ${source}
     where not dropped and (price_e6 is null or price_e6 <= 0 or shares_e6 is null or shares_e6 < 0)
       or symbol = '' or symbol is null
     order by sip_ns limit 1`,
  );
  if (bad === undefined) return;
  throw new DataError(
    `${file}: the trade of ${JSON.stringify(bad.symbol)} at ${bad.at} UTC has price ${bad.price ?? 'nothing'} and size ${bad.size ?? 'nothing'}; a price is above 0 and a size not below 0. Nothing of this file was stored.`,
  );
}
