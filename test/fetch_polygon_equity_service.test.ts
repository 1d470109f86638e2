import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { messageOf, VendorError } from '../darkpool_analysis/errors.js';
import { quoteJson, tradeJson } from './support/fake_polygon.js';
import { DAY, KEY, PolygonBench, session } from './support/polygon_bench.js';

let bench: PolygonBench;
beforeAll(async () => {
  bench = await PolygonBench.open();
});
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.empty();
  bench.now = DateTime.fromISO('2025-12-31T12:00', { zone: 'America/New_York' });
  bench.fake.ticks.clear();
  bench.fake.bars.clear();
  bench.fake.tickers.clear();
});

const OPEN = session().openNs;
const ODD = 123_457n;

/** Trades a microsecond and an odd rest apart, the NBBO moving under them. */
function play(symbol = 'TEST', date = DAY, count = 25): void {
  const start = session(date).openNs + ODD;
  bench.fake.ticks.set(
    `trades ${symbol}`,
    [...(bench.fake.ticks.get(`trades ${symbol}`) ?? [])].concat(
      Array.from({ length: count }, (_, i) =>
        tradeJson({
          ns: start + BigInt(i) * 1_001n,
          price: 10 + (i % 7) / 100,
          size: 100 + i,
          sequence: 1000 + i,
          exchange: i % 3 === 0 ? 4 : 11,
          ...(i % 3 === 0 ? { trfId: 202 } : {}),
          ...(i % 5 === 0 ? {} : { conditions: [14, 37] }),
          participantNs: start + BigInt(i) * 1_001n - 7n,
        }),
      ),
    ),
  );
  bench.fake.ticks.set(
    `quotes ${symbol}`,
    [...(bench.fake.ticks.get(`quotes ${symbol}`) ?? [])].concat(
      Array.from({ length: count }, (_, i) =>
        quoteJson({ ns: start + BigInt(i) * 1_003n, bid: 9.9 + i / 100, ask: 10.1 + i / 100, sequence: i }),
      ),
    ),
  );
}

describe('a day from the service', () => {
  test('pages of any size give the same table, in tape order', async () => {
    play();
    const tables: string[][] = [];
    for (const pageRows of [50_000, 7, 1, 25]) {
      await bench.empty();
      bench.fake.pageRows = pageRows;
      expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
      expect(bench.asked('trades')).toHaveLength(Math.ceil(25 / pageRows));
      tables.push(await bench.rows());
    }
    for (const table of tables) expect(table).toEqual(tables[0]);
    expect(new Set(tables[0]).size).toBe(25);
  });

  test('stamps keep every nanosecond, on trades and on quotes', async () => {
    const at = 1_752_499_800_123_456_789n;
    bench.fake.ticks.set('trades TEST', [
      tradeJson({ ns: at, price: 10, size: 1, sequence: 1, participantNs: at - 1n }),
    ]);
    bench.fake.ticks.set('quotes TEST', [
      quoteJson({ ns: at - 2n, bid: 9, ask: 11, sequence: 1 }),
      quoteJson({ ns: at - 1n, bid: 8, ask: 12, sequence: 2 }),
    ]);
    await bench.live();
    const row = await bench.db.row(
      'select epoch_ns(sip_timestamp) as sip, epoch_ns(participant_timestamp) as participant, epoch_ns(quote_timestamp) as quote, bid from polygon_trades',
    );
    // the quote at the very nanosecond of the execution is not before it
    expect(row).toEqual({ sip: String(at), participant: String(at - 1n), quote: String(at - 2n), bid: 9 });
  });

  test.each([
    ['2025-03-07', 'the last day of winter time'],
    ['2025-03-10', 'the first of summer time'],
    ['2025-11-03', 'the first of winter time'],
    ['2025-11-28', 'an early close'],
  ])('asks %s (%s) from New York midnight to midnight, oldest first, in full pages', async (date) => {
    await bench.live({}, [date]);
    const midnight = (day: string) =>
      String(BigInt(DateTime.fromISO(day, { zone: 'America/New_York' }).toMillis()) * 1_000_000n);
    const after = DateTime.fromISO(date).plus({ days: 1 }).toISODate() ?? '';
    for (const kind of ['trades', 'quotes']) {
      expect(Object.fromEntries(bench.asked(kind)[0]?.searchParams ?? [])).toEqual({
        'timestamp.gte': midnight(date),
        'timestamp.lt': midnight(after),
        order: 'asc',
        sort: 'timestamp',
        limit: '50000',
      });
    }
  });

  test('a day is asked when its tape is closed, at 20:15 in New York', async () => {
    play();
    bench.now = DateTime.fromISO(`${DAY}T20:14:59`, { zone: 'America/New_York' });
    expect(await bench.live()).toMatchObject({ stored: {}, gaps: [] });
    expect(bench.asked('trades')).toHaveLength(0);
    bench.now = bench.now.plus({ seconds: 1 });
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
  });

  test('a finished day costs no request, and nothing in the table moves', async () => {
    play();
    bench.fake.bars.set('TEST false', [bar(DAY, 10)]);
    bench.fake.bars.set('TEST true', [bar(DAY, 10)]);
    bench.fake.tickers.set('TEST', '{"status":"OK","results":{"ticker":"TEST"}}');
    await bench.live();
    const before = await bench.rows();
    bench.fake.requests.length = 0;
    await bench.reopen();
    expect(await bench.live()).toMatchObject({ gaps: [], notes: [] });
    expect(bench.fake.requests).toEqual([]);
    expect(await bench.rows()).toEqual(before);
  });

  test('a symbol without trades is a gap, and asked again', async () => {
    expect((await bench.live()).gaps).toMatchObject([
      { source: 'polygon_trades', period: DAY, subject: 'TEST' },
    ]);
    play();
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
  });
});

