import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeRun } from '../darkpool_analysis/cli/run_command.js';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { DISCLAIMER } from '../darkpool_analysis/disclaimer.js';
import { createHttp } from '../darkpool_analysis/http.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { type RunResult, run } from '../darkpool_analysis/orchestrator.js';
import { planRung, type RungFound } from '../darkpool_analysis/plan_rung.js';
import { FakeFinra, regshoFile } from './support/fake_finra.js';
import { FakeMinuteBars, minutesOf } from './support/fake_minute_bars.js';
import { quoteJson, tradeJson } from './support/fake_polygon.js';
import { DAY, ns, type Settings } from './support/pipeline.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'darkpool-rung-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the rung in words', () => {
  const nothing: RungFound = { trades: false, quotes: false, minuteBars: false };
  const rung = (settings: Settings, found: Partial<RungFound> = {}) =>
    planRung(loadConfig({ flags: settings, env: {}, cwd: folder }), { ...nothing, ...found });
  const live: Settings = { DATA_SOURCE: 'live', POLYGON_API_KEY: 'key' };
  const files: Settings = { DATA_SOURCE: 'files' };

  test.each<[string, Settings, Partial<RungFound>, RegExp]>([
    ['quotes and trades', live, { trades: true, quotes: true }, /^Quotes and trades → NBBO rules\./],
    [
      'a plan without quotes',
      live,
      { trades: true, plan: 'no quotes' },
      /trades only.*→ tick rule.*Advanced plan adds NBBO quotes/,
    ],
    ['stored without quotes', live, { trades: true }, /^Trades only.*→ tick rule.*Advanced plan/],
    [
      'quotes switched off',
      { ...live, POLYGON_QUOTES: 'off' },
      { trades: true },
      /POLYGON_QUOTES=off\) → tick rule.*POLYGON_QUOTES=auto adds/,
    ],
    [
      'a plan without trades',
      live,
      { plan: 'no trades', minuteBars: true },
      /no trades → minute bars.*BVC_v1.*Developer plan adds trades.*Advanced plan NBBO quotes/,
    ],
    [
      'nor minute bars',
      live,
      { plan: 'no trades' },
      /no minute bars came → FINRA alone.*NULL\. The Developer plan/,
    ],
    [
      'no key',
      { DATA_SOURCE: 'live' },
      {},
      /^No POLYGON_API_KEY → FINRA alone \(volumes, venues, short pressure\), buy ratios NULL\. A key/,
    ],
    [
      'no key any more',
      { DATA_SOURCE: 'live' },
      { trades: true },
      /buy ratios NULL; days stored before keep theirs\. A key/,
    ],
    ['the whole market', { ...live, TICKERS: 'ALL' }, {}, /^TICKERS=ALL asks no trades.*POLYGON_TRADES_FILE/],
    ['no trades file', files, {}, /^No POLYGON_TRADES_FILE → FINRA alone.*NULL/],
    ['an empty trades file', { ...files, POLYGON_TRADES_FILE: 't.csv' }, {}, /holds no trades of these days/],
    [
      'trades without quotes',
      { ...files, POLYGON_TRADES_FILE: 't.csv' },
      { trades: true },
      /TICK.*POLYGON_QUOTES_FILE adds/,
    ],
    [
      'a trades file wins over the service',
      { ...live, POLYGON_TRADES_FILE: 't.csv' },
      { trades: true },
      /TICK.*POLYGON_QUOTES_FILE adds/,
    ],
    [
      'quotes of other days',
      { ...files, POLYGON_TRADES_FILE: 't.csv', POLYGON_QUOTES_FILE: 'q.csv' },
      { trades: true },
      /POLYGON_QUOTES_FILE holds none/,
    ],
    [
      'BVC_v1 without minute bars',
      { ...files, INFERENCE_VERSION: 'OptionB_v1,BVC_v1' },
      { trades: true, quotes: true },
      /^BVC_v1 works on minute bars, which only the service has/,
    ],
    [
      'BVC_v1, and they did not come',
      { ...live, INFERENCE_VERSION: 'BVC_v1' },
      { trades: true, quotes: true },
      /NBBO rules.*which did not come: it has no row/,
    ],
  ])('%s', (_, settings, found, line) => {
    expect(rung(settings, found)).toMatch(line);
    expect(rung(settings, found)).not.toContain('\n');
  });

  test.each<[string, Settings, Partial<RungFound>]>([
    ['the sample, whole', { DATA_SOURCE: 'sample' }, { trades: true, quotes: true }],
    ['files, whole', { ...files, POLYGON_TRADES_FILE: 't.csv' }, { trades: true, quotes: true }],
    ['a service that was not heard', live, {}],
  ])('nothing is said of %s', (_, settings, found) => {
    expect(rung(settings, found)).toBeUndefined();
  });
});

