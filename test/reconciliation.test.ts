import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeRun } from '../darkpool_analysis/cli/run_command.js';
import { loadConfig, type SettingName } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { addDays, sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { type RunResult, run } from '../darkpool_analysis/orchestrator.js';
import { type FinraRow, regshoFile, weeklyRow } from './support/fake_finra.js';

/** A user with files alone: FINRA's weeks, tape totals and Reg SHO that the test writes, and a clock that stands still. */
class FilesUser {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'darkpool-reconciliation-'));
  readonly #settings: Partial<Record<SettingName, string>> = {};
  readonly #regsho = new Map<string, [string, number, number, number][]>();

  constructor() {
    for (const name of ['tape', 'regsho', 'finra']) mkdirSync(path.join(this.folder, name));
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A file of weekly rows under the API's column names; one of the same name is written anew. */
  finra(rows: readonly FinraRow[], name = 'weekly.csv'): void {
    this.#settings.FINRA_OTC_FILE = path.join(this.folder, 'finra');
    const columns = Object.keys(weeklyRow({ week: '', symbol: '', shares: 0 }));
    const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join());
    writeFileSync(path.join(this.folder, 'finra', name), `${[columns.join(), ...lines].join('\n')}\n`);
  }

  /** A file of tape totals: one symbol a file, or a session left out would count as a day without a print. */
  tape(symbol: string, days: Readonly<Record<string, number>>): void {
    this.#settings.TAPE_TOTALS_FILE = path.join(this.folder, 'tape');
    const lines = Object.entries(days).map(([date, shares]) => `${date},${symbol},${shares},1`);
    writeFileSync(
      path.join(this.folder, 'tape', `${symbol}.csv`),
      `date,symbol,off_exchange_shares,off_exchange_trades\n${lines.join('\n')}\n`,
    );
  }

  regsho(symbol: string, days: Readonly<Record<string, number>>): void {
    this.#settings.FINRA_REGSHO_FILE = path.join(this.folder, 'regsho');
    for (const [date, total] of Object.entries(days)) {
      const rows = (this.#regsho.get(date) ?? []).filter(([name]) => name !== symbol);
      rows.push([symbol, total / 2, 0, total]);
      this.#regsho.set(date, rows);
      writeFileSync(
        path.join(this.folder, 'regsho', `CNMSshvol${date.replaceAll('-', '')}.txt`),
        regshoFile(date, rows),
      );
    }
  }

  text(setting: SettingName, content: string, name = `${setting}.csv`): void {
    this.#settings[setting] = path.join(this.folder, name);
    writeFileSync(path.join(this.folder, name), content);
  }

  run(
    tickers: string,
    from: string,
    to: string,
    more: Partial<Record<SettingName, string>> = {},
    at = '2025-09-15T07:30',
  ): Promise<RunResult> {
    const config = loadConfig({
      flags: { DATA_SOURCE: 'files', TICKERS: tickers, ...this.#settings, ...more },
      env: {},
      cwd: this.folder,
    });
    const now = DateTime.fromISO(at, { zone: 'America/New_York' });
    return run({ config, log: SILENT_LOG, clock: { now: () => now }, from, to, plots: false });
  }

  async ask<T = Record<string, unknown>>(sql: string, params: Record<string, string> = {}): Promise<T[]> {
    const db = await PublishedDatabase.open(path.join(this.folder, 'data'));
    try {
      return await db.rows<T>(sql, params);
    } finally {
      db.close();
    }
  }

  /** The volume of a day with what it rests on. */
  async day(symbol: string, date: string): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.ask(
      `select off_exchange_volume as volume, volume_basis as basis, factor, factor_weeks as weeks
       from off_exchange_volume_daily where symbol = $symbol and date = $date::date`,
      { symbol, date },
    );
    return row;
  }
}

/** ATS 60 %, non-ATS 40 % of a symbol's week. */
function weekRows(week: string, symbol: string, shares: number, more: { tier?: string; name?: string } = {}) {
  return [
    weeklyRow({ week, symbol, shares: 0.6 * shares, ...more }),
    weeklyRow({ week, symbol, cut: 'OTC_W_SMBL', shares: 0.4 * shares, ...more }),
  ];
}

const sessionsOf = (week: string) => sessionsBetween(week, addDays(week, 4)).map(({ date }) => date);
const each = (dates: readonly string[], shares: number) =>
  Object.fromEntries(dates.map((date) => [date, shares]));

/** Mondays, newest first: the week not yet published, and the nine before it (06-30, 06-16 and 05-26 have a holiday). */
const OPEN = '2025-07-21';
const BACK = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => addDays(OPEN, -7 * n));
const week = (n: number) => BACK[n - 1] ?? '';
/** Six decimals: what is smaller is rounding of sums. */
const near = (value: number) => expect.closeTo(value, 6);

