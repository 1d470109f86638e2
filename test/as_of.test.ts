import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { run } from '../darkpool_analysis/orchestrator.js';
import { asOf } from '../darkpool_analysis/questions/as_of.js';

/** The sample's FINRA weeks come out on 2025-11-24, 12-01 and 12-08 (Tier 1) and 12-08 (Tier 2). */
const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-asof-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  const config = loadConfig({ env: { INFERENCE_VERSION: 'OptionB_v1,Direct_v1' }, cwd: folder });
  await run({ config, log: SILENT_LOG, plots: false });
});

async function behind<T>(day: string | undefined, ask: (db: PublishedDatabase) => Promise<T>): Promise<T> {
  const db = await PublishedDatabase.open(path.join(folder, 'data'));
  try {
    if (day !== undefined) await asOf(db, day);
    return await ask(db);
  } finally {
    db.close();
  }
}
const bases = (day: string | undefined) =>
  behind(day, (db) =>
    db.rows<{ basis: string; first: string; last: string; days: number }>(
      `select volume_basis as basis, min(date)::varchar as first, max(date)::varchar as last, count(*)::integer as days
       from darkpool_daily_summary where symbol = 'SPY' group by 1 order by 1`,
    ),
  );

describe('as of a past day', () => {
  test('a week is the tape’s until FINRA publishes it, and FINRA’s from that day on', async () => {
    expect(await bases('2025-11-23')).toEqual([
      { basis: 'tape', first: '2025-11-03', last: '2025-11-21', days: 15 },
    ]);
    expect(await bases('2025-11-24')).toEqual([
      { basis: 'finra_week', first: '2025-11-03', last: '2025-11-07', days: 5 },
      // the evening of the 24th has the day's Reg SHO, and no tape of it before the next morning
      { basis: 'regsho', first: '2025-11-24', last: '2025-11-24', days: 1 },
      { basis: 'tape', first: '2025-11-10', last: '2025-11-21', days: 10 },
    ]);
  });

  test('on the day after everything it is what the run stored', async () => {
    const tables = [
      'darkpool_daily_summary',
      'darkpool_weekly_summary',
      'off_exchange_volume_daily',
      'nowcast_error',
      'venue_share_weekly',
      'darkpool_estimated_flow',
      'volume_reconciliation_weekly',
    ];
    for (const table of tables) {
      const all = (db: PublishedDatabase) => db.rows(`select t::varchar as row from ${table} t order by 1`);
      expect(await behind('2025-12-13', all), table).toEqual(await behind(undefined, all));
    }
  });

  test('what is published later changes nothing of an earlier answer', async () => {
    const all = (db: PublishedDatabase) =>
      db.rows(
        `select s::varchar as row from darkpool_daily_summary s union all select w::varchar from darkpool_weekly_summary w
         union all select n::varchar from nowcast_error n order by 1`,
      );
    const before = await behind('2025-11-30', all);
    // the same market as FINRA had published it by 1 December, asked of a database that knows no more
    const early = path.join(folder, 'early');
    const { copyFileSync, mkdirSync, cpSync, readFileSync, writeFileSync } = await import('node:fs');
    mkdirSync(early);
    cpSync(path.join(folder, 'data', 'sample'), path.join(early, 'sample'), { recursive: true });
    const weekly = path.join(early, 'sample', 'finra_weekly.csv');
    const [header, ...rows] = readFileSync(weekly, 'utf8').trimEnd().split('\n');
    const published = header?.split(',').indexOf('initialPublishedDate') ?? -1;
    expect(published).toBeGreaterThan(-1);
    writeFileSync(
      path.join(early, 'finra.csv'),
      `${[header, ...rows.filter((row) => /,2025-11-2[0-9],/.test(row))].join('\n')}\n`,
    );
    copyFileSync(path.join(early, 'finra.csv'), weekly);
    const config = loadConfig({
      env: {
        DATA_SOURCE: 'files',
        TICKERS: 'TQQQ,SPY',
        INFERENCE_VERSION: 'OptionB_v1,Direct_v1',
        TARGET_DATE: '2025-12-12',
        DAILY_LOOKBACK: '29',
        DATA_DIR: path.join(early, 'data'),
        POLYGON_TRADES_FILE: path.join(early, 'sample', 'trades'),
        POLYGON_QUOTES_FILE: path.join(early, 'sample', 'quotes'),
        POLYGON_BARS_FILE: path.join(early, 'sample', 'bars.csv'),
        FINRA_OTC_FILE: weekly,
        FINRA_REGSHO_FILE: path.join(early, 'sample', 'regsho'),
      },
      cwd: early,
    });
    await run({ config, log: SILENT_LOG, plots: false });
    const db = await PublishedDatabase.open(path.join(early, 'data'));
    await asOf(db, '2025-11-30');
    const after = await all(db);
    db.close();
    expect(after).toEqual(before);
    expect(before.length).toBeGreaterThan(40);
  });
});
