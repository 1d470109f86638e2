import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { run } from '../darkpool_analysis/orchestrator.js';
import { asOf } from '../darkpool_analysis/questions/as_of.js';
import { type FinraRow, weeklyRow } from './support/fake_finra.js';

const WEEK = '2025-07-14';
const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-venues-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the weekly file anew and runs. */
async function load(rows: readonly FinraRow[], at: string): Promise<void> {
  const columns = Object.keys(weeklyRow({ week: '', symbol: '', shares: 0 }));
  const file = path.join(folder, 'weekly.csv');
  writeFileSync(
    file,
    `${[columns.join(), ...rows.map((row) => columns.map((column) => row[column] ?? '').join())].join('\n')}\n`,
  );
  const now = DateTime.fromISO(at, { zone: 'America/New_York' });
  const result = await run({
    config: loadConfig({
      flags: { DATA_SOURCE: 'files', TICKERS: 'GME', FINRA_OTC_FILE: file },
      env: {},
      cwd: folder,
    }),
    log: SILENT_LOG,
    clock: { now: () => now },
    from: WEEK,
    to: '2025-07-18',
    plots: false,
  });
  expect(result.failures).toEqual([]);
}

async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const db = await PublishedDatabase.open(path.join(folder, 'data'));
  try {
    return await db.rows(sql);
  } finally {
    db.close();
  }
}

const venues = (symbol: string) =>
  ask(
    `select venue, venue_name as name, de_minimis as pooled, shares, share_pct as pct, hhi
     from venue_share_weekly where symbol = '${symbol}' order by shares desc, venue`,
  );
const near = (value: number) => expect.closeTo(value, 9);
const ats = (
  symbol: string,
  shares: number | string,
  mpid?: string,
  firm?: string,
  more: FinraRow = {},
): FinraRow => ({
  ...weeklyRow({
    week: WEEK,
    symbol,
    cut: 'ATS_W_SMBL_FIRM',
    shares,
    ...(mpid === undefined ? {} : { mpid }),
    ...(firm === undefined ? {} : { firm }),
  }),
  ...more,
});