describe('the volume bases', () => {
  const user = new FilesUser();
  const ratios: Record<string, number[]> = {
    // median of the newest eight: (1.04 + 1.05) / 2; the ninth would make it 1.05
    NINE: [1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 9],
    FOUR: [1.1, 1.2, 1.3, 1.4],
    TRI: [1.1, 1.2, 1.3],
    // four weeks, but the tape of one lacks its Wednesday
    GAPPY: [1.1, 1.2, 1.3, 1.4],
  };
  const rows: FinraRow[] = [];

  beforeAll(async () => {
    for (const [symbol, list] of Object.entries(ratios)) {
      const days: Record<string, number> = each(sessionsOf(OPEN), 2000);
      list.forEach((ratio, i) => {
        const sessions = sessionsOf(week(i + 1));
        rows.push(...weekRows(week(i + 1), symbol, 1000 * sessions.length * ratio));
        Object.assign(days, each(sessions, 1000));
      });
      if (symbol === 'GAPPY') delete days['2025-07-09'];
      user.tape(symbol, days);
    }
    // REG has Reg SHO alone: 800 a session; FINRA ÷ Reg SHO 1.1, 1.2, 1.3, 1.4 → 1.25. MKT has no week of its own.
    [1.1, 1.2, 1.3, 1.4].forEach((ratio, i) => {
      const sessions = sessionsOf(week(i + 1));
      rows.push(...weekRows(week(i + 1), 'REG', 800 * sessions.length * ratio));
      user.regsho('REG', each(sessions, 800));
    });
    user.regsho('REG', each(sessionsOf(OPEN), 1000));
    user.regsho('MKT', each(sessionsOf(OPEN), 1000));
    // ZERO: FINRA's 5,000, a tape without a print, Reg SHO 100 … 500: 1,500
    rows.push(...weekRows(week(1), 'ZERO', 5000));
    user.tape('ZERO', each(sessionsOf(week(1)), 0));
    sessionsOf(week(1)).forEach((date, i) => {
      user.regsho('ZERO', { [date]: 100 * (i + 1) });
    });
    // HALF: the tape has Monday to Thursday, Reg SHO all five (300, 300, 300, 300, 800): 2,000 for FINRA's 4,000
    rows.push(...weekRows(week(1), 'HALF', 4000));
    user.tape('HALF', each(sessionsOf(week(1)).slice(0, 4), 700));
    sessionsOf(week(1)).forEach((date, i) => {
      user.regsho('HALF', { [date]: i === 4 ? 800 : 300 });
    });
    // WEEKLY has FINRA's weeks and nothing else, but a bar and so a consolidated volume
    rows.push(...weekRows(week(2), 'WEEKLY', 7000), ...weekRows(week(1), 'WEEKLY', 9000));
    user.text(
      'POLYGON_BARS_FILE',
      'ticker,volume,open,close,high,low,window_start,transactions\nWEEKLY,5000,10,10,10,10,1753070400000000000,9\nFOUR,8000,10,10,10,10,1753070400000000000,9\n',
    );
    // PLAIN: prints without an exchange: which of them are off exchange is not known
    user.text(
      'POLYGON_TRADES_FILE',
      'symbol,timestamp,price,size\nPLAIN,2025-07-21T10:00:00-04:00,10.00,20000\nPLAIN,2025-07-21T10:00:01-04:00,10.01,30000\n',
    );
    user.finra(rows);
    const result = await user.run(
      'NINE,FOUR,TRI,GAPPY,REG,MKT,ZERO,HALF,WEEKLY,PLAIN',
      week(4),
      '2025-07-25',
    );
    expect(result.failures).toEqual([]);
  });
  afterAll(() => user.close());

  test('finra_week by the day’s share of the tape, also in a week of four sessions', async () => {
    // 1,000 of 5,000, FINRA 5,000 × 1.01; in the week of July 4th 1,000 of 4,000, FINRA 4,000 × 1.03
    expect(await user.day('NINE', '2025-07-14')).toEqual({
      volume: near(1010),
      basis: 'finra_week',
      factor: null,
      weeks: null,
    });
    expect(await user.day('NINE', '2025-07-03')).toMatchObject({ volume: near(1030), basis: 'finra_week' });
    expect(
      await user.ask(
        "select sessions, tape_sessions, tape, finra from volume_reconciliation_weekly where symbol = 'NINE' and week_start = '2025-06-30'",
      ),
    ).toEqual([{ sessions: 4, tape_sessions: 4, tape: 4000, finra: near(4120) }]);
  });

  test('finra_week by the day’s share of Reg SHO where the tape lacks a session, or shows nothing at all', async () => {
    // 4,000 × 300 / 2,000 and × 800 / 2,000
    expect(await user.day('HALF', '2025-07-14')).toMatchObject({ volume: near(600), basis: 'finra_week' });
    expect(await user.day('HALF', '2025-07-18')).toMatchObject({ volume: near(1600), basis: 'finra_week' });
    // 5,000 × 100 / 1,500 … 500 / 1,500: not the tape's 0
    expect(await user.day('ZERO', '2025-07-14')).toMatchObject({
      volume: near(333.333333),
      basis: 'finra_week',
    });
    expect(await user.day('ZERO', '2025-07-18')).toMatchObject({
      volume: near(1666.666667),
      basis: 'finra_week',
    });
    // with neither for every session, the next basis
    expect(await user.day('GAPPY', '2025-07-08')).toMatchObject({ volume: 1000, basis: 'tape', factor: 1 });
  });

  test('tape × the median of the last eight published weeks, from four on', async () => {
    const of = (symbol: string) => user.day(symbol, OPEN);
    expect(await of('NINE')).toEqual({ volume: near(2090), basis: 'tape', factor: near(1.045), weeks: 8 });
    expect(await of('FOUR')).toEqual({ volume: near(2500), basis: 'tape', factor: near(1.25), weeks: 4 });
    expect(await of('TRI')).toEqual({ volume: 2000, basis: 'tape', factor: 1, weeks: 0 });
    expect(await of('GAPPY')).toEqual({ volume: 2000, basis: 'tape', factor: 1, weeks: 0 });
  });

  test('a factor looks only at the weeks before', async () => {
    // of the week of 06-23, NINE had 05-19 … 06-16 behind it: 1.05, 1.06, 1.07, 1.08, 9 → 1.07
    expect(
      await user.ask(
        "select tape_factor as f, tape_error as e from nowcast_error where symbol = 'NINE' and week_start = '2025-06-23'",
      ),
    ).toEqual([{ f: near(1.07), e: near(1.07 / 1.04 - 1) }]);
    expect(
      await user.ask(
        "select tape_factor as f from nowcast_error where symbol = 'FOUR' and week_start = '2025-07-14'",
      ),
    ).toEqual([{ f: 1 }]);
  });

  test('Reg SHO × the own median, else the market’s', async () => {
    expect(await user.day('REG', OPEN)).toEqual({
      volume: near(1250),
      basis: 'regsho',
      factor: near(1.25),
      weeks: 4,
    });
    // the market: REG 1.1, 1.2, 1.3, 1.4, HALF 2, ZERO 3.333 → (1.3 + 1.4) / 2
    expect(await user.day('MKT', OPEN)).toEqual({
      volume: near(1350),
      basis: 'regsho',
      factor: near(1.35),
      weeks: 0,
    });
  });

  test('a week’s total is never a day’s', async () => {
    expect(
      await user.ask(
        `select s.date::varchar as date, s.total_off_exchange_volume as v, s.volume_basis as basis, s.finra_period_type as period,
           s.finra_week_start::varchar as week, v.consolidated_volume as consolidated, v.off_exchange_ratio as ratio
         from darkpool_daily_summary s join off_exchange_volume_daily v on v.symbol = s.symbol and v.date = s.date
         where s.symbol = 'WEEKLY' and s.date in ('2025-07-11', '2025-07-14', '2025-07-21') order by s.date`,
      ),
    ).toEqual([
      ...[
        ['2025-07-11', '2025-07-07', 7000, null],
        ['2025-07-14', '2025-07-14', 9000, null],
        ['2025-07-21', '2025-07-14', 9000, 5000],
      ].map(([date, of, v, consolidated]) => ({
        date,
        v,
        basis: 'week_total',
        period: 'weekly',
        week: of,
        consolidated,
        ratio: null,
      })),
    ]);
    // beside it, a day of the tape: 2,500 of the bar's 8,000
    expect(
      await user.ask(
        "select consolidated_volume as c, off_exchange_ratio as r from off_exchange_volume_daily where symbol = 'FOUR' and date = '2025-07-21'",
      ),
    ).toEqual([{ c: 8000, r: near(0.3125) }]);
  });

  test('a file that does not say where it traded leaves the volume unknown, not 0', async () => {
    expect(
      await user.ask(
        "select off_exchange_volume as v, volume_basis as basis, tape_volume as tape, consolidated_volume as c, off_exchange_ratio as r from off_exchange_volume_daily where symbol = 'PLAIN' and date = '2025-07-21'",
      ),
    ).toEqual([{ v: null, basis: null, tape: null, c: 50_000, r: null }]);
    expect(
      await user.ask(
        "select total_off_exchange_volume as v, finra_period_type as p from darkpool_daily_summary where symbol = 'PLAIN' and date = '2025-07-21'",
      ),
    ).toEqual([{ v: null, p: null }]);
  });

  test('a rerun of everything changes nothing', async () => {
    const tables = [
      'off_exchange_volume_daily',
      'off_exchange_volume_estimates',
      'volume_reconciliation_weekly',
      'nowcast_error',
      'darkpool_daily_summary',
      'darkpool_weekly_summary',
      'short_pressure_daily',
    ];
    const everything = () =>
      Promise.all(tables.map((table) => user.ask(`select * from ${table} order by all`)));
    const before = await everything();
    const result = await user.run(
      'NINE,FOUR,TRI,GAPPY,REG,MKT,ZERO,HALF,WEEKLY,PLAIN',
      week(4),
      '2025-07-25',
      { MIN_LIT_VOLUME: '10001' },
      '2025-09-16T07:30',
    );
    // another setting: every stored day is computed anew
    expect(result.failures).toEqual([]);
    expect(result.rows.length).toBeGreaterThan(100);
    expect(await everything()).toEqual(before);
  });

  test('tape that comes late for a published week: its days settle together, and the factor of the days after moves', async () => {
    // back to the settings that later runs have
    await user.run('GAPPY', '2025-07-25', '2025-07-25');
    const estimates = () =>
      user.ask(
        "select date::varchar as date, off_exchange_volume as v from off_exchange_volume_estimates where symbol = 'GAPPY' and volume_basis = 'tape' and date >= '2025-07-07' and date <= '2025-07-21' order by date",
      );
    const before = await estimates();
    const days: Record<string, number> = each(sessionsOf(OPEN), 2000);
    for (const n of [1, 2, 3, 4]) Object.assign(days, each(sessionsOf(week(n)), 1000));
    user.tape('GAPPY', days);
    await user.run('GAPPY', '2025-07-25', '2025-07-25');
    // the whole week: FINRA's 6,000 in fifths, the days before the missing one too
    for (const date of sessionsOf('2025-07-07')) {
      expect(await user.day('GAPPY', date), date).toMatchObject({ volume: near(1200), basis: 'finra_week' });
    }
    // four weeks now: 1.25
    expect(await user.day('GAPPY', OPEN)).toMatchObject({ volume: near(2500), basis: 'tape', weeks: 4 });
    // what was first said stays: 1,000 on the Monday, 2,000 two weeks on
    expect(before).toContainEqual({ date: '2025-07-07', v: 1000 });
    expect(await estimates()).toEqual(before);
  });

  test('a day’s tape corrected: the week still adds up to FINRA’s', async () => {
    const days: Record<string, number> = each(sessionsOf(OPEN), 2000);
    for (const n of [1, 2, 3, 4]) Object.assign(days, each(sessionsOf(week(n)), 1000));
    days['2025-07-09'] = 2000;
    user.tape('GAPPY', days);
    await user.run('GAPPY', '2025-07-25', '2025-07-25');
    // 6,000 over 1,000 + 1,000 + 2,000 + 1,000 + 1,000
    expect(
      await user.ask(
        "select off_exchange_volume as v from off_exchange_volume_daily where symbol = 'GAPPY' and date between '2025-07-07' and '2025-07-11' order by date",
      ),
    ).toEqual([1000, 1000, 2000, 1000, 1000].map((v) => ({ v: near(v) })));
    // ratios now 1.1, 1.0, 1.3, 1.4 → 1.2
    expect(await user.day('GAPPY', OPEN)).toMatchObject({ volume: near(2400), factor: near(1.2) });
  });

  test('an older week that comes after newer ones moves what they are judged by', async () => {
    // TRI's fourth week: of the week of 07-14 there were 1.2, 1.3 (and now 1.5): still three, factor 1
    user.tape('TRI', {
      ...each(sessionsOf(OPEN), 2000),
      ...Object.assign({}, ...[1, 2, 3, 4, 5].map((n) => each(sessionsOf(week(n)), 1000))),
    });
    rows.push(...weekRows(week(4), 'TRI', 7500), ...weekRows(week(5), 'TRI', 4 * 1700));
    user.finra(rows);
    await user.run('TRI', '2025-07-25', '2025-07-25');
    // 1.2, 1.3, 1.5, 1.7 before the week of 07-14 → 1.4, against 1.1
    expect(
      await user.ask(
        "select tape_factor as f, tape_error as e from nowcast_error where symbol = 'TRI' and week_start = '2025-07-14'",
      ),
    ).toEqual([{ f: near(1.4), e: near(1.4 / 1.1 - 1) }]);
    // 1.1, 1.2, 1.3, 1.5, 1.7
    expect(await user.day('TRI', OPEN)).toMatchObject({ volume: near(2600), factor: near(1.3), weeks: 5 });
  });
});

