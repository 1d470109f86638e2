import { DateTime } from 'luxon';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FetchResult } from '../darkpool_analysis/context.js';
import { VendorError } from '../darkpool_analysis/errors.js';
import { fetchPolygonEquity } from '../darkpool_analysis/fetch_polygon_equity.js';
import { createHttp, type Http } from '../darkpool_analysis/http.js';
import { sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { FakeMinuteBars, minutesOf, NOT_ENTITLED } from './support/fake_minute_bars.js';
import type { AskedRequest } from './support/fake_polygon.js';
import { tradeJson } from './support/fake_polygon.js';
import { DAY, ns, PipelineBench, type Settings } from './support/pipeline.js';

let bench: PipelineBench;
let fake: FakeMinuteBars;
let http: Http;
let url: string;

beforeEach(async () => {
  bench = await PipelineBench.open();
  fake = new FakeMinuteBars();
  url = await fake.start();
  http = createHttp({ sleep: async () => {} });
});
afterEach(async () => {
  await http.close();
  await fake.stop();
  await bench.close();
});

function fetch(from = DAY, to = from, tickers = ['T'], settings: Settings = {}): Promise<FetchResult> {
  const ctx = bench.context({
    DATA_SOURCE: 'live',
    POLYGON_API_KEY: 'key',
    POLYGON_BASE_URL: url,
    INFERENCE_VERSION: 'OptionB_v1',
    TICKERS: tickers.join(','),
    ...settings,
  });
  return fetchPolygonEquity({ ...ctx, http }, { sessions: sessionsBetween(from, to), tickers });
}

const stored = () =>
  bench.db.rows(
    `select symbol, date::varchar as date, strftime(minute, '%H:%M') as minute, close, volume
     from polygon_bars_minute order by all`,
  );
const pending = () =>
  bench.db.rows<{ key: string }>("select symbol || ' ' || date as key from pending_days order by key");
const logged = () =>
  bench.db.rows(
    `select period, symbol_or_tier as symbol, status, rows::integer as rows from ingest_log
     where source = 'polygon_bars_minute' order by all`,
  );
const isMinutes = ({ path }: AskedRequest) => path.includes('/range/1/minute/');

describe('what is stored', () => {
  test('a plan without trades: regular hours only, start included, end not', async () => {
    fake.minutes.set('T', [
      { at: '09:29', close: 9, volume: 1 },
      { at: '09:30', close: 10.01, volume: 1000.5 },
      { at: '15:59', close: 10.02, volume: 2000 },
      { at: '16:00', close: 11, volume: 5 },
    ]);
    const result = await fetch();
    expect(result).toMatchObject({ plan: 'no trades', gaps: [], notes: [] });
    expect(result.stored.polygon_bars_minute).toBe(2);
    expect(await stored()).toEqual([
      { symbol: 'T', date: DAY, minute: '13:30', close: 10.01, volume: 1000.5 },
      { symbol: 'T', date: DAY, minute: '19:59', close: 10.02, volume: 2000 },
    ]);
    expect(await logged()).toEqual([{ period: DAY, symbol: 'T', status: 'ok', rows: 2 }]);
    expect(await pending()).toEqual([{ key: `T ${DAY}` }]);
    expect(fake.asked).toEqual([`T ${DAY}T13:30 ${DAY}T19:59`]);
    const keys = fake.requests.filter(isMinutes).map(({ url: asked, authorization }) => ({
      authorization,
      leaked: asked.search.includes('apiKey'),
    }));
    expect(keys).toEqual([{ authorization: 'Bearer key', leaked: false }]);
  });

  test('an early close and a winter day keep their own hours; other hours are asked anew', async () => {
    fake.minutes.set('T', [
      { date: '2025-11-28', at: '12:59', close: 10, volume: 1 },
      { date: '2025-11-28', at: '13:00', close: 10, volume: 1 },
      { date: '2025-12-01', at: '09:30', close: 10, volume: 1 },
      { date: '2025-12-01', at: '16:30', close: 10, volume: 1 },
    ]);
    const range = ['2025-11-28', '2025-12-01'] as const;
    await fetch(...range);
    expect((await stored()).map((row) => `${row.date} ${row.minute}`)).toEqual([
      '2025-11-28 17:59',
      '2025-12-01 14:30',
    ]);
    await bench.db.run('delete from pending_days');
    await fetch(...range, ['T'], { RTH_END: '17:00' });
    expect((await stored()).map((row) => `${row.date} ${row.minute}`)).toEqual([
      '2025-11-28 17:59',
      '2025-12-01 14:30',
      '2025-12-01 21:30',
    ]);
    expect(await pending()).toHaveLength(2);
  });

  test('a finished day costs nothing, an unfinished one is asked again', async () => {
    fake.minutes.set('T', minutesOf([10, 10.01], 100));
    const first = await fetch(DAY, '2025-07-15');
    expect(first.gaps).toEqual([
      {
        source: 'polygon_bars_minute',
        period: '2025-07-15',
        subject: 'T',
        reason: 'Polygon has no minute bars of this day (yet); is the symbol right?',
      },
    ]);
    expect(await logged()).toEqual([
      { period: DAY, symbol: 'T', status: 'ok', rows: 2 },
      { period: '2025-07-15', symbol: 'T', status: 'absent', rows: 0 },
    ]);
    await bench.db.run('delete from pending_days');
    fake.requests.length = 0;
    await fetch(DAY, '2025-07-15');
    expect(fake.asked).toEqual(['T 2025-07-15T13:30 2025-07-15T19:59']);
    // a day that stays empty changes nothing
    expect(await pending()).toEqual([]);
    fake.requests.length = 0;
    await fetch();
    expect(fake.asked).toEqual([]);
  });

  test('a day is due when its tape is closed, not before', async () => {
    fake.minutes.set('T', minutesOf([10, 10.01], 100));
    bench.now = DateTime.fromISO(`${DAY}T18:00`, { zone: 'America/New_York' });
    expect(await fetch()).toMatchObject({ gaps: [] });
    expect(fake.asked).toEqual([]);
  });

  test('long ranges are cut into four weeks, newest first; each is stored before the next is asked', async () => {
    fake.minutes.set(
      'T',
      sessionsBetween('2025-05-01', DAY).flatMap(({ date }) => minutesOf([10, 10.01], 100, date)),
    );
    let asked = 0;
    fake.trouble = (request) =>
      isMinutes(request) && ++asked === 2 ? { status: 401, body: '{}' } : undefined;
    await expect(fetch('2025-05-01', DAY)).rejects.toThrow(/refuses the key/);
    expect((await logged()).map(({ period }) => period)).toEqual(
      sessionsBetween('2025-06-17', DAY).map(({ date }) => date),
    );
    fake.trouble = () => undefined;
    fake.requests.length = 0;
    expect((await fetch('2025-05-01', DAY)).gaps).toEqual([]);
    expect(fake.asked).toEqual([
      'T 2025-05-20T13:30 2025-06-16T19:59',
      'T 2025-05-01T13:30 2025-05-19T19:59',
    ]);
  });
});

describe('plans', () => {
  test('with trades nothing is asked, unless BVC_v1 is wanted', async () => {
    fake.plan.trades = true;
    fake.ticks.set('trades T', [tradeJson({ ns: ns(DAY, '10:00'), price: 10, size: 100, sequence: 1 })]);
    fake.minutes.set('T', minutesOf([10, 10.01], 100));
    const result = await fetch();
    expect(result.plan).toBe('no quotes');
    // plan_rung says it, and nobody else
    expect(result.notes).toEqual([]);
    expect(fake.asked).toEqual([]);
    await fetch(DAY, DAY, ['T'], { INFERENCE_VERSION: 'OptionB_v1,BVC_v1' });
    expect(fake.asked).toHaveLength(1);
  });

  test('a plan that loses its trades: days that have them need no bars', async () => {
    fake.plan.trades = true;
    fake.ticks.set('trades T', [tradeJson({ ns: ns(DAY, '10:00'), price: 10, size: 100, sequence: 1 })]);
    await fetch();
    fake.plan.trades = false;
    fake.minutes.set('T', [...minutesOf([10, 10.01], 100), ...minutesOf([10], 100, '2025-07-15')]);
    // another clock wants the trades again, and does not get them
    await fetch(DAY, '2025-07-15', ['T'], { MATCH_CLOCK: 'sip' });
    expect(fake.asked).toEqual(['T 2025-07-15T13:30 2025-07-15T19:59']);
  });

  test('without minute bars either: no gap, no note, asked once', async () => {
    fake.plan.minutes = false;
    const result = await fetch('2025-05-01', DAY, ['T', 'U', 'V']);
    expect(result).toMatchObject({ plan: 'no trades', gaps: [], notes: [] });
    expect(fake.asked).toHaveLength(1);
    expect(await logged()).toEqual([]);
  });

  test('a plan that reaches back so far, and not into the day itself', async () => {
    bench.now = DateTime.fromISO(`${DAY}T21:00`, { zone: 'America/New_York' });
    for (const symbol of ['T', 'U']) {
      fake.minutes.set(
        symbol,
        sessionsBetween('2025-05-01', DAY).flatMap(({ date }) => minutesOf([10, 10.01], 100, date)),
      );
    }
    fake.trouble = (request) => {
      const [, from, to] = /minute\/(\d+)\/(\d+)/.exec(request.path) ?? [];
      const outside = Number(from) < Date.UTC(2025, 4, 20) || Number(to) > Date.UTC(2025, 6, 14);
      return isMinutes(request) && outside ? NOT_ENTITLED : undefined;
    };
    const { gaps, notes } = await fetch('2025-05-01', DAY, ['T', 'U']);
    expect(gaps).toEqual([]);
    expect(notes).toEqual(["The plan's minute bars do not reach back to 2025-05-19 and before."]);
    expect(fake.asked).toEqual([
      `T 2025-06-17T13:30 ${DAY}T19:59`,
      'T 2025-06-17T13:30 2025-07-11T19:59',
      'T 2025-05-20T13:30 2025-06-16T19:59',
      'T 2025-05-01T13:30 2025-05-19T19:59',
      'U 2025-06-17T13:30 2025-07-11T19:59',
      'U 2025-05-20T13:30 2025-06-16T19:59',
    ]);
  });
});

describe('bad answers store nothing and are gaps', () => {
  const bar = (fields: string) =>
    `{"status":"OK","results":[{"t":${Date.UTC(2025, 6, 14, 14)},"c":10,"v":100},${fields}]}`;
  const t = Date.UTC(2025, 6, 14, 14, 1);
  test.each([
    ['a close of 0', bar(`{"t":${t},"c":0,"v":1}`), /cannot be right \(at 2025-07-14 14:01:00 UTC/],
    ['no close', bar(`{"t":${t},"v":1}`), /cannot be right/],
    ['a negative volume', bar(`{"t":${t},"c":1,"v":-1}`), /cannot be right/],
    ['no time', bar('{"c":1,"v":1}'), /cannot be right \(at no time UTC/],
    ['no whole minute', bar(`{"t":${t + 1000},"c":1,"v":1}`), /cannot be right/],
    ['a minute twice', bar(`{"t":${t - 60000},"c":1,"v":1}`), /twice there/],
    ['text for a number', bar(`{"t":${t},"c":"ten","v":1}`), /cannot be read/],
    [
      'a further page',
      `{"status":"OK","results":[{"t":${t},"c":1,"v":1}],"next_url":"https://x/y"}`,
      /are cut/,
    ],
    [
      'a refusal in a 200',
      '{"status":"NOT_AUTHORIZED","message":"no"}',
      /did not come \(NOT_AUTHORIZED: no\)/,
    ],
    ['a page cut in the middle', '{"status":"OK","results":[{"t":1', /not whole JSON/],
  ])('%s', async (_, body, reason) => {
    fake.trouble = (request) => (isMinutes(request) && request.path.includes('/T/') ? { body } : undefined);
    fake.minutes.set('U', minutesOf([10, 10.01], 100));
    const { gaps } = await fetch(DAY, DAY, ['T', 'U']);
    expect(gaps).toEqual([
      { source: 'polygon_bars_minute', period: DAY, subject: 'T', reason: expect.stringMatching(reason) },
    ]);
    expect((await logged()).map(({ symbol }) => symbol)).toEqual(['U']);
  });

  test('a bad answer leaves what was stored before', async () => {
    fake.minutes.set('T', minutesOf([10, 10.01], 100));
    await fetch();
    const before = await stored();
    fake.trouble = (request) => (isMinutes(request) ? { body: bar(`{"t":${t},"c":0,"v":1}`) } : undefined);
    expect((await fetch(DAY, DAY, ['T'], { RTH_END: '15:00' })).gaps).toHaveLength(1);
    expect(await stored()).toEqual(before);
  });

  test('a service that is down is asked a few times, not for every ticker', async () => {
    fake.trouble = (request) => (isMinutes(request) ? { status: 500, body: 'down' } : undefined);
    const tickers = ['A', 'B', 'C', 'D', 'E', 'F'];
    const { gaps } = await fetch(DAY, DAY, tickers);
    expect(gaps.map(({ subject }) => subject)).toEqual(tickers);
    expect(gaps[5]?.reason).toContain('not asked any more');
    expect(fake.asked.some((asked) => /^[EF] /.test(asked))).toBe(false);
  });

  test('a refused key is no gap', async () => {
    fake.trouble = (request) => (isMinutes(request) ? { status: 401, body: '{}' } : undefined);
    await expect(fetch()).rejects.toThrow(VendorError);
  });
});
