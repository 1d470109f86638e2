import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { createHttp } from '../darkpool_analysis/http.js';
import { createLog } from '../darkpool_analysis/log.js';
import { sessionOn, sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { type RunResult, run } from '../darkpool_analysis/orchestrator.js';
import { FakeFinra, weeklyRow } from './support/fake_finra.js';
import { FakePolygon, quoteJson, tradeJson } from './support/fake_polygon.js';

/**
 * A user with keys, over five weeks: the week of 2025-07-14 is traded, seen on the tape the next morning, published by
 * FINRA on 2025-08-04 and restated downwards on 2025-08-11. Both vendors are local servers.
 */
const SECRET = 'sk-live-4711-never-to-be-seen';
const WEEK = '2025-07-14';
const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-live-'));
const polygon = new FakePolygon();
let finra: FakeFinra;
let polygonUrl = '';
let logged = '';

beforeAll(async () => {
  polygonUrl = await polygon.start();
  finra = await FakeFinra.start();
  // Each day: 12,000 shares lit bought at the ask, 8,000 sold at the bid, 10,000 off exchange; 100 × day of the week more.
  sessionsBetween(WEEK, '2025-07-18').forEach((session, day) => {
    const at = (seconds: number) => session.openNs + BigInt(seconds) * 1_000_000_000n + 123_456_789n;
    const more = 100 * day;
    polygon.ticks.set('trades GME', [
      ...(polygon.ticks.get('trades GME') ?? []),
      tradeJson({ ns: at(60), price: 20.02, size: 12_000, sequence: 10 }),
      tradeJson({ ns: at(61), price: 20.0, size: 8_000, sequence: 11 }),
      tradeJson({ ns: at(62), price: 20.01, size: 10_000 + more, sequence: 12, exchange: 4, trfId: 202 }),
    ]);
    polygon.ticks.set('quotes GME', [
      ...(polygon.ticks.get('quotes GME') ?? []),
      quoteJson({ ns: at(1), bid: 20.0, ask: 20.02, sequence: 1 }),
    ]);
    const bar = `{"t":${session.dayStartNs / 1_000_000n},"o":20,"h":20.02,"l":20,"c":20.01,"v":${30_000 + more},"vw":20.01,"n":3}`;
    for (const adjusted of ['true', 'false']) {
      polygon.bars.set(`GME ${adjusted}`, [...(polygon.bars.get(`GME ${adjusted}`) ?? []), bar]);
    }
    finra.files.set(
      `CNMSshvol${session.date.replaceAll('-', '')}.txt`,
      `Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\r\n${session.date.replaceAll('-', '')}|GME|4000|0|9000|B,Q,N\r\n1\r\n`,
    );
    finra.files.set(
      `FORFshvol${session.date.replaceAll('-', '')}.txt`,
      'Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\r\n0\r\n',
    );
  });
});
afterAll(async () => {
  await polygon.stop();
  await finra.stop();
  rmSync(folder, { recursive: true, force: true });
});

function runAt(instant: string, env: Record<string, string> = {}): Promise<RunResult> {
  const config = loadConfig({
    env: {
      DATA_SOURCE: 'live',
      TICKERS: 'GME,SPXW',
      TARGET_DATE: '2025-07-18',
      DAILY_LOOKBACK: '5',
      POLYGON_API_KEY: SECRET,
      POLYGON_BASE_URL: polygonUrl,
      FINRA_OTC_URL: `${finra.url}/weeklySummary`,
      FINRA_REGSHO_URL: `${finra.url}/regsho`,
      ...env,
    },
    cwd: folder,
  });
  const stream = { write: (line: string) => (logged += line) } as unknown as NodeJS.WriteStream;
  return run({
    config,
    log: createLog({ secrets: config.secrets, stream }),
    http: createHttp({ baseDelayMs: 1, attempts: 3 }),
    clock: { now: () => DateTime.fromISO(instant, { zone: 'America/New_York' }) },
    plots: false,
  });
}

async function ask<T>(sql: string): Promise<T[]> {
  const db = await PublishedDatabase.open(path.join(folder, 'data'));
  try {
    return await db.rows<T>(sql);
  } finally {
    db.close();
  }
}
const days = () =>
  ask(
    `select date::varchar as date, volume_basis, total_off_exchange_volume as volume, buy_ratio, signal
     from darkpool_daily_summary order by date`,
  );

describe('through time', () => {
  test('the evening of the day: Reg SHO is there, the tape is not whole yet', async () => {
    const result = await runAt('2025-07-14T18:30', { TARGET_DATE: WEEK, DAILY_LOOKBACK: '1' });
    expect(result).toMatchObject({ exitCode: 0, gaps: [], failures: [] });
    expect(await days()).toEqual([
      { date: WEEK, volume_basis: 'regsho', volume: 9000, buy_ratio: null, signal: null },
    ]);
  });

  test('the mornings after: the tape, with sides', async () => {
    const result = await runAt('2025-07-19T07:30');
    expect(result).toMatchObject({ exitCode: 0, gaps: [], failures: [] });
    // 12,000 bought against 8,000 sold: 0.6, above 1.25 × sold
    expect(await days()).toEqual(
      ['14', '15', '16', '17', '18'].map((day, i) => ({
        date: `2025-07-${day}`,
        volume_basis: 'tape',
        volume: 10_000 + 100 * i,
        buy_ratio: 0.6,
        signal: 'BOT',
      })),
    );
  });

  test('nothing new costs no request, but for the weeks FINRA still owes', async () => {
    const before = polygon.requests.length + finra.regshoAsked.length;
    const result = await runAt('2025-07-19T08:30');
    expect(result).toMatchObject({ exitCode: 0, rows: [] });
    expect(polygon.requests.length + finra.regshoAsked.length).toBe(before);
  });

  test('FINRA is due and silent: a gap that names week and day', async () => {
    const result = await runAt('2025-08-04T07:30');
    expect(result.exitCode).toBe(3);
    expect(result.gaps.map(({ period, subject }) => `${period} ${subject}`).join()).toContain(`${WEEK} T1`);
  });

  test('FINRA publishes: days become finra_week, what was first said stays, the error shows', async () => {
    finra.rows = [
      weeklyRow({
        week: WEEK,
        symbol: 'GME',
        shares: 30_600,
        published: '2025-08-04',
        updated: '2025-08-04',
      }),
      weeklyRow({
        week: WEEK,
        symbol: 'GME',
        cut: 'OTC_W_SMBL',
        shares: 20_400,
        published: '2025-08-04',
        updated: '2025-08-04',
      }),
    ];
    await runAt('2025-08-05T07:30');
    // FINRA's 51,000 by the tape's 10,000 … 10,400 of 51,000
    expect(await days()).toMatchObject(
      [0, 1, 2, 3, 4].map((i) => ({ volume_basis: 'finra_week', volume: 10_000 + 100 * i })),
    );
    expect(
      await ask(
        'select volume_basis, count(*)::integer as n, sum(off_exchange_volume) as s from off_exchange_volume_estimates group by 1 order by 1',
      ),
    ).toEqual([
      { volume_basis: 'regsho', n: 1, s: 9000 },
      { volume_basis: 'tape', n: 5, s: 51_000 },
    ]);
    // first said: 9,000 of Reg SHO on the Monday, the tape on the others
    expect(await ask('select finra, tape_nowcast, tape_error, first_estimate from nowcast_error')).toEqual([
      { finra: 51_000, tape_nowcast: 51_000, tape_error: 0, first_estimate: 50_000 },
    ]);
    expect(
      await ask(
        'select ats_volume, non_ats_volume, estimated_bought, trend, lit_days, complete, signal from darkpool_weekly_summary',
      ),
    ).toEqual([
      {
        ats_volume: 30_600,
        non_ats_volume: 20_400,
        estimated_bought: 30_600,
        trend: null,
        lit_days: 5,
        complete: true,
        signal: 'BOT',
      },
    ]);
  });

  test('a week restated downwards: every version stays, nothing doubles, and the past sees the past', async () => {
    finra.rows = finra.rows.map((row) => ({
      ...row,
      totalWeeklyShareQuantity: Number(row.totalWeeklyShareQuantity) / 2,
      lastUpdateDate: '2025-08-11',
    }));
    await runAt('2025-08-12T07:30');
    expect((await days())[0]).toMatchObject({ volume_basis: 'finra_week', volume: 5000 });
    expect(await ask('select count(*)::integer as n, sum(shares) as s from finra_otc_weekly')).toEqual([
      { n: 4, s: 76_500 },
    ]);
    expect(await ask('select sum(shares) as s from finra_otc_weekly_current')).toEqual([{ s: 25_500 }]);
    expect(await ask("select sum(shares) as s from finra_otc_weekly_as_of(date '2025-08-10')")).toEqual([
      { s: 51_000 },
    ]);
    expect(await ask("select sum(shares) as s from finra_otc_weekly_as_of(date '2025-08-03')")).toEqual([
      { s: null },
    ]);
    expect(await ask('select total_off_exchange_volume as v from darkpool_weekly_summary')).toEqual([
      { v: 25_500 },
    ]);
  });

  test('FINRA gone: what is stored stays whole, the rest goes on', async () => {
    const before = await days();
    finra.intervene = (_asked, response) => {
      response.writeHead(503).end();
      return true;
    };
    const result = await runAt('2025-08-13T07:30');
    finra.intervene = () => false;
    expect([1, 3]).toContain(result.exitCode);
    expect([...result.failures, ...result.gaps.map(({ reason }) => reason)].join()).toContain('503');
    expect(await days()).toEqual(before);
  });

  test('a wrong key: named, exit 1, FINRA’s part is done', async () => {
    polygon.fault = () => ({ status: 401, body: '{"status":"ERROR","error":"Unknown API Key"}' });
    const result = await runAt('2025-08-14T07:30', { TARGET_DATE: '2025-07-21', DAILY_LOOKBACK: '1' });
    polygon.fault = () => undefined;
    expect(result.exitCode).toBe(1);
    expect(result.failures.join()).toContain('POLYGON_API_KEY');
  });

  test('the key is nowhere: not in the database, the outputs, the logs or an address', () => {
    expect(polygon.requests.length).toBeGreaterThan(5);
    for (const request of polygon.requests) {
      expect(request.authorization).toBe(`Bearer ${SECRET}`);
      expect(request.url.href).not.toContain(SECRET);
    }
    expect(logged).not.toContain(SECRET);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) {
        expect(readFileSync(path.join(entry.parentPath, entry.name)).includes(SECRET), entry.name).toBe(
          false,
        );
      }
    }
  });

  test('a session that is not over is not processed, and a Saturday is a success that says so', async () => {
    const open = await runAt('2025-07-21T12:00', { TARGET_DATE: '2025-07-21', DAILY_LOOKBACK: '1' });
    expect(open.notes.join()).toContain('not over yet');
    const saturday = await runAt('2025-07-19T12:00', { TARGET_DATE: '2025-07-19', DAILY_LOOKBACK: '1' });
    expect(saturday.exitCode).toBe(0);
    expect(saturday.notes.join()).toMatch(/2025-07-19 has no session/);
    expect(sessionOn('2025-07-19')).toBeUndefined();
  });
});