test('Reg SHO without a single published week: factor 1, and a line that says so', async () => {
  const user = new FilesUser();
  try {
    user.regsho('ALONE', each(sessionsOf(OPEN), 1000));
    const result = await user.run('ALONE', OPEN, '2025-07-25');
    expect(result.exitCode).toBe(0);
    expect(result.notes.join('\n')).toContain('factor 1 was assumed for ALONE');
    expect(await user.day('ALONE', OPEN)).toEqual({ volume: 1000, basis: 'regsho', factor: 1, weeks: 0 });
  } finally {
    user.close();
  }
});

describe('bad input: nothing doubled, nothing silently zero', () => {
  const user = new FilesUser();
  const W = week(1);
  const days = sessionsOf(W);
  const tickers = 'DOWN,LATE2,MOVE,SHIFT,TWICE,TAPED,POOL,FRAC';
  let rows: FinraRow[] = [];
  const weekOf = (symbol: string, start = W) =>
    user.ask(
      `select ats_volume as ats, non_ats_volume as non_ats, total_off_exchange_volume as total, tier
       from darkpool_weekly_summary where symbol = $symbol and week_start = $start::date`,
      { symbol, start },
    );
  const daily = async (symbol: string) =>
    (
      await user.ask<{ v: number; basis: string }>(
        'select off_exchange_volume as v, volume_basis as basis from off_exchange_volume_daily where symbol = $symbol and date between $first::date and $last::date order by date',
        { symbol, first: W, last: days[4] ?? '' },
      )
    ).map(({ v, basis }) => [basis, v]);

  beforeAll(async () => {
    for (const symbol of ['DOWN', 'LATE2', 'MOVE', 'SHIFT', 'TWICE', 'TAPED', 'POOL']) {
      user.tape(symbol, each([...sessionsOf(week(2)), ...days], 1000));
    }
    user.tape('FRAC', {
      ...each(days, 0),
      '2025-07-14': 0.1,
      '2025-07-15': 0.2,
      '2025-07-16': 1000.000001,
    });
    const split = (cut: string, shares: number, more: FinraRow): FinraRow => ({
      ...weeklyRow({ week: W, symbol: 'TWICE', cut, shares }),
      ...more,
    });
    rows = [
      ...weekRows(W, 'DOWN', 6000),
      // MOVE is in Tier 2 in one week and in Tier 1 in the next; SHIFT moves within the week's restatement
      ...weekRows(week(2), 'MOVE', 4000, { tier: 'T2' }),
      ...weekRows(W, 'MOVE', 6000),
      ...weekRows(W, 'SHIFT', 3000, { tier: 'T2' }),
      ...weekRows(W, 'STAYS', 100, { tier: 'T2' }),
      // TWICE passes to another issuer on the Wednesday
      ...['Old Corp', 'New Corp'].flatMap((issueName, i) => [
        split('ATS_W_SMBL', 1000 + i, { issueName }),
        split('OTC_W_SMBL', 500 + i, { issueName }),
      ]),
      // TAPED moves its listing: part of the week UTP, part CTS
      ...['UTP', 'CTS'].flatMap((productTypeCode, i) => [
        { ...weeklyRow({ week: W, symbol: 'TAPED', shares: 2000 + i }), productTypeCode },
        { ...weeklyRow({ week: W, symbol: 'TAPED', cut: 'OTC_W_SMBL', shares: 1000 }), productTypeCode },
      ]),
      // POOL: symbol rows 5,000 + 3,000; its firm rows are the same volume again
      weeklyRow({ week: W, symbol: 'POOL', shares: 5000 }),
      weeklyRow({ week: W, symbol: 'POOL', cut: 'OTC_W_SMBL', shares: 3000 }),
      weeklyRow({
        week: W,
        symbol: 'POOL',
        cut: 'ATS_W_SMBL_FIRM',
        shares: 3000,
        mpid: 'UBSA',
        firm: 'UBS ATS',
      }),
      weeklyRow({
        week: W,
        symbol: 'POOL',
        cut: 'ATS_W_SMBL_FIRM',
        shares: 1500,
        mpid: 'SGMT',
        firm: 'SIGMA X2',
      }),
      weeklyRow({ week: W, symbol: 'POOL', cut: 'ATS_W_SMBL_FIRM', shares: 500, firm: 'De Minimis Firms' }),
      weeklyRow({ week: W, symbol: 'POOL', cut: 'OTC_W_SMBL_FIRM', shares: 2500, crd: 7, firm: 'CITADEL' }),
      weeklyRow({ week: W, symbol: 'POOL', cut: 'OTC_W_SMBL_FIRM', shares: 500, firm: 'De Minimis Firms' }),
      weeklyRow({ week: W, symbol: 'FRAC', shares: '0.123456' }),
      weeklyRow({ week: W, symbol: 'FRAC', cut: 'OTC_W_SMBL', shares: '1000.654321' }),
    ];
    user.finra(rows);
    const result = await user.run(tickers, week(2), '2025-07-18');
    expect(result.failures).toEqual([]);
  });
  afterAll(() => user.close());

  test('a ticker reassigned in mid-week: both issues once', async () => {
    // 1,000 + 1,001 and 500 + 501: 3,002 in fifths
    expect(await weekOf('TWICE')).toEqual([{ ats: 2001, non_ats: 1001, total: 3002, tier: 'T1' }]);
    expect(await daily('TWICE')).toEqual(days.map(() => ['finra_week', near(600.4)]));
  });

  test('a listing that changes tape: both products once', async () => {
    expect(await weekOf('TAPED')).toEqual([{ ats: 4001, non_ats: 2000, total: 6001, tier: 'T1' }]);
  });

  test('firm rows, with and without MPID, are never added to symbol rows', async () => {
    expect(await weekOf('POOL')).toEqual([{ ats: 5000, non_ats: 3000, total: 8000, tier: 'T1' }]);
    expect(await daily('POOL')).toEqual(days.map(() => ['finra_week', near(1600)]));
    expect(
      await user.ask("select ats_venues as n from darkpool_weekly_summary where symbol = 'POOL'"),
    ).toEqual([{ n: 2 }]);
    expect(
      await user.ask(
        "select venue, shares, de_minimis from venue_share_weekly where symbol = 'POOL' order by shares desc",
      ),
    ).toEqual([
      { venue: 'UBSA', shares: 3000, de_minimis: false },
      { venue: 'SGMT', shares: 1500, de_minimis: false },
      { venue: 'De Minimis Firms', shares: 500, de_minimis: true },
    ]);
  });

  test('fractions of shares keep their six decimals', async () => {
    expect(await weekOf('FRAC')).toEqual([
      { ats: 0.123456, non_ats: 1000.654321, total: 1000.777777, tier: 'T1' },
    ]);
    // the tape: 0.1 + 0.2 + 1,000.000001, and two days on which nothing printed
    expect(
      await user.ask(
        "select cast(tape as decimal(18, 6))::varchar as tape from volume_reconciliation_weekly where symbol = 'FRAC'",
      ),
    ).toEqual([{ tape: '1000.300001' }]);
    // 1,000.777777 × 0.1 / 1,000.300001 = 0.100047763…
    expect((await daily('FRAC'))[0]).toEqual(['finra_week', expect.closeTo(0.100047763, 9)]);
  });

  test('a tier that never comes leaves its symbols on the tape, and NULL where a cut is not there', async () => {
    expect(await weekOf('LATE2')).toEqual([]);
    expect(await daily('LATE2')).toEqual(days.map(() => ['tape', 1000]));
  });

  test('a symbol that moves from Tier 2 to Tier 1 between weeks', async () => {
    expect(await weekOf('MOVE', week(2))).toEqual([{ ats: 2400, non_ats: 1600, total: 4000, tier: 'T2' }]);
    expect(await weekOf('MOVE')).toEqual([{ ats: 3600, non_ats: 2400, total: 6000, tier: 'T1' }]);
    expect(
      await user.ask(
        "select trend, change_pct as c from darkpool_weekly_summary where symbol = 'MOVE' and week_start = '2025-07-14'",
      ),
    ).toEqual([{ trend: 'rising', c: near(50) }]);
  });

  test('a week restated downwards, and a symbol that moves tiers in the restatement: its Tier 2 row is withdrawn', async () => {
    expect(await daily('DOWN')).toEqual(days.map(() => ['finra_week', near(1200)]));
    expect(await weekOf('SHIFT')).toMatchObject([{ total: 3000, tier: 'T2' }]);
    rows = rows
      .filter((row) => row.issueSymbolIdentifier !== 'DOWN' && row.issueSymbolIdentifier !== 'SHIFT')
      .concat(weekRows(W, 'DOWN', 2500), weekRows(W, 'SHIFT', 3500));
    user.finra(rows);
    const result = await user.run(tickers, week(2), '2025-07-18', {}, '2025-09-16T07:30');
    expect(result.failures).toEqual([]);
    expect(await weekOf('DOWN')).toEqual([{ ats: 1500, non_ats: 1000, total: 2500, tier: 'T1' }]);
    expect(await daily('DOWN')).toEqual(days.map(() => ['finra_week', near(500)]));
    expect(await weekOf('SHIFT')).toEqual([{ ats: 2100, non_ats: 1400, total: 3500, tier: 'T1' }]);
    expect(await daily('SHIFT')).toEqual(days.map(() => ['finra_week', near(700)]));
    // every version stays
    expect(
      await user.ask("select count(*)::integer as n from finra_otc_weekly where symbol = 'DOWN'"),
    ).toEqual([{ n: 4 }]);
  });

  test('both tiers at once, from two files: one of them counts, firm rows alike', async () => {
    const both = (tier: string, published: string, ats: number) => [
      weeklyRow({ week: W, symbol: 'MOVE', tier, published, shares: ats }),
      weeklyRow({ week: W, symbol: 'MOVE', tier, published, cut: 'OTC_W_SMBL', shares: 1000 }),
      weeklyRow({
        week: W,
        symbol: 'MOVE',
        tier,
        published,
        cut: 'ATS_W_SMBL_FIRM',
        shares: ats,
        mpid: 'UBSA',
      }),
    ];
    user.finra(both('T2', '2025-08-18', 6000), 'old_T2.csv');
    user.finra(both('T1', '2025-08-25', 7000), 'new_T1.csv');
    const result = await user.run(tickers, week(2), '2025-07-18', {}, '2025-09-17T07:30');
    expect(result.failures).toEqual([]);
    expect(await weekOf('MOVE')).toEqual([{ ats: 7000, non_ats: 1000, total: 8000, tier: 'T1' }]);
    expect(
      await user.ask("select venue, shares, share_pct as pct from venue_share_weekly where symbol = 'MOVE'"),
    ).toEqual([{ venue: 'UBSA', shares: 7000, pct: 100 }]);
  });

  test('a week taken back: its days return to the tape', async () => {
    rows = rows.filter((row) => row.issueSymbolIdentifier !== 'DOWN');
    user.finra(rows);
    await user.run(tickers, week(2), '2025-07-18', {}, '2025-09-18T07:30');
    expect(await weekOf('DOWN')).toEqual([]);
    expect(await daily('DOWN')).toEqual(days.map(() => ['tape', 1000]));
  });
});