describe('the key', () => {
  test('travels in the header to the configured host alone, and stays nowhere', async () => {
    play();
    bench.fake.pageRows = 10;
    const others: string[] = [];
    const other = createServer((request, response) => {
      others.push(`${request.url} ${request.headers.authorization}`);
      response.end('{}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    // a vendor that writes the key into its own next_url, on a host of its own
    bench.fake.nextUrl = (cursor, where) =>
      `http://user:pass@127.0.0.1:${port}${where}?cursor=${cursor}&apiKey=${KEY}&ApiKey=${KEY}`;
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
    other.close();
    expect(others).toEqual([]);
    expect(new Set(bench.fake.requests.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${KEY}`]),
    );
    expect(bench.fake.requests.map(({ url }) => url.href).join()).not.toContain(KEY);
    expect(bench.asked('trades')).toHaveLength(3);
    expect(bench.said.join()).not.toContain(KEY);
    expect(await bench.filesWith(KEY)).toEqual([]);
  });

  test('is cut out of what the vendor repeats, in errors, gaps and the pages kept', async () => {
    play();
    bench.fake.pageRows = 10;
    bench.fake.nextUrl = (cursor, where) => `https://api.polygon.io${where}?cursor=${cursor}&apiKey=${KEY}`;
    bench.fake.fault = ({ path, url }) => {
      if (!path.includes('/v3/trades') || !url.searchParams.has('cursor')) return undefined;
      return { body: `{"status":"ERROR","error":"bad key ${KEY}"}` };
    };
    const { gaps } = await bench.live();
    expect(gaps.find(({ source }) => source === 'polygon_trades')?.reason).toContain('bad key ***');
    expect(JSON.stringify(gaps)).not.toContain(KEY);
    expect(await bench.filesWith(KEY)).toEqual([]);

    bench.fake.fault = () => ({ status: 401, body: `{"status":"ERROR","error":"Unknown API Key ${KEY}"}` });
    const error = await bench.live().catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toContain('POLYGON_API_KEY');
    expect(`${messageOf(error)} ${JSON.stringify(error)}`).not.toContain(KEY);
  });

  test('a base address with a path of its own keeps it', async () => {
    play();
    bench.fake.pageRows = 10;
    await bench.live({ POLYGON_BASE_URL: `${bench.base}/proxy` });
    expect(new Set(bench.fake.requests.map(({ path }) => path.startsWith('/proxy/v')))).toEqual(
      new Set([true]),
    );
  });

  test('a wrong key ends the run at once', async () => {
    play();
    bench.fake.fault = ({ path }) =>
      path.includes('/v3/')
        ? { status: 401, body: '{"status":"ERROR","error":"Unknown API Key"}' }
        : undefined;
    const error = await bench.live({ TICKERS: 'TEST,B,C,D' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VendorError);
    expect(messageOf(error)).toMatch(/refuses the key \(401: Unknown API Key\).*POLYGON_API_KEY/);
    expect(bench.asked('trades')).toHaveLength(1);
    expect(bench.pauses).toEqual([]);
  });
});

/** TEST fails by `break_`, OTHER is whole: the gap is named, the other day stored, the table of before untouched. */
async function expectGap(reason: RegExp): Promise<void> {
  play('OTHER');
  const result = await bench.live({ TICKERS: 'TEST,OTHER' });
  const gaps = result.gaps.filter(({ source }) => source === 'polygon_trades');
  expect(gaps).toMatchObject([{ period: DAY, subject: 'TEST' }]);
  expect(gaps[0]?.reason).toMatch(reason);
  expect(await bench.db.rows('select symbol, count(*)::integer as n from polygon_trades group by 1')).toEqual(
    [{ symbol: 'OTHER', n: 25 }],
  );
}
const ofTest = (path: string) => path === '/v3/trades/TEST';

describe('pages that lead nowhere', () => {
  beforeEach(() => {
    play();
    bench.fake.pageRows = 10;
  });

  test('a cursor seen before', async () => {
    bench.fake.nextUrl = (cursor, where) =>
      `https://api.polygon.io${where}?cursor=${ofTest(where) ? ROUND : cursor}`;
    await expectGap(/circle/);
    expect(bench.asked('trades/TEST').length).toBeLessThan(5);
  });

  test('cursors without end that show the same page', async () => {
    let count = 0;
    bench.fake.fault = ({ path, url }) => {
      if (!ofTest(path)) return undefined;
      count += 1;
      url.searchParams.delete('cursor');
      const rows =
        bench.fake.ticks
          .get('trades TEST')
          ?.slice(0, 10)
          .map(({ json }) => json) ?? [];
      return {
        body: `{"status":"OK","results":[${rows}],"next_url":"https://api.polygon.io${path}?cursor=x${count}"}`,
      };
    };
    await expectGap(/circle/);
    expect(count).toBeLessThan(30);
  });

  test('an empty page with a further one behind it', async () => {
    bench.fake.fault = ({ path, url }) =>
      ofTest(path) && url.searchParams.has('cursor')
        ? { body: `{"status":"OK","results":[],"next_url":"https://api.polygon.io${path}?cursor=abc"}` }
        : undefined;
    await expectGap(/empty page/);
  });

  test('a page that is not known any more is not the end of the day', async () => {
    bench.fake.fault = ({ path, url }) =>
      ofTest(path) && url.searchParams.has('cursor')
        ? { status: 404, body: '{"status":"NOT_FOUND"}' }
        : undefined;
    await expectGap(/does not know page 2/);
  });
});
const ROUND = Buffer.from(JSON.stringify([0, '0', '9'.repeat(19)])).toString('base64url');

describe('answers that are not whole', () => {
  beforeEach(() => play());
  const whole = () => {
    const rows = bench.fake.ticks.get('trades TEST')?.map(({ json }) => json) ?? [];
    return `{"results":[${rows.join(',')}],"status":"OK","request_id":"made-up"}`;
  };
  /** Answers the trades' first two requests by the fault, then truly. */
  const twice = (fault: {
    status?: number;
    body?: string;
    headers?: Record<string, string>;
    cutAfter?: number;
  }) => {
    let count = 0;
    bench.fake.fault = ({ path }) => {
      if (!ofTest(path)) return undefined;
      count += 1;
      return count <= 2 ? fault : undefined;
    };
  };

  test.each([
    ['a body shorter than its Content-Length', () => ({ cutAfter: 900 })],
    ['JSON cut inside a row', () => ({ body: whole().slice(0, 1000) })],
    [
      'JSON cut behind a row',
      () => ({ body: whole().slice(0, whole().indexOf('},{"conditions"', 2000) + 1) }),
    ],
    ['JSON cut behind the rows', () => ({ body: whole().slice(0, whole().indexOf('],"status"') + 1) })],
    ['a web page with 200', () => ({ body: '<html><body>Bad gateway</body></html>' })],
    ['nothing with 200', () => ({ body: '' })],
    [
      'the text of a 429 with 200',
      () => ({ body: '{"status":"ERROR","error":"You\'ve exceeded the maximum requests per minute"}' }),
    ],
    ['503', () => ({ status: 503, body: 'busy' })],
    ['429', () => ({ status: 429, body: '{"status":"ERROR","error":"exceeded"}' })],
  ])('%s is asked again', async (_, fault) => {
    twice(fault());
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
    expect(bench.asked('trades')).toHaveLength(3);
    expect(bench.pauses).toHaveLength(2);
  });

  test('429 waits as long as it is told, and longer than an overload where it is not', async () => {
    twice({ status: 429, headers: { 'retry-after': '7' }, body: '{}' });
    await bench.live();
    expect(bench.pauses).toEqual([7000, 7000]);
    await bench.empty();
    twice({ status: 429, body: '{}' });
    await bench.live();
    expect(bench.pauses).toEqual([2000, 4000]);
    await bench.empty();
    twice({ status: 500, body: '{}' });
    await bench.live();
    expect(bench.pauses).toEqual([500, 1000]);
  });

  test.each([
    ['503', { status: 503, body: 'down for maintenance' }, /503: down for maintenance, 6 times/],
    ['429', { status: 429, body: '{}' }, /429.*6 times/],
    ['a web page', { body: '<html>login</html>' }, /not whole JSON.*<html>login/],
  ])('%s for ever is a gap, and the others go on', async (_, fault, reason) => {
    bench.fake.fault = ({ path }) => (ofTest(path) ? fault : undefined);
    await expectGap(reason);
  });

  test('after four days that failed in a row the rest is not asked', async () => {
    const tickers = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
    bench.fake.fault = ({ path }) =>
      path.startsWith('/v3/trades') ? { status: 500, body: '{}' } : undefined;
    const { gaps } = await bench.live({ TICKERS: tickers.join(','), POLYGON_QUOTES: 'off' });
    const days = gaps.filter(({ source }) => source === 'polygon_trades');
    expect(days.map(({ subject }) => subject)).toEqual(tickers);
    const asked = new Set(bench.asked('trades').map(({ pathname }) => pathname));
    // two are on their way at the same time
    expect(asked.size).toBeLessThanOrEqual(5);
    expect(days[7]?.reason).toMatch(/not asked any more/);
  });
});

describe('rows that cannot be right', () => {
  test.each([
    ['a price of zero', { price: 0, size: 1 }],
    ['a negative size', { price: 1, size: -1 }],
    ['a negative decimal size', { price: 1, size: 0, decimalSize: '-0.5' }],
    ['a row of the day before', { price: 1, size: 1, ns: session().dayStartNs - 1n }],
    ['a row of the day after', { price: 1, size: 1, ns: session().dayEndNs }],
  ])('%s: the day is not stored and named, what was stored stays', async (_, row) => {
    play();
    await bench.live();
    const before = await bench.rows();
    await bench.db.run("update ingest_log set sha256 = 'another' where source = 'polygon_trades'");
    const bad = tradeJson({ ns: OPEN + 1n, sequence: 99, ...row }).json;
    bench.fake.fault = ({ path }) =>
      ofTest(path) ? { body: `{"status":"OK","results":[${bad}]}` } : undefined;
    const { gaps } = await bench.live();
    expect(gaps.find(({ source }) => source === 'polygon_trades')).toMatchObject({
      period: DAY,
      subject: 'TEST',
      reason: expect.stringMatching(/TEST trades on 2025-07-14 holds a row that cannot be right/),
    });
    expect(await bench.rows()).toEqual(before);
  });

  test('a value that is no number', async () => {
    play();
    bench.fake.fault = ({ path }) =>
      ofTest(path)
        ? { body: `{"status":"OK","results":[{"sip_timestamp":"soon","price":1,"size":1}]}` }
        : undefined;
    await expectGap(/TEST trades on 2025-07-14 cannot be read/);
  });
});

describe('the plan', () => {
  const refuse = (kind: string) => {
    bench.fake.fault = ({ path }) =>
      path.startsWith(`/v3/${kind}`)
        ? { status: 403, body: '{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}' }
        : undefined;
  };
  const days = [DAY, '2025-07-15', '2025-07-16'];
  beforeEach(() => {
    for (const date of days) play('TEST', date);
  });

  test('without quotes: told, asked once, the days are stored', async () => {
    refuse('quotes');
    const result = await bench.live({}, days);
    expect(result).toMatchObject({ stored: { polygon_trades: 75 }, plan: 'no quotes' });
    expect(bench.asked('quotes')).toHaveLength(1);
    expect(await bench.rows('polygon_trades', 'distinct bid, quote_timestamp')).toEqual([
      "{'bid': NULL, 'quote_timestamp': NULL}",
    ]);
  });

  test('without quotes, POLYGON_QUOTES=on: an error that says what to do', async () => {
    refuse('quotes');
    await expect(bench.live({ POLYGON_QUOTES: 'on' }, days)).rejects.toThrow(
      /POLYGON_QUOTES=on.*not entitled.*POLYGON_QUOTES=auto/,
    );
    expect(await bench.rows()).toEqual([]);
  });

  test('without trades: told, asked once, nothing stored, no gap', async () => {
    refuse('');
    const result = await bench.live({}, days);
    expect(result.gaps.filter(({ source }) => source === 'polygon_trades')).toEqual([]);
    expect(result).toMatchObject({ stored: {}, plan: 'no trades' });
    expect(bench.asked('trades')).toHaveLength(1);
    expect(await bench.rows()).toEqual([]);
  });

  test('POLYGON_QUOTES=off asks no quotes', async () => {
    const result = await bench.live({ POLYGON_QUOTES: 'off' }, days);
    expect(result).toMatchObject({ stored: { polygon_trades: 75 }, notes: [] });
    expect(bench.asked('quotes')).toEqual([]);
  });

  test('POLYGON_REQUESTS_PER_MINUTE is kept by all calls together', async () => {
    const begun = bench.live({ POLYGON_REQUESTS_PER_MINUTE: '3' }, days).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(bench.fake.requests).toHaveLength(3);
    // the rest would wait a minute: leave it behind
    void begun;
    await bench.close();
    bench = await PolygonBench.open();
  });
});

describe('an interrupted run', () => {
  test('goes on from the last page staged', async () => {
    play();
    bench.fake.pageRows = 5;
    bench.fake.nextUrl = (cursor, where) => `https://api.polygon.io${where}?cursor=${cursor}`;
    let allowed = 3;
    bench.fake.fault = ({ path }) =>
      ofTest(path) && allowed-- <= 0 ? { status: 500, body: '{}' } : undefined;
    expect((await bench.live()).gaps.some(({ subject }) => subject === 'TEST')).toBe(true);
    bench.fake.fault = () => undefined;
    bench.fake.requests.length = 0;
    await bench.reopen();
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
    expect(bench.asked('trades')).toHaveLength(2);
    expect(bench.asked('quotes')).toHaveLength(0);
    const interrupted = await bench.rows();
    await bench.empty();
    await bench.live();
    expect(await bench.rows()).toEqual(interrupted);
  });

  test.each([400, 404])('begins the day again when its cursor is answered %i', async (status) => {
    play();
    bench.fake.pageRows = 10;
    let count = 0;
    bench.fake.fault = ({ path, url }) => {
      if (!ofTest(path)) return undefined;
      count += 1;
      if (count > 1 && count <= 7) return { status: 500, body: '{}' };
      if (count === 8 && url.searchParams.has('cursor')) return { status, body: '{"status":"NOT_FOUND"}' };
      return undefined;
    };
    await bench.live();
    expect(await bench.rows()).toEqual([]);
    expect(await bench.live()).toMatchObject({ stored: { polygon_trades: 25 } });
  });
});

describe('what a row says', () => {
  const store = async (...rows: Parameters<typeof tradeJson>[0][]) => {
    bench.fake.ticks.set('trades TEST', rows.map(tradeJson));
    await bench.live();
  };

  test('the decimal size wins, absent fields are NULL', async () => {
    bench.fake.ticks.set('trades TEST', [
      tradeJson({ ns: OPEN, price: 10.1234, size: 0, decimalSize: '0.123456', sequence: 1 }),
      {
        ns: OPEN + 1n,
        json: `{"id":"x","price":5,"sequence_number":2,"sip_timestamp":${OPEN + 1n},"size":3}`,
      },
    ]);
    await bench.live();
    expect(
      await bench.rows(
        'polygon_trades',
        'price, size, conditions, correction, tape, trf_id, exchange, participant_timestamp as p',
      ),
    ).toEqual([
      "{'price': 10.1234, 'size': 0.123456, 'conditions': NULL, 'correction': NULL, 'tape': 1, 'trf_id': NULL, 'exchange': 11, 'p': '2025-07-14 13:30:00'}",
      "{'price': 5.0, 'size': 3.0, 'conditions': NULL, 'correction': NULL, 'tape': NULL, 'trf_id': NULL, 'exchange': NULL, 'p': NULL}",
    ]);
  });

  test('re-reports and cancelled rows are dropped, whatever their price; a correction of 1 is kept', async () => {
    const row = { price: 10, size: 1, ns: OPEN };
    await store(
      ...[[15], [16, 37], [38]].map((conditions, i) => ({ ...row, conditions, sequence: i + 1 })),
      ...[7, 8, 10, 11, 12].map((correction, i) => ({ ...row, correction, sequence: i + 10 })),
      { ...row, price: 0, correction: 8, sequence: 20 },
      ...[0, 1, 2].map((correction, i) => ({ ...row, correction, sequence: i + 30 })),
      { ...row, conditions: [14, 37, 41], sequence: 40 },
      // 12 repeats the original under the same identity as the 1 that corrects it: the 1 must stay
      { ...row, correction: 12, sequence: 50, id: 'same', price: 99 },
      { ...row, correction: 1, sequence: 50, id: 'same', price: 11 },
    );
    const kept = await bench.db.rows<{ n: number }>(
      'select sequence_number::integer as n, price from polygon_trades order by 1',
    );
    expect(kept).toEqual([30, 31, 32, 40, 50].map((n) => ({ n, price: n === 50 ? 11 : 10 })));
  });

  test('rows that come twice across pages are one; equal rows without an id are two', async () => {
    play();
    const rows = bench.fake.ticks.get('trades TEST') ?? [];
    const bare = {
      ns: OPEN + 999_999_999n,
      json: `{"price":5,"sip_timestamp":${OPEN + 999_999_999n},"size":3}`,
    };
    await bench.live();
    const once = await bench.rows();
    await bench.empty();
    bench.fake.pageRows = 10;
    // pages that overlap by three rows, and two prints that nothing tells apart
    bench.fake.ticks.set('trades TEST', [
      ...rows.slice(0, 12),
      ...rows.slice(9, 20),
      ...rows.slice(17),
      bare,
      bare,
    ]);
    await bench.live();
    const stored = await bench.rows();
    expect(stored.slice(0, 25)).toEqual(once);
    expect(stored).toHaveLength(27);
    expect(stored[25]).toBe(stored[26]);
  });
});

describe('the NBBO before a trade', () => {
  const at = (offset: number) => OPEN + BigInt(offset);
  async function nbbo(settings: Record<string, string> = {}): Promise<(string | null)[]> {
    await bench.live(settings);
    const rows = await bench.db.rows<{ found: string }>(
      `select coalesce(bid::varchar, '-') || '/' || coalesce(ask::varchar, '-') || ' ' ||
         coalesce((epoch_ns(quote_timestamp) - ${OPEN})::varchar, '-') as found
       from polygon_trades order by sequence_number`,
    );
    return rows.map(({ found }) => found);
  }
  const trades = (...rows: { at: number; participant?: number | null }[]) =>
    bench.fake.ticks.set(
      'trades TEST',
      rows.map(({ at: offset, participant }, i) => {
        const row = tradeJson({
          ns: at(offset),
          price: 10,
          size: 1,
          sequence: i + 1,
          participantNs: at(participant ?? offset),
        });
        if (participant !== null) return row;
        return { ns: row.ns, json: row.json.replace(/"participant_timestamp":\d+,/, '') };
      }),
    );

  test('is the last one strictly before, by time and sequence', async () => {
    trades({ at: 5 }, { at: 10 }, { at: 11 }, { at: 20 });
    bench.fake.ticks.set('quotes TEST', [
      quoteJson({ ns: at(10), bid: 2, ask: 4, sequence: 8 }),
      quoteJson({ ns: at(10), bid: 3, ask: 5, sequence: 9 }),
      quoteJson({ ns: at(10), bid: 1, ask: 3, sequence: 7 }),
      quoteJson({ ns: at(20), bid: 7, ask: 8, sequence: 10 }),
    ]);
    expect(await nbbo()).toEqual(['-/- -', '-/- -', '3.0/5.0 10', '3.0/5.0 10']);
  });

  test('counts only when older than the lag, strictly', async () => {
    trades({ at: 109 }, { at: 110 }, { at: 111 });
    bench.fake.ticks.set('quotes TEST', [quoteJson({ ns: at(10), bid: 1, ask: 2, sequence: 1 })]);
    expect(await nbbo({ QUOTE_LAG_NS: '100' })).toEqual(['-/- -', '-/- -', '1.0/2.0 10']);
  });

  test('by the clock of execution, the tape’s where a row has none; or by the tape’s clock', async () => {
    trades({ at: 100, participant: 15 }, { at: 100, participant: null }, { at: 100, participant: 45 });
    const quote = (sip: number, participant: number, bid: number) =>
      quoteJson({ ns: at(sip), participantNs: at(participant), bid, ask: bid + 1, sequence: bid });
    const bare = quoteJson({ ns: at(40), bid: 3, ask: 4, sequence: 3 });
    bench.fake.ticks.set('quotes TEST', [
      quote(20, 10, 1),
      quote(30, 20, 2),
      { ns: bare.ns, json: bare.json.replace(/"participant_timestamp":\d+,/, '') },
      quote(120, 90, 4),
    ]);
    expect(await nbbo()).toEqual(['1.0/2.0 10', '4.0/5.0 90', '3.0/4.0 40']);
    await bench.empty();
    expect(await nbbo({ MATCH_CLOCK: 'sip' })).toEqual(['3.0/4.0 40', '3.0/4.0 40', '3.0/4.0 40']);
  });

  test('a side without a price is NULL, and its quote still counts', async () => {
    trades({ at: 15 }, { at: 25 }, { at: 35 }, { at: 45 });
    bench.fake.ticks.set('quotes TEST', [
      quoteJson({ ns: at(10), bid: 1, ask: 0, sequence: 1 }),
      quoteJson({ ns: at(20), ask: 2, sequence: 2 }),
      quoteJson({ ns: at(30), bid: -1, ask: 2, sequence: 3 }),
      quoteJson({ ns: at(40), sequence: 4 }),
    ]);
    expect(await nbbo()).toEqual(['1.0/- 10', '-/2.0 20', '-/2.0 30', '-/- 40']);
  });

  test('a stamp of another year reaches into no other symbol', async () => {
    const far = 4_102_444_800_000_000_000n;
    bench.fake.ticks.set('trades TEST', [
      tradeJson({ ns: at(50), price: 1, size: 1, sequence: 1, participantNs: far }),
      tradeJson({ ns: at(60), price: 1, size: 1, sequence: 2, participantNs: 1n }),
    ]);
    bench.fake.ticks.set('quotes TEST', [quoteJson({ ns: at(10), bid: 1, ask: 2, sequence: 1 })]);
    expect(await nbbo()).toEqual(['1.0/2.0 10', '-/- -']);
  });
});

/** One daily bar as Polygon writes it: `t` is New York midnight in ms. */
function bar(date: string, close: number): string {
  const t = Number(session(date).dayStartNs / 1_000_000n);
  return `{"v":1000,"vw":${close},"o":${close},"c":${close},"h":${close + 1},"l":${close - 1},"t":${t},"n":5}`;
}

describe('daily bars and reference', () => {
  const closes = () =>
    bench.db.rows(
      'select date::varchar as date, adjusted, close from polygon_bars_daily order by date, adjusted',
    );

  test('raw and adjusted are stored under the market’s date', async () => {
    bench.fake.bars.set('TEST false', [bar('2025-03-07', 100), bar('2025-03-10', 102)]);
    bench.fake.bars.set('TEST true', [bar('2025-03-07', 50), bar('2025-03-10', 51)]);
    const result = await bench.live({}, ['2025-03-10']);
    expect(result.stored.polygon_bars_daily).toBe(4);
    expect(await closes()).toEqual([
      { date: '2025-03-07', adjusted: false, close: 100 },
      { date: '2025-03-07', adjusted: true, close: 50 },
      { date: '2025-03-10', adjusted: false, close: 102 },
      { date: '2025-03-10', adjusted: true, close: 51 },
    ]);
    bench.fake.requests.length = 0;
    await bench.live({}, ['2025-03-10']);
    expect(bench.asked('aggs')).toEqual([]);
  });

  test('a split since re-bases every adjusted bar that is stored', async () => {
    bench.fake.bars.set(
      'TEST false',
      ['2024-06-03', '2024-06-04', '2025-07-11'].map((date) => bar(date, 100)),
    );
    bench.fake.bars.set(
      'TEST true',
      ['2024-06-03', '2024-06-04', '2025-07-11'].map((date) => bar(date, 100)),
    );
    await bench.live({}, ['2025-07-11']);
    for (const adjusted of [false, true]) {
      bench.fake.bars.set(
        `TEST ${adjusted}`,
        ['2024-06-03', '2024-06-04', '2025-07-11', '2025-07-14'].map((date) =>
          bar(date, adjusted ? 25 : date < '2025-07-14' ? 100 : 25),
        ),
      );
    }
    bench.fake.requests.length = 0;
    await bench.live({}, [DAY]);
    // the whole history once more, from its first stored bar
    expect(bench.asked('aggs').some(({ pathname }) => pathname.includes('/2024-06-03/'))).toBe(true);
    expect((await closes()).filter(({ adjusted }) => adjusted === true).map(({ close }) => close)).toEqual([
      25, 25, 25, 25,
    ]);
    expect((await closes()).filter(({ adjusted }) => adjusted === false).map(({ close }) => close)).toEqual([
      100, 100, 100, 25,
    ]);
  });

  test('a bar that cannot be right is a gap of its symbol, and nothing of it is stored', async () => {
    bench.fake.bars.set('TEST false', [bar(DAY, 10).replace('"h":11', '"h":1')]);
    bench.fake.bars.set('B false', [bar(DAY, 10)]);
    const result = await bench.live({ TICKERS: 'TEST,B' });
    expect(result.gaps.filter(({ source }) => source === 'polygon_bars_daily')).toMatchObject([
      { subject: 'TEST' },
    ]);
    expect(await bench.rows('polygon_bars_daily', 'symbol')).toEqual(["{'symbol': B}"]);
  });

  test('the reference is stored and asked again after a week; an unknown ticker is remembered too', async () => {
    bench.fake.tickers.set(
      'TEST',
      '{"status":"OK","results":{"ticker":"TEST","name":"Test Corp","type":"CS","sic_code":"1311","market_cap":12.5}}',
    );
    await bench.live({ TICKERS: 'TEST,NONE' });
    expect(
      await bench.db.rows('select symbol, name, sic_code, market_cap from ticker_reference order by 1'),
    ).toEqual([
      { symbol: 'NONE', name: null, sic_code: null, market_cap: null },
      { symbol: 'TEST', name: 'Test Corp', sic_code: '1311', market_cap: 12.5 },
    ]);
    bench.fake.requests.length = 0;
    bench.now = bench.now.plus({ days: 6 });
    await bench.live({ TICKERS: 'TEST,NONE' });
    expect(bench.asked('tickers')).toEqual([]);
    bench.now = bench.now.plus({ days: 1 });
    await bench.live({ TICKERS: 'TEST,NONE' });
    expect(bench.asked('tickers')).toHaveLength(2);
  });
});
