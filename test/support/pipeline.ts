import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { analytics } from '../../darkpool_analysis/analytics.js';
import { loadConfig, type SettingName } from '../../darkpool_analysis/config.js';
import type { Context } from '../../darkpool_analysis/context.js';
import { Database } from '../../darkpool_analysis/db.js';
import { fetchPolygonEquity } from '../../darkpool_analysis/fetch_polygon_equity.js';
import { createHttp } from '../../darkpool_analysis/http.js';
import { inferBuySell } from '../../darkpool_analysis/infer_buy_sell.js';
import { SILENT_LOG } from '../../darkpool_analysis/log.js';
import { type Session, sessionOn, sessionsBetween } from '../../darkpool_analysis/market_calendar.js';

/** The six versions that sign lit trades. */
export const LIT_VERSIONS = [
  'OptionB_v1',
  'Tick_v1',
  'Quote_v1',
  'LeeReady_v1',
  'EMO_v1',
  'CLNV_v1',
] as const;
export type LitVersion = (typeof LIT_VERSIONS)[number];
export type Settings = Partial<Record<SettingName, string>>;

/** An ordinary Monday, 09:30 to 16:00. */
export const DAY = '2025-07-14';

/** A trade made by hand. What is left out is an ordinary trade of 100 shares on Nasdaq (12) at 10:00. */
export interface Trade {
  readonly symbol?: string;
  readonly date?: string;
  /** Publication, New York time of day to the nanosecond. */
  readonly at?: string;
  /** Execution; the publication's time when left out, null for a row without. */
  readonly executed?: string | null;
  readonly price: number;
  readonly size?: number;
  /** 4 and 62 are off exchange. */
  readonly exchange?: number | null;
  readonly conditions?: readonly number[];
  readonly sequence?: number;
  /** The NBBO before it; null or left out: none. */
  readonly bid?: number | null;
  readonly ask?: number | null;
}

/** A quote made by hand. */
export interface Quote {
  readonly symbol?: string;
  readonly date?: string;
  readonly at: string;
  readonly executed?: string;
  readonly sequence?: number;
  readonly bid: number;
  readonly ask: number;
}