describe('venue_share_weekly', () => {
  const rows: FinraRow[] = [
    weeklyRow({ week: WEEK, symbol: 'GME', shares: 10_000 }),
    weeklyRow({ week: WEEK, symbol: 'GME', cut: 'OTC_W_SMBL', shares: 90_000 }),
    ats('GME', 5000, 'UBSA', 'UBS ATS '),
    ats('GME', 3000, 'SGMT', 'SIGMA X2'),
    ats('GME', 1500, 'INCR', 'INTELLIGENT CROSS LLC'),
    ats('GME', 500, undefined, 'De Minimis Firms '),
    // firms that are no ATS are no venue
    weeklyRow({ week: WEEK, symbol: 'GME', cut: 'OTC_W_SMBL_FIRM', shares: 90_000, crd: 7, firm: 'CITADEL' }),
    // a symbol that FINRA has under two issues and products: a venue once
    ats('BBBY', 100.25, 'UBSA', 'UBS ATS', { issueName: 'Old' }),
    ats('BBBY', 299.75, 'UBSA', 'UBS ATS', { issueName: 'New', productTypeCode: 'CTS' }),
    ats('BBBY', 600, 'SGMT', 'SIGMA X2'),
    // nothing but the pool
    ats('TINY', 40, undefined, 'De Minimis Firms'),
    // a venue that reports nothing
    ats('NONE', 0, 'UBSA', 'UBS ATS'),
  ];
  const published = rows.map(
    (row): FinraRow => ({
      ...row,
      initialPublishedDate: '2025-08-04',
      lastUpdateDate: '2025-08-04',
    }),
  );
  beforeAll(() => load(published, '2025-08-05T07:30'));

  test('shares, per cent and concentration, the pool named and left out of the HHI', async () => {
    // 0.5² + 0.3² + 0.15² = 0.25 + 0.09 + 0.0225; the pool counts in the whole alone
    const hhi = near(0.3625);
    expect(await venues('GME')).toEqual([
      { venue: 'UBSA', name: 'UBS ATS', pooled: false, shares: 5000, pct: 50, hhi },
      { venue: 'SGMT', name: 'SIGMA X2', pooled: false, shares: 3000, pct: near(30), hhi },
      { venue: 'INCR', name: 'INTELLIGENT CROSS LLC', pooled: false, shares: 1500, pct: near(15), hhi },
      { venue: 'De Minimis Firms', name: 'De Minimis Firms', pooled: true, shares: 500, pct: near(5), hhi },
    ]);
  });

  test('a venue of two issues stands once', async () => {
    // 400 and 600 of 1,000: 0.16 + 0.36
    expect(await venues('BBBY')).toMatchObject([
      { venue: 'SGMT', shares: 600, pct: near(60), hhi: near(0.52) },
      { venue: 'UBSA', shares: 400, pct: near(40), hhi: near(0.52) },
    ]);
  });

  test('only the pool: no concentration to speak of; no shares: no percentage', async () => {
    expect(await venues('TINY')).toMatchObject([{ venue: 'De Minimis Firms', pct: 100, hhi: null }]);
    expect(await venues('NONE')).toMatchObject([{ venue: 'UBSA', shares: 0, pct: null, hhi: null }]);
  });

  test('percentages sum to 100, one row a venue', async () => {
    expect(
      await ask(
        `select symbol, round(sum(share_pct), 9) as pct, count(*)::integer as n, count(distinct venue)::integer as venues
         from venue_share_weekly where shares > 0 group by symbol order by symbol`,
      ),
    ).toEqual([
      { symbol: 'BBBY', pct: 100, n: 2, venues: 2 },
      { symbol: 'GME', pct: 100, n: 4, venues: 4 },
      { symbol: 'TINY', pct: 100, n: 1, venues: 1 },
    ]);
    expect(await ask("select ats_venues as n from darkpool_weekly_summary where symbol = 'GME'")).toEqual([
      { n: 3 },
    ]);
  });

  test('a venue restated and another taken back: the week is computed anew', async () => {
    const restated = published
      .filter(({ issueSymbolIdentifier: symbol, MPID }) => symbol !== 'GME' || MPID !== 'INCR')
      .map((row) =>
        row.issueSymbolIdentifier === 'GME' && row.MPID === 'UBSA'
          ? { ...row, totalWeeklyShareQuantity: 4000, lastUpdateDate: '2025-08-11' }
          : row,
      );
    await load(restated, '2025-08-12T07:30');
    // 4,000, 3,000, 500 of 7,500: (16 + 9) / 56.25
    expect(await venues('GME')).toMatchObject([
      { venue: 'UBSA', shares: 4000, pct: near(53.333333333), hhi: near(0.444444444) },
      { venue: 'SGMT', shares: 3000, pct: near(40) },
      { venue: 'De Minimis Firms', shares: 500, pct: near(6.666666667) },
    ]);
    expect(await ask("select ats_venues as n from darkpool_weekly_summary where symbol = 'GME'")).toEqual([
      { n: 2 },
    ]);
  });

  test('as of a day before the restatement, the venues as they were', async () => {
    const db = await PublishedDatabase.open(path.join(folder, 'data'));
    try {
      await asOf(db, '2025-08-06');
      expect(
        await db.rows(
          "select venue, shares, hhi from venue_share_weekly where symbol = 'GME' order by shares desc limit 3",
        ),
      ).toEqual([
        { venue: 'UBSA', shares: 5000, hhi: near(0.3625) },
        { venue: 'SGMT', shares: 3000, hhi: near(0.3625) },
        { venue: 'INCR', shares: 1500, hhi: near(0.3625) },
      ]);
    } finally {
      db.close();
    }
  });
});
