import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context, FetchResult, Gap } from '../context.js';
import { literal } from '../db.js';
import { DataError, messageOf, VendorError } from '../errors.js';
import { ingestState, logIngest, sqlTime } from '../ingest_log.js';
import { addDays, type Session, sessionsBack } from '../market_calendar.js';
import { firstLine, listFiles, openTable, sha256Of } from '../tabular_file.js';
import { takeApart } from './page.js';
import type { PolygonClient } from './polygon_client.js';
import { NotInPlanError } from './polygon_service.js';
import { marketDateSql, timestampNs } from './staged_columns.js';
import { tapeDueAt } from './tick_service.js';

/** Sessions of bars before the first day asked for: what scores over 20 and 60 sessions look back on. */
const BARS_BEFORE = 80;

const ALIASES: Record<string, readonly string[]> = {
  symbol: ['symbol', 'ticker'],
  date: ['date', 'day'],
  time: ['window_start', 't', 'timestamp'],
  adjusted: ['adjusted'],
  open: ['open', 'o'],
  high: ['high', 'h'],
  low: ['low', 'l'],
  close: ['close', 'c'],
  volume: ['volume', 'v'],
  vwap: ['vwap', 'vw'],
  trades: ['trades', 'transactions', 'n'],
};

/**
 * Daily bars from `POLYGON_BARS_FILE`. Bars that say nothing of adjustment are taken as raw, as flat files' are.
 * @throws DataError naming file and column.
 */
export async function fetchBarFiles(
  ctx: Context,
  what: { tickers: readonly string[]; sessions: readonly Session[] },
): Promise<FetchResult> {
  const { config, db } = ctx;
  const files = await listFiles('POLYGON_BARS_FILE', config.POLYGON_BARS_FILE ?? '');
  const state = await ingestState(db, 'polygon_bars_daily');
  let stored = 0;
  for (const file of files) {
    const name = path.basename(file.path);
    const who = config.allTickers
      ? '*'
      : `${[...what.tickers].sort().join(',')} ${config.INDEX_MEMBERS_FILE ?? ''}`;
    const fingerprint = `${await sha256Of(file.path)} ${who}`;
    if (state.get(`${name} file`)?.sha256 === fingerprint) continue;
    const { relation, columns } = await openTable(db, file.path);
    const column = (role: string) => {
      for (const alias of ALIASES[role] ?? []) {
        const found = columns.find((candidate) => candidate.name.toLowerCase() === alias);
        if (found !== undefined) return { ...found, sql: `"${found.name}"` };
      }
      return undefined;
    };
    const need = (role: string) => {
      const found = column(role);
      if (found === undefined) {
        throw new DataError(
          `${file.path} has no ${role} column: it should be called ${(ALIASES[role] ?? []).join(' or ')}; its columns are ${columns.map((c) => c.name).join(', ')}.`,
        );
      }
      return found;
    };
    const number = (found: { sql: string } | undefined) =>
      found === undefined ? 'null::double' : `cast(nullif(trim(${found.sql}::varchar), '') as double)`;
    const date = column('date');
    const time = date === undefined ? need('time') : undefined;
    const last = what.sessions[what.sessions.length - 1];
    const dates =
      time === undefined || last === undefined
        ? `cast(${(date ?? need('date')).sql} as date)`
        : marketDateSql(timestampNs(time), sessionsBack(last.date, 2000));
    const adjusted = column('adjusted');
    const wanted = config.allTickers
      ? 'true'
      : `(trim(${need('symbol').sql}) in (${what.tickers.map(literal).join(', ') || "''"}) or trim(${need('symbol').sql}) in (select symbol from index_members))`;
    try {
      stored += await db.transaction(async () => {
        await db.run(`create or replace temp table staged_bars as
          select trim(${need('symbol').sql}) as symbol, ${dates} as date,
            ${adjusted === undefined ? 'false' : `cast(${adjusted.sql} as boolean)`} as adjusted,
            ${number(need('open'))} as open, ${number(need('high'))} as high, ${number(need('low'))} as low,
            ${number(need('close'))} as close, ${number(need('volume'))} as volume,
            ${number(column('vwap'))} as vwap, ${number(column('trades'))} as trades,
            ${literal(config.DATA_SOURCE === 'sample' ? 'sample' : name)} as source
          from ${relation} where ${wanted}`);
        await checkBars(ctx, file.path);
        await db.runFile('staging/polygon_store_bars');
        const row = await db.row<{ n: number }>('select count(*)::double as n from changed_bars');
        await logIngest(db, {
          source: 'polygon_bars_daily',
          period: name,
          subject: 'file',
          status: 'ok',
          rows: row?.n ?? 0,
          sha256: fingerprint,
          fetchedAt: sqlTime(ctx.clock.now()),
          message: null,
        });
        return row?.n ?? 0;
      });
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(
        `${file.path} cannot be read: ${firstLine(error)}. Nothing of this file was stored.`,
        {
          cause: error,
        },
      );
    }
  }
  return { stored: { polygon_bars_daily: stored }, gaps: [], notes: [] };
}