/** UTC ns of a New York time of day, `10:00`, `10:00:00` or `10:00:00.000000001`, on a day without a clock change. */
export function ns(date: string, time: string): bigint {
  const [, hours = '', minutes = '', seconds = '0', fraction = ''] =
    /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/.exec(time) ?? [];
  if (hours === '') throw new Error(`no time of day: ${time}`);
  const whole = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return session(date).dayStartNs + whole * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function session(date: string): Session {
  const found = sessionOn(date);
  if (found === undefined) throw new Error(`no session on ${date}`);
  return found;
}

const millionths = (value: number) => Math.round(value * 1e6);

/** A row of `lit_direction_daily`. */
export interface LitRow {
  readonly symbol: string;
  readonly date: string;
  readonly inference_version: LitVersion;
  readonly lit_buy_volume: number;
  readonly lit_sell_volume: number;
  readonly lit_neutral_volume: number;
  readonly lit_buy_ratio: number | null;
  readonly log_buy_sell: number | null;
  readonly classification_method: string;
  readonly lit_trades: number;
  readonly lit_coverage_pct: number;
  readonly lit_buy_ratio_low: number | null;
  readonly lit_buy_ratio_high: number | null;
}

/** A database in a folder of its own with the calendar filled, and a clock that stands still. */
export class PipelineBench {
  readonly folder: string;
  readonly db: Database;
  now = DateTime.fromISO('2026-01-05T07:30', { zone: 'America/New_York' });
  readonly #http = createHttp({});

  private constructor(folder: string, db: Database) {
    this.folder = folder;
    this.db = db;
  }

  static async open(): Promise<PipelineBench> {
    const folder = await mkdtemp(path.join(tmpdir(), 'darkpool-pipeline-'));
    const bench = new PipelineBench(folder, await Database.open({ dataDir: path.join(folder, 'data') }));
    const rows = sessionsBetween('2009-01-01', '2030-12-31').map(
      (s) =>
        `('${s.date}','${s.weekStart}',${s.dayStartNs},${s.dayEndNs},${s.openNs},${s.closeNs},${s.earlyClose})`,
    );
    await bench.db.run(`insert into market_sessions values ${rows.join(',')}`);
    return bench;
  }

  async close(): Promise<void> {
    await this.#http.close();
    this.db.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Empties what the steps store, the calendar aside. */
  async clear(): Promise<void> {
    const tables = await this.db.rows<{ name: string }>(
      `select table_name as name from duckdb_tables()
       where schema_name = 'main' and not temporary and table_name not in ('market_sessions', 'schema_migrations')`,
    );
    await this.db.run(tables.map(({ name }) => `delete from ${name}`).join(';'));
  }

  context(settings: Settings = {}): Context {
    return {
      config: loadConfig({
        flags: { DATA_SOURCE: 'files', INFERENCE_VERSION: LIT_VERSIONS.join(','), ...settings },
        env: {},
        cwd: this.folder,
      }),
      db: this.db,
      http: this.#http,
      log: SILENT_LOG,
      clock: { now: () => this.now },
    };
  }

  /** Stores trades as fetch_polygon_equity leaves them: cleaned, with their NBBO, their day pending. */
  async insert(trades: readonly Trade[]): Promise<void> {
    const rows = trades.map((trade, index) => {
      const date = trade.date ?? DAY;
      const at = trade.at ?? '10:00';
      const executed = trade.executed === undefined ? at : trade.executed;
      return {
        symbol: trade.symbol ?? 'T',
        date,
        sip: String(ns(date, at)),
        participant: executed === null ? null : String(ns(date, executed)),
        sequence: trade.sequence ?? index + 1,
        exchange: trade.exchange === undefined ? 12 : trade.exchange,
        conditions: trade.conditions ?? null,
        price: millionths(trade.price),
        size: millionths(trade.size ?? 100),
        bid: trade.bid == null ? null : millionths(trade.bid),
        ask: trade.ask == null ? null : millionths(trade.ask),
      };
    });
    await this.db.run(
      `create or replace temp table hand_made as
       select unnest(from_json($rows, '[{"symbol":"VARCHAR","date":"DATE","sip":"BIGINT","participant":"BIGINT",
         "sequence":"BIGINT","exchange":"INTEGER","conditions":["INTEGER"],"price":"BIGINT","size":"BIGINT",
         "bid":"BIGINT","ask":"BIGINT"}]'), recursive := true);
       insert into polygon_trades by name
       select symbol, date, make_timestamp_ns(sip) as sip_timestamp,
         make_timestamp_ns(participant) as participant_timestamp, sequence as sequence_number, exchange, conditions,
         price / 1000000.0 as price, size / 1000000.0 as size, bid / 1000000.0 as bid, ask / 1000000.0 as ask
       from hand_made;
       delete from tape_totals_daily t using (select distinct symbol, date from hand_made) h
         where t.symbol = h.symbol and t.date = h.date;
       insert into tape_totals_daily
       select symbol, date, coalesce(sum(size) filter (exchange in (4, 62)), 0), count(*) filter (exchange in (4, 62)),
         sum(size), 'trades'
       from polygon_trades semi join hand_made using (symbol, date) group by symbol, date;
       insert into pending_directions select distinct symbol, date from hand_made except from pending_directions;
       insert into pending_days select distinct symbol, date from hand_made except from pending_days;
       drop table hand_made`,
      { rows: JSON.stringify(rows) },
    );
  }

  /** infer_buy_sell and analytics over everything pending; `rangeRows` as in `inferBuySell`. */
  async infer(settings: Settings = {}, rangeRows?: number): Promise<void> {
    const ctx = this.context(settings);
    await inferBuySell(ctx, rangeRows);
    const days = await this.db.rows<{ symbol: string; date: string }>(
      'select distinct symbol, date::varchar as date from polygon_trades order by all',
    );
    await analytics(ctx, {
      dates: [...new Set(days.map(({ date }) => date))],
      tickers: [...new Set(days.map(({ symbol }) => symbol))],
    });
  }

  /** Trades (and quotes) as flat files, which fetch_polygon_equity then reads as it would a vendor's. */
  async writeFiles(trades: readonly Trade[], quotes: readonly Quote[] = []): Promise<Settings> {
    const tradesFile = path.join(this.folder, 'trades.csv');
    const quotesFile = path.join(this.folder, 'quotes.csv');
    const tradeRows = trades.map((trade, index) => {
      const { symbol = 'T', date = DAY, at = '10:00', executed = at, exchange = 12 } = trade;
      const codes = trade.conditions === undefined ? '' : `"${trade.conditions.join()}"`;
      const participant = executed === null ? 0n : ns(date, executed);
      return [
        symbol,
        codes,
        0,
        exchange,
        index + 1,
        participant,
        trade.price,
        trade.sequence ?? index + 1,
        ns(date, at),
        trade.size ?? 100,
        1,
        0,
        0,
      ].join();
    });
    const quoteRows = quotes.map(({ symbol = 'T', date = DAY, at, executed = at, ...quote }, index) =>
      [
        symbol,
        12,
        quote.ask,
        1,
        11,
        quote.bid,
        1,
        '',
        '',
        ns(date, executed),
        quote.sequence ?? index + 1,
        ns(date, at),
        1,
        0,
      ].join(),
    );
    await writeFile(
      tradesFile,
      `ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp\n${tradeRows.join('\n')}\n`,
    );
    await writeFile(
      quotesFile,
      `ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp\n${quoteRows.join('\n')}\n`,
    );
    return {
      POLYGON_TRADES_FILE: tradesFile,
      ...(quotes.length > 0 ? { POLYGON_QUOTES_FILE: quotesFile } : {}),
    };
  }

  /** fetch_polygon_equity, infer_buy_sell and analytics over files, for the given days and tickers. */
  async run(settings: Settings, dates: readonly string[] = [DAY], tickers: readonly string[] = ['T']) {
    const ctx = this.context({ TICKERS: tickers.join(','), ...settings });
    const fetched = await fetchPolygonEquity(ctx, { sessions: dates.map(session), tickers });
    const classified = await inferBuySell(ctx);
    await analytics(ctx, { dates, tickers });
    return { fetched, classified };
  }

  /** The rows of `lit_direction_daily`, in the order (symbol, date, version). */
  lit(): Promise<LitRow[]> {
    return this.db.rows<LitRow>(
      `select * replace (date::varchar as date, lit_trades::double as lit_trades) from lit_direction_daily
       order by symbol, date, inference_version`,
    );
  }

  /** The row of one version of a symbol-day. */
  async litOf(version: LitVersion, symbol = 'T', date = DAY): Promise<LitRow> {
    const row = (await this.lit()).find(
      (found) => found.inference_version === version && found.symbol === symbol && found.date === date,
    );
    if (row === undefined) throw new Error(`no ${version} of ${symbol} on ${date}`);
    return row;
  }
}
