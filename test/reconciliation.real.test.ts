import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeNowcast } from '../darkpool_analysis/cli/nowcast_command.js';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { run } from '../darkpool_analysis/orchestrator.js';
import { nowcastError } from '../darkpool_analysis/questions/nowcast_error.js';

/** FINRA's Tier 1 week of 2025-07-14 against the tape's off-exchange prints: only on machines that have the data. */
const DATA = path.resolve(import.meta.dirname, '../../shared/data');
const present = existsSync(DATA);
if (!present) console.log(`reconciliation.real.test.ts is skipped: ${DATA} is not here`);

const WEEK = '2025-07-14';

describe.skipIf(!present)('the week of 2025-07-14', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-reconciliation-real-'));
  let db: PublishedDatabase;

  beforeAll(async () => {
    const config = loadConfig({
      flags: {
        DATA_SOURCE: 'files',
        TICKERS: 'SPY,NVDA,AAPL',
        FINRA_OTC_FILE: path.join(DATA, 'finra_weekly/weeklySummary_2025-07-14_T1.csv'),
        TAPE_TOTALS_FILE: path.join(DATA, 'tape_totals/off_exchange_2025-07-14_week.csv.gz'),
      },
      env: {},
      cwd: folder,
    });
    const now = DateTime.fromISO('2025-08-05T07:30', { zone: 'America/New_York' });
    const result = await run({
      config,
      log: SILENT_LOG,
      clock: { now: () => now },
      from: WEEK,
      to: '2025-07-18',
      plots: false,
    });
    expect(result.failures).toEqual([]);
    db = await PublishedDatabase.open(path.join(folder, 'data'));
  });
  afterAll(() => {
    db?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('FINRA ÷ tape: median 1.0000, 0.9996 to 1.0031', async () => {
    const [row] = await db.rows<{ n: number; p50: string; p05: string; p95: string }>(
      `select count(ratio)::integer as n, printf('%.4f', median(ratio)) as p50,
         printf('%.4f', quantile_cont(ratio, 0.05)) as p05, printf('%.4f', quantile_cont(ratio, 0.95)) as p95
       from volume_reconciliation_weekly where week_start = $week::date and tier = 'T1'`,
      { week: WEEK },
    );
    expect(row).toEqual({ n: 2425, p50: '1.0000', p05: '0.9996', p95: '1.0031' });
  });

  test('the nowcast with factor 1: 2,313 of 2,425 within 1 %, error 0.778 %, 88 of the 100 largest', async () => {
    const result = await nowcastError(db, { week: WEEK });
    expect(result.weeks).toHaveLength(1);
    expect(result.weeks[0]).toMatchObject({
      tier: 'T1',
      nowcast: 'tape',
      symbols: 2425,
      within_1_pct: 2313,
      largest: 100,
      largest_within_1_pct: 88,
    });
    expect((100 * (result.weeks[0]?.volume_weighted_error ?? 0)).toFixed(3)).toBe('0.778');
    expect(result.weeks[0]?.ratio_median.toFixed(4)).toBe('1.0000');
    expect(
      await db.rows(
        'select count(*)::integer as n from nowcast_error where tape_factor <> 1 or regsho_nowcast is not null',
      ),
    ).toEqual([{ n: 0 }]);
    expect(describeNowcast(result)).toContain('88 of the 100 largest within 1 %');
  });

  test('every symbol of the file once, its volume FINRA’s to the share', async () => {
    expect(
      await db.rows(
        `select count(*)::integer as n, sum(ats_volume) as ats, sum(non_ats_volume) as non_ats
         from darkpool_weekly_summary where week_start = $week::date`,
        { week: WEEK },
      ),
    ).toEqual([{ n: 2425, ats: 5_734_820_787, non_ats: 10_460_025_398 }]);
  });

  test('the days of a symbol are its week, by the tape’s shares', async () => {
    const rows = await db.rows<{ symbol: string; days: number; finra: number; summed: number }>(
      `select symbol, count(*)::integer as days, any_value(finra_week_volume) as finra, sum(off_exchange_volume) as summed
       from off_exchange_volume_daily where volume_basis = 'finra_week' group by symbol order by symbol`,
    );
    expect(rows.map(({ symbol, days }) => [symbol, days])).toEqual([
      ['AAPL', 5],
      ['NVDA', 5],
      ['SPY', 5],
    ]);
    for (const { symbol, finra, summed } of rows) expect(summed / finra, symbol).toBeCloseTo(1, 12);
  });
});