async function checkBars(ctx: Context, where: string): Promise<void> {
  const bad = await ctx.db.row<{ symbol: string; date: string }>(
    `select symbol, date::varchar as date from staged_bars
     where date is null or open is null or not (low > 0 and high >= low and close > 0) or volume is null or volume < 0
     order by symbol, date limit 1`,
  );
  if (bad !== undefined) {
    throw new DataError(
      `${where}: the bar of ${bad.symbol} on ${bad.date} cannot be right (prices above 0, high not below low, volume not negative). Nothing of it was stored.`,
    );
  }
}

/**
 * Daily bars from the service, raw and adjusted, of the sessions asked for and 80 before, for tickers that lack one.
 * Where stored adjusted bars no longer agree (a split since), the symbol's whole adjusted history is asked anew.
 */
export async function fetchBarService(
  ctx: Context,
  client: PolygonClient,
  what: { tickers: readonly string[]; sessions: readonly Session[] },
): Promise<FetchResult> {
  const { db } = ctx;
  // A bar grows until the tape closes; one asked for earlier would stay too small for ever.
  const last = what.sessions.filter((session) => tapeDueAt(session) <= ctx.clock.now()).at(-1);
  if (last === undefined) return { stored: {}, gaps: [], notes: [] };
  const sessions = sessionsBack(last.date, what.sessions.length + BARS_BEFORE);
  const from = sessions[0]?.date ?? last.date;
  const missing = await db.rows<{ symbol: string }>(
    `select symbol from (select unnest($tickers) as symbol) t
     where (select count(*) from polygon_bars_daily b where b.symbol = t.symbol and b.date = $last::date) < 2`,
    { tickers: what.tickers, last: last.date },
  );
  const gaps: Gap[] = [];
  const notes: string[] = [];
  let stored = 0;
  const progress = ctx.log.progress('fetching daily bars', missing.length);
  try {
    for (const { symbol } of missing) {
      try {
        stored += await fetchSymbol(ctx, client, symbol, from, last.date, sessions);
      } catch (error) {
        if (error instanceof NotInPlanError) {
          notes.push(
            'The plan has no daily bars: price, market-wide volume without trades and scores stay unknown.',
          );
          break;
        }
        const refused = error instanceof VendorError && error.status === 401;
        if (refused || !(error instanceof VendorError || error instanceof DataError)) throw error;
        gaps.push({
          source: 'polygon_bars_daily',
          period: last.date,
          subject: symbol,
          reason: messageOf(error),
        });
      }
      progress.advance();
    }
  } finally {
    progress.done();
  }
  return { stored: { polygon_bars_daily: stored }, gaps, notes };
}

async function fetchSymbol(
  ctx: Context,
  client: PolygonClient,
  symbol: string,
  from: string,
  to: string,
  sessions: readonly Session[],
): Promise<number> {
  const { db } = ctx;
  const file = path.join(db.paths.staging, 'bars.json');
  const stage = async (first: string) => {
    await db.run('create or replace temp table staged_bars as select * from polygon_bars_daily limit 0');
    for (const adjusted of [false, true]) {
      const { rows } = takeApart(Buffer.from(await client.dailyBars(symbol, first, to, adjusted)));
      if (rows === undefined) continue;
      await writeFile(file, rows);
      const insert = db.run(
        `insert into staged_bars
         select $symbol, ${marketDateSql('(t * 1000000)', sessionsBack(to, sessions.length + 2000))}, $adjusted, o, h, l, c, v, vw, n, 'api'
         from read_json(${literal(file)}, format = 'array', columns = {t: 'BIGINT', o: 'DOUBLE', h: 'DOUBLE',
           l: 'DOUBLE', c: 'DOUBLE', v: 'DOUBLE', vw: 'DOUBLE', n: 'DOUBLE'})`,
        { symbol, adjusted },
      );
      await insert.catch((error: unknown) => {
        throw new VendorError(
          `Polygon's daily bars of ${symbol} cannot be read: ${firstLine(error)}. Nothing of them was stored.`,
          { cause: error },
        );
      });
      await rm(file);
    }
    await db.run('delete from staged_bars where date > $to::date', { to });
    await checkBars(ctx, `Polygon's daily bars`);
  };
  await stage(from);
  const rebased = await db.row<{ first: string }>(
    `select min(b.date)::varchar as first from polygon_bars_daily b
     where b.symbol = $symbol and b.adjusted and exists (
       select 1 from staged_bars s join polygon_bars_daily o using (symbol, date, adjusted)
       where adjusted and abs(o.close - s.close) > 0.001 * s.close)
     having min(b.date) is not null`,
    { symbol },
  );
  if (rebased !== undefined && rebased.first < from) await stage(addDays(rebased.first, 0));
  return db.transaction(async () => {
    await db.runFile('staging/polygon_store_bars');
    const row = await db.row<{ n: number }>('select count(*)::double as n from changed_bars');
    return row?.n ?? 0;
  });
}