describe('a live run, from the first request to the last line', () => {
  let polygon: FakeMinuteBars;
  let finra: FakeFinra;
  let polygonUrl: string;
  /** FINRA's rate makes its service slow: only the first test asks it, the others read the same from files. */
  let files: Settings;
  const bars = minutesOf([100, 100.01, 100, 100.02], [1000, 2000, 3000, 4000]);
  const trades = [100, 100.01, 100.02].map((price, index) =>
    tradeJson({ ns: ns(DAY, `10:0${index}`), price, size: 1000, sequence: index + 1 }),
  );
  const quotes = [quoteJson({ ns: ns(DAY, '09:59'), bid: 100, ask: 100.01, sequence: 1 })];

  beforeEach(async () => {
    polygon = new FakeMinuteBars();
    polygonUrl = await polygon.start();
    finra = await FakeFinra.start();
    files = {
      FINRA_OTC_FILE: path.join(folder, 'weekly.csv'),
      FINRA_REGSHO_FILE: path.join(folder, 'CNMSshvol20250714.txt'),
    };
    await writeFile(files.FINRA_OTC_FILE ?? '', 'weekStartDate,symbol,shares\n2024-07-15,ZZZ,1\n');
    await writeFile(files.FINRA_REGSHO_FILE ?? '', regshoFile(DAY, [['T', 300, 1, 1000]]));
    for (const family of ['CNMS', 'FNSQ', 'FNYX', 'FNQC', 'FNRA', 'FORF']) {
      const rows = family === 'CNMS' || family === 'FNSQ' ? ([['T', 300, 1, 1000]] as const) : [];
      finra.files.set(`${family}shvol20250714.txt`, regshoFile(DAY, rows));
    }
    polygon.minutes.set('T', bars);
    polygon.ticks.set('trades T', trades);
    polygon.ticks.set('quotes T', quotes);
  });
  afterEach(async () => {
    await polygon.stop();
    await finra.stop();
  });

  const go = (settings: Settings = {}): Promise<RunResult> =>
    run({
      config: loadConfig({
        flags: {
          DATA_SOURCE: 'live',
          TICKERS: 'T',
          POLYGON_API_KEY: 'key',
          POLYGON_BASE_URL: polygonUrl,
          FINRA_OTC_URL: `${finra.url}/weeklySummary`,
          ...files,
          FINRA_REGSHO_URL: `${finra.url}/regsho`,
          MIN_LIT_VOLUME: '1000',
          ...settings,
        },
        env: {},
        cwd: folder,
      }),
      log: SILENT_LOG,
      clock: { now: () => DateTime.fromISO('2025-07-15T07:30', { zone: 'America/New_York' }) },
      http: createHttp({ sleep: async () => {} }),
      from: DAY,
      to: DAY,
      plots: false,
    });
  const spoken = (result: RunResult) => describeRun(result, folder).replaceAll(/\s+/g, ' ');
  const stored = async <T>(sql: string) => {
    const db = await PublishedDatabase.open(path.join(folder, 'data'));
    try {
      return await db.rows<T>(sql);
    } finally {
      db.close();
    }
  };
  const rungs = (result: RunResult) =>
    result.notes.filter((note) => /NBBO|tick rule|minute bars|FINRA alone|plan/i.test(note));

  test('a plan without trades is served by minute bars, and says so once', async () => {
    const service = { FINRA_OTC_FILE: '', FINRA_REGSHO_FILE: '' };
    const result = await go(service);
    expect(finra.weeklyAsked.length).toBeGreaterThan(0);
    expect(result).toMatchObject({ exitCode: 0, gaps: [], failures: [] });
    expect(rungs(result)).toEqual([expect.stringMatching(/^The plan has no trades → minute bars/)]);
    expect(result.rows).toEqual([
      expect.objectContaining({
        symbol: 'T',
        date: DAY,
        method: 'BVC',
        inference_version: 'BVC_v1',
        volume_basis: 'regsho',
        total_off_exchange_volume: 1000,
        buy_ratio: expect.closeTo(0.637548485, 8),
        estimated_bought: expect.closeTo(637.548485, 5),
        signal: 'BOT',
      }),
    ]);
    expect(spoken(result)).toContain(
      `${DISCLAIMER} The sides here were in fact inferred from the price changes of one-minute bars, by bulk volume classification (BVC_v1).`,
    );
    // again: trades are tried, in case the plan has them now; what is stored costs nothing
    const asked = polygon.asked.length;
    const again = await go(service);
    expect(polygon.asked).toHaveLength(asked);
    expect(again).toMatchObject({ exitCode: 0, rows: [] });
    expect(rungs(again)).toEqual(rungs(result));
  });

  test('up the ladder: no key, minute bars, trades, quotes', async () => {
    const method = 'select inference_version, classification_method as method from lit_direction_daily';

    const alone = await go({ POLYGON_API_KEY: '' });
    expect(polygon.requests).toEqual([]);
    expect(rungs(alone)).toEqual([expect.stringMatching(/^No POLYGON_API_KEY → FINRA alone/)]);
    expect(alone.rows).toEqual([
      expect.objectContaining({ total_off_exchange_volume: 1000, buy_ratio: null }),
    ]);
    expect(spoken(alone)).not.toContain('in fact inferred');

    await go();
    expect(await stored(method)).toEqual([{ inference_version: 'BVC_v1', method: 'BVC' }]);

    polygon.plan.trades = true;
    const ticks = await go();
    expect(rungs(ticks)).toEqual([expect.stringMatching(/^The plan has trades only, no quotes → tick rule/)]);
    expect(await stored(method)).toEqual([{ inference_version: 'OptionB_v1', method: 'TICK' }]);
    expect(ticks.rows[0]).toMatchObject({ inference_version: 'OptionB_v1', method: 'TICK' });

    polygon.plan.quotes = true;
    // days stored without quotes are complete as they are; another folder begins anew
    const whole = await go({ DATA_DIR: path.join(folder, 'anew') });
    expect(rungs(whole)).toEqual(['Quotes and trades → NBBO rules. This is the highest rung.']);
    expect(whole.rows[0]).toMatchObject({ inference_version: 'OptionB_v1', method: 'NBBO' });
    const nothingNew = await go({ DATA_DIR: path.join(folder, 'anew') });
    expect(rungs(nothingNew)).toEqual(rungs(whole));
  });

  test('a refused key is a failure, and no rung is claimed', async () => {
    polygon.trouble = () => ({ status: 401, body: '{"status":"ERROR","error":"Unknown API Key"}' });
    const result = await go();
    expect(result.exitCode).toBe(1);
    expect(result.failures.join()).toContain('refuses the key');
    expect(rungs(result)).toEqual([]);
  });

  test('a trades file without quotes says what is missing', async () => {
    const file = path.join(folder, 'trades.csv');
    await writeFile(
      file,
      'symbol,timestamp,price,size\nT,2025-07-14T14:00:00Z,10.00,1000\nT,2025-07-14T14:01:00Z,10.01,1000\n',
    );
    const result = await go({ DATA_SOURCE: 'files', POLYGON_TRADES_FILE: file });
    expect(rungs(result)).toEqual([
      'Trades without quotes → tick rule (method TICK). POLYGON_QUOTES_FILE adds the NBBO rules.',
    ]);
    expect(polygon.requests).toEqual([]);
  });
});