describe('days of the tape that lack something', () => {
  const user = new FilesUser();
  const DATE = '2025-07-21';
  const open = BigInt(Date.parse('2025-07-21T13:30:00Z')) * 1_000_000n;
  const COLUMNS =
    'ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp';
  let sequence = 0;
  /** @param at seconds after the open @param executed the same, of the execution */
  const print = (
    symbol: string,
    at: number,
    price: number,
    size: number | string,
    exchange: number,
    executed = at,
  ) => {
    sequence += 1;
    const ns = (seconds: number) => open + BigInt(seconds) * 1_000_000_000n;
    return `${symbol},,0,${exchange},${sequence},${ns(executed)},${price},${sequence},${ns(at)},${size},1,${exchange === 4 ? 201 : 0},0`;
  };
  const quote = (symbol: string, at: number, bid: number, ask: number) => {
    sequence += 1;
    const stamp = open + BigInt(at) * 1_000_000_000n;
    return `${symbol},12,${ask},1,11,${bid},1,,,${stamp},${sequence},${stamp},1,0`;
  };
  const of = async (symbol: string) => ({
    lit: await user.ask(
      'select inference_version as v, classification_method as m, lit_buy_ratio as r from lit_direction_daily where symbol = $symbol order by v',
      { symbol },
    ),
    off: await user.ask(
      'select total_volume as total, buy_volume as buy, sell_volume as sell, mid_volume as mid, unsigned_volume as unsigned, late_volume as late, buy_ratio as r from off_exchange_direction_daily where symbol = $symbol',
      { symbol },
    ),
    flow: await user.ask(
      `select inference_version as v, estimated_dark_buy_volume as buy, estimated_dark_sell_volume as sell,
         estimated_dark_buy_volume_low as low, estimated_dark_buy_volume_high as high, classification_method as m
       from darkpool_estimated_flow where symbol = $symbol order by v`,
      { symbol },
    ),
    day: (
      await user.ask(
        `select inference_version as v, total_off_exchange_volume as total, buy_ratio as r, buy_ratio_low as low,
           buy_ratio_high as high, version_spread as spread, estimated_bought as bought, classification_method as m, signal
         from darkpool_daily_summary where symbol = $symbol`,
        { symbol },
      )
    )[0],
  });
  const TICKERS = 'NOQUOTE,LATE,DARK,BOUND,FRAC';
  let result: RunResult;

  beforeAll(async () => {
    const trades = [
      // NOQUOTE: lit 20.00, 20.01 up (12,000), 20.00 down (8,000); off exchange at 20.02, above the last lit trade
      print('NOQUOTE', 60, 20.0, 100, 12),
      print('NOQUOTE', 61, 20.01, 12_000, 12),
      print('NOQUOTE', 62, 20.0, 8000, 12),
      print('NOQUOTE', 63, 20.02, 15_000, 4),
      // LATE: executed an hour before the open, reported after it
      print('LATE', 60, 30.0, 40_000, 4, -3600),
      print('LATE', 61, 30.01, 2000, 4, -3600),
      // DARK: nothing lit; 16,000 at the ask, 4,000 at the bid, 5,000 at the midpoint
      print('DARK', 60, 10.02, 16_000, 4),
      print('DARK', 61, 10.0, 4000, 4),
      print('DARK', 62, 10.01, 5000, 4),
      // BOUND, lit, bid 50.00 ask 50.10: 12,000 at the ask; 6,000 at the bid; 2,000 at 50.08, inside
      print('BOUND', 60, 50.1, 12_000, 12),
      print('BOUND', 61, 50.0, 6000, 12),
      print('BOUND', 62, 50.08, 2000, 12),
      // off exchange: 9,000 at the ask, 3,000 at the bid, 4,000 mid
      print('BOUND', 63, 50.1, 9000, 4),
      print('BOUND', 64, 50.0, 3000, 4),
      print('BOUND', 65, 50.05, 4000, 4),
      print('FRAC', 60, 5.0, '0.123456', 4),
      print('FRAC', 61, 5.0, '0.654321', 4),
      print('FRAC', 62, 5.0, '0.1', 12),
    ];
    user.text('POLYGON_TRADES_FILE', `${COLUMNS}\n${trades.join('\n')}\n`);
    user.text(
      'POLYGON_QUOTES_FILE',
      `ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp\n${[
        quote('LATE', -7200, 29.99, 30.01),
        quote('DARK', 1, 10.0, 10.02),
        quote('BOUND', 1, 50.0, 50.1),
        quote('FRAC', 1, 5.0, 5.02),
      ].join('\n')}\n`,
    );
    result = await user.run(TICKERS, DATE, DATE, {
      INFERENCE_VERSION: 'OptionB_v1,LeeReady_v1,Direct_v1',
    });
    expect(result.failures).toEqual([]);
  });
  afterAll(() => user.close());

  test('prints but no quotes: the tick rules, named TICK', async () => {
    const { lit, off, day } = await of('NOQUOTE');
    expect(lit).toEqual([
      { v: 'LeeReady_v1', m: 'TICK', r: 0.6 },
      { v: 'OptionB_v1', m: 'TICK', r: 0.6 },
    ]);
    expect(off).toEqual([{ total: 15_000, buy: 15_000, sell: 0, mid: 0, unsigned: 0, late: 0, r: 1 }]);
    expect(day).toMatchObject({ total: 15_000, bought: near(9000), r: 0.6, m: 'TICK', spread: near(0.4) });
  });

  test('only late prints, executed outside regular hours: in the volume, without a side', async () => {
    const { lit, off, flow, day } = await of('LATE');
    expect(lit).toEqual([]);
    expect(off).toEqual([
      { total: 42_000, buy: 0, sell: 0, mid: 0, unsigned: 42_000, late: 42_000, r: null },
    ]);
    expect(flow).toEqual([{ v: 'Direct_v1', buy: null, sell: null, low: null, high: null, m: 'DIRECT' }]);
    expect(day).toMatchObject({ total: 42_000, r: null, bought: null, signal: null, spread: null });
  });

  test('only off-exchange prints: no lit ratio and no estimate, the prints themselves do', async () => {
    const { lit, off, flow, day } = await of('DARK');
    expect(lit).toEqual([]);
    expect(off).toEqual([
      { total: 25_000, buy: 16_000, sell: 4000, mid: 5000, unsigned: 0, late: 0, r: 0.8 },
    ]);
    // Direct: 0.8 of 25,000; low 16,000 / 25,000, high 21,000 / 25,000
    expect(flow).toEqual([
      {
        v: 'Direct_v1',
        buy: near(20_000),
        sell: near(5000),
        low: near(16_000),
        high: near(21_000),
        m: 'DIRECT',
      },
    ]);
    expect(day).toMatchObject({
      v: 'OptionB_v1',
      total: 25_000,
      r: null,
      low: null,
      bought: null,
      signal: null,
    });
  });

  test('bounds and the spread of the versions', async () => {
    const { flow, day } = await of('BOUND');
    // 16,000 off exchange.
    // OptionB: 12,000 bought, 6,000 sold, 2,000 neutral: 2/3, 12/20, 14/20
    // LeeReady: the 2,000 at 50.08 are above the middle: 14,000 bought: 0.7, no neutral
    // Direct: 9,000 and 3,000, 4,000 mid: 3/4, 9/16, 13/16
    expect(flow).toEqual([
      {
        v: 'Direct_v1',
        buy: near(12_000),
        sell: near(4000),
        low: near(9000),
        high: near(13_000),
        m: 'DIRECT',
      },
      {
        v: 'LeeReady_v1',
        buy: near(11_200),
        sell: near(4800),
        low: near(11_200),
        high: near(11_200),
        m: 'NBBO',
      },
      {
        v: 'OptionB_v1',
        buy: near(10_666.666667),
        sell: near(5333.333333),
        low: near(9600),
        high: near(11_200),
        m: 'NBBO',
      },
    ]);
    expect(day).toEqual({
      v: 'OptionB_v1',
      total: 16_000,
      r: near(0.666667),
      low: near(0.6),
      high: near(0.7),
      // 0.75 less 0.6667
      spread: near(0.083333),
      bought: near(10_666.666667),
      m: 'NBBO',
      signal: 'BOT',
    });
  });

  test('fractions of shares on the tape are exact', async () => {
    expect(
      await user.ask(
        "select off_exchange_shares as off, consolidated_shares as al from tape_totals_daily where symbol = 'FRAC'",
      ),
    ).toEqual([{ off: 0.777777, al: 0.877777 }]);
    expect((await of('FRAC')).off).toMatchObject([{ total: 0.777777 }]);
  });

  test('Direct_v1 first: the summaries rest on it and the run says what the sides come from', async () => {
    const again = await user.run(TICKERS, DATE, DATE, { INFERENCE_VERSION: 'Direct_v1,OptionB_v1' });
    expect((await of('BOUND')).day).toMatchObject({
      v: 'Direct_v1',
      m: 'DIRECT',
      r: 0.75,
      low: 0.5625,
      high: 0.8125,
      bought: 12_000,
      spread: near(0.083333),
      signal: 'BOT',
    });
    expect((await of('DARK')).day).toMatchObject({
      v: 'Direct_v1',
      m: 'DIRECT',
      r: 0.8,
      bought: near(20_000),
    });
    expect((await of('LATE')).day).toMatchObject({ v: 'Direct_v1', r: null, bought: null, total: 42_000 });
    const said = describeRun(again, user.folder);
    expect(said).toContain('FINRA does not publish trade direction for off-exchange volume.');
    expect(said.replace(/\s+/g, ' ')).toContain(
      'The sides here were in fact inferred from the off-exchange prints themselves (Direct_v1).',
    );
    expect(again.rows.find(({ symbol }) => symbol === 'DARK')).toMatchObject({
      inference_version: 'Direct_v1',
      estimated_bought: near(20_000),
    });
  });
});
