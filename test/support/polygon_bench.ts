import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { loadConfig, type SettingName } from '../../darkpool_analysis/config.js';
import type { Context, FetchResult } from '../../darkpool_analysis/context.js';
import { Database } from '../../darkpool_analysis/db.js';
import { fetchPolygonEquity } from '../../darkpool_analysis/fetch_polygon_equity.js';
import { createHttp, type Http } from '../../darkpool_analysis/http.js';
import { SILENT_LOG } from '../../darkpool_analysis/log.js';
import { type Session, sessionOn } from '../../darkpool_analysis/market_calendar.js';
import { FakePolygon } from './fake_polygon.js';

export const KEY = 'SECRET-KEY-2f9c';
export const DAY = '2025-07-14';
type Settings = Partial<Record<SettingName, string>>;

export function session(date = DAY): Session {
  const found = sessionOn(date);
  if (found === undefined) throw new Error(`${date} is no session`);
  return found;
}

/** A database in a folder of its own, a played Polygon, a clock that is set by hand, pauses that take no time. */
export class PolygonBench {
  readonly folder: string;
  readonly fake = new FakePolygon();
  db: Database;
  now = DateTime.fromISO('2025-12-31T12:00', { zone: 'America/New_York' });
  /** Pauses asked for, in ms. */
  readonly pauses: number[] = [];
  /** Everything said to the log. */
  readonly said: string[] = [];
  #base = '';
  #http: Http;

  private constructor(folder: string, db: Database) {
    this.folder = folder;
    this.db = db;
    this.#http = createHttp({
      sleep: async (ms) => {
        this.pauses.push(ms);
      },
    });
  }

  static async open(): Promise<PolygonBench> {
    const folder = await mkdtemp(path.join(tmpdir(), 'darkpool-polygon-'));
    const bench = new PolygonBench(folder, await Database.open({ dataDir: path.join(folder, 'data') }));
    bench.#base = await bench.fake.start();
    return bench;
  }

  get base(): string {
    return this.#base;
  }

  context(settings: Settings): Context {
    const say = (message: string, fields = {}) => {
      this.said.push(`${message} ${JSON.stringify(fields)}`);
    };
    return {
      config: loadConfig({ env: settings, cwd: this.folder }),
      db: this.db,
      http: this.#http,
      log: { ...SILENT_LOG, info: say, warn: say, debug: say },
      clock: { now: () => this.now },
    };
  }

  fetch(settings: Settings, dates: readonly string[] = [DAY]): Promise<FetchResult> {
    const ctx = this.context(settings);
    const sessions = dates.map(session);
    return fetchPolygonEquity(ctx, { sessions, tickers: ctx.config.TICKERS });
  }

  /** From the played service. */
  live(settings: Settings = {}, dates: readonly string[] = [DAY]): Promise<FetchResult> {
    return this.fetch(
      {
        DATA_SOURCE: 'live',
        POLYGON_API_KEY: KEY,
        POLYGON_BASE_URL: this.#base,
        TICKERS: 'TEST',
        ...settings,
      },
      dates,
    );
  }

  /** From files; `text` is written to `name` first. */
  async write(name: string, content: string | Buffer): Promise<string> {
    const file = path.join(this.folder, name);
    await writeFile(file, content);
    return file;
  }

  /** Rows of a table as text, in the order they are stored in. */
  async rows(table = 'polygon_trades', columns = '*'): Promise<string[]> {
    const found = await this.db.rows<{ row: string }>(
      `select t::varchar as row from (select ${columns} from ${table}) t`,
    );
    return found.map(({ row }) => row);
  }

  /** Requests of a kind: `trades`, `quotes`, `aggs`, `tickers`. */
  asked(kind: string): URL[] {
    return this.fake.requests.filter(({ path }) => path.includes(`/${kind}`)).map(({ url }) => url);
  }

  /** The database closed and opened anew, as a later run does. */
  async reopen(): Promise<void> {
    this.db.close();
    this.db = await Database.open({ dataDir: path.join(this.folder, 'data') });
  }

  async empty(): Promise<void> {
    await this.db.run(
      'delete from polygon_trades; delete from ingest_log; delete from tape_totals_daily; delete from source_files; delete from polygon_bars_daily; delete from ticker_reference',
    );
    await rm(path.join(this.db.paths.staging), { recursive: true, force: true });
    await import('node:fs/promises').then(({ mkdir }) => mkdir(this.db.paths.staging));
    this.fake.requests.length = 0;
    this.pauses.length = 0;
    this.said.length = 0;
    this.fake.fault = () => undefined;
    this.fake.pageRows = 50_000;
    this.fake.nextUrl = (cursor, where) => `https://api.polygon.io${where}?cursor=${cursor}`;
  }

  /** Files under the data folder whose bytes hold the text. */
  async filesWith(text: string): Promise<string[]> {
    await this.db.run('checkpoint');
    const found: string[] = [];
    for (const name of await readdir(this.folder, { recursive: true })) {
      const bytes = await readFile(path.join(this.folder, name)).catch(() => Buffer.alloc(0));
      if (bytes.includes(text)) found.push(name);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#http.close();
    await this.fake.stop();
    this.db.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
