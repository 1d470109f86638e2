import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { loadConfig, type SettingName } from '../../darkpool_analysis/config.js';
import type { Context, FetchResult } from '../../darkpool_analysis/context.js';
import { Database } from '../../darkpool_analysis/db.js';
import { fetchFinra } from '../../darkpool_analysis/fetch_finra.js';
import { createHttp } from '../../darkpool_analysis/http.js';
import { SILENT_LOG } from '../../darkpool_analysis/log.js';
import { sessionsBetween } from '../../darkpool_analysis/market_calendar.js';

/** A database in a folder of its own, a clock that is set by hand, and pauses that take no time. */
export class FinraBench {
  readonly folder: string;
  readonly db: Database;
  /** Pauses asked for, in ms. */
  readonly pauses: number[] = [];
  readonly warnings: string[] = [];
  now: DateTime;
  readonly #http;

  private constructor(folder: string, db: Database, now: string) {
    this.folder = folder;
    this.db = db;
    this.now = DateTime.fromISO(now, { zone: 'America/New_York' });
    this.#http = createHttp({
      sleep: async (ms) => {
        this.pauses.push(ms);
      },
    });
  }

  static async open(now: string): Promise<FinraBench> {
    const folder = await mkdtemp(path.join(tmpdir(), 'darkpool-finra-'));
    return new FinraBench(folder, await Database.open({ dataDir: path.join(folder, 'data') }), now);
  }

  context(settings: Partial<Record<SettingName, string>>): Context {
    return {
      config: loadConfig({ flags: settings, env: {}, cwd: this.folder }),
      db: this.db,
      http: this.#http,
      log: { ...SILENT_LOG, warn: (message) => void this.warnings.push(message) },
      clock: { now: () => this.now },
    };
  }

  /** fetchFinra over the sessions from `from` to `to`. */
  fetch(
    settings: Partial<Record<SettingName, string>>,
    from = '2025-07-14',
    to = '2025-07-18',
  ): Promise<FetchResult> {
    // FINRA's 20 requests a second would make the tests slow; http.test.ts has the limiter.
    return fetchFinra(
      this.context(settings),
      { sessions: sessionsBetween(from, to) },
      { run: (task) => task() },
    );
  }

  at(now: string): void {
    this.now = DateTime.fromISO(now, { zone: 'America/New_York' });
  }

  async close(): Promise<void> {
    await this.#http.close();
    this.db.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
