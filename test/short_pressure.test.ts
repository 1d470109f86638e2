import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { analytics } from '../darkpool_analysis/analytics.js';
import { fetchIndexMembers } from '../darkpool_analysis/fetch_polygon_equity/tape_totals.js';
import { sessionsBack } from '../darkpool_analysis/market_calendar.js';
import { PipelineBench } from './support/pipeline.js';

/** 75 sessions up to 2025-07-18, oldest first. */
const DAYS = sessionsBack('2025-07-18', 75).map(({ date }) => date);
const day = (back: number) => DAYS[DAYS.length - 1 - back] ?? '';
const LAST = day(0);
let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
});
afterAll(() => bench.close());
beforeEach(() => bench.clear());

/** Reg SHO of a day: short and total shares. */
async function regsho(symbol: string, date: string, short: number, total: number, family = 'CNMS') {
  await bench.db.run(
    `insert into finra_regsho_daily values ($date::date, $family, $symbol, $symbol, $short, 0, $total, 'Q', 'test');
     insert into pending_days values ($symbol, $date::date)`,
    { symbol, date, short, total, family },
  );
}

/** A run of DPIs, in per cent of 1,000 shares, ending `back` sessions before the last. */
async function series(symbol: string, percents: readonly (number | null)[], back = 0): Promise<void> {
  for (const [i, percent] of percents.entries()) {
    const date = day(back + percents.length - 1 - i);
    if (percent !== null) await regsho(symbol, date, 10 * percent, 1000);
  }
}

async function bar(symbol: string, date: string, close: number, adjusted = false) {
  await bench.db.run(
    `insert into polygon_bars_daily (symbol, date, adjusted, close, volume) values ($symbol, $date::date, $adjusted, $close, 10000)`,
    { symbol, date, close, adjusted },
  );
}

async function compute(tickers: readonly string[], members?: string): Promise<void> {
  const ctx = bench.context({ INFERENCE_VERSION: 'OptionB_v1' });
  const file = path.join(bench.folder, 'sp.csv');
  if (members !== undefined) writeFileSync(file, members);
  const config = { ...ctx.config, INDEX_MEMBERS_FILE: members === undefined ? undefined : file };
  await fetchIndexMembers({ ...ctx, config } as typeof ctx);
  await analytics(ctx, { dates: [LAST], tickers });
}

async function pressure(symbol: string, date = LAST) {
  const [row] = await bench.db.rows<Record<string, unknown>>(
    `select short_volume as short, total_volume as total, dpi, dpi_z20 as z20, dpi_z60 as z60, dix,
       dix_members as members, dix_universe as universe, dix_price as price
     from short_pressure_daily where symbol = $symbol and date = $date::date`,
    { symbol, date },
  );
  return row;
}

const near = (value: number) => expect.closeTo(value, 9);

describe('DPI and its scores', () => {
  // ten times 40 and 60 %: mean 0.5, sample variance 20 · 0.01 / 19
  const swing = (n: number) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 40 : 60));
  const SD20 = Math.sqrt(0.2 / 19);
  const SD60 = Math.sqrt(0.6 / 59);

  test('short ÷ total, CNMS and FORF alone', async () => {
    await regsho('GME', LAST, 400, 1000);
    await regsho('GME', LAST, 999, 999, 'FNSQ');
    await regsho('OTCX', LAST, 25.5, 100.25, 'FORF');
    await regsho('NIL', LAST, 0, 0);
    await compute(['GME', 'OTCX', 'NIL']);
    expect(await pressure('GME')).toMatchObject({ short: 400, total: 1000, dpi: 0.4, z20: null, z60: null });
    expect((await pressure('OTCX'))?.dpi).toEqual(near(25.5 / 100.25));
    expect((await pressure('NIL'))?.dpi).toBeNull();
  });

  test('twenty sessions before the day, with the sample standard deviation', async () => {
    await series('GME', [...swing(20), 65]);
    await compute(['GME']);
    // (0.65 − 0.5) / 0.10260
    expect((await pressure('GME'))?.z20).toEqual(near(0.15 / SD20));
    expect((await pressure('GME'))?.z60).toBeNull();
    // the day before has nineteen before it
    expect((await pressure('GME', day(1)))?.z20).toBeNull();
  });

  test('a session missing among the twenty: no score, however many there are before', async () => {
    const percents: (number | null)[] = swing(40);
    percents[30] = null;
    await series('GME', [...percents, 65]);
    await compute(['GME']);
    expect((await pressure('GME'))?.dpi).toBe(0.65);
    expect((await pressure('GME'))?.z20).toBeNull();
    // the 21st before does not matter: the missing one is ten sessions before the last
    expect((await pressure('GME', day(11)))?.z20).toEqual(near(0.1 / SD20));
  });

  test('sixty sessions', async () => {
    await series('GME', [...swing(60), 65]);
    await compute(['GME']);
    expect((await pressure('GME'))?.z60).toEqual(near(0.15 / SD60));
    expect((await pressure('GME'))?.z20).toEqual(near(0.15 / SD20));
    expect((await pressure('GME', day(1)))?.z60).toBeNull();
  });

  test('a DPI that never moved has no score, whatever rounding makes of it', async () => {
    for (const [symbol, percent] of [
      ['TENTH', 10],
      ['THIRD', 100 / 3],
      ['SEVENTH', 100 / 7],
    ] as const) {
      await series(symbol, [...Array.from({ length: 60 }, () => percent), 65]);
    }
    await compute(['TENTH', 'THIRD', 'SEVENTH']);
    for (const symbol of ['TENTH', 'THIRD', 'SEVENTH']) {
      for (let back = 0; back < 30; back++) {
        expect(await pressure(symbol, day(back)), `${symbol} ${back}`).toMatchObject({ z60: null });
        if (back < 20) expect((await pressure(symbol, day(back)))?.z20, `${symbol} ${back}`).toBeNull();
      }
    }
  });

  test('a file posted again moves the scores of the sessions after it', async () => {
    await series('GME', [...swing(20), 65, 65]);
    await compute(['GME']);
    const before = (await pressure('GME'))?.z20;
    await bench.db.run(
      `update finra_regsho_daily set short_volume = 0 where date = '${day(3)}'; insert into pending_days values ('GME', date '${day(3)}')`,
    );
    await compute(['GME']);
    const after = (await pressure('GME'))?.z20;
    expect(after).not.toBeNull();
    expect(after).not.toBe(before);
  });
});

describe('DIX', () => {
  beforeEach(async () => {
    // GME 400 of 1,000 at 20; AMC 900 of 1,000 at 5; SPY 100 of 1,000 at 600; NOBAR without a bar
    await regsho('GME', LAST, 400, 1000);
    await regsho('AMC', LAST, 900, 1000);
    await regsho('SPY', LAST, 100, 1000);
    await regsho('NOBAR', LAST, 1000, 1000);
    await bar('GME', LAST, 20);
    await bar('GME', LAST, 2, true);
    await bar('AMC', LAST, 5);
    await bar('SPY', LAST, 600);
    await bar('NOBAR', LAST, 9, true);
  });

  test('over the watch list, and it says so; raw closes', async () => {
    await compute(['GME', 'AMC', 'NOBAR']);
    // (20 · 400 + 5 · 900) / (20 · 1,000 + 5 · 1,000) = 12,500 / 25,000; NOBAR has no raw bar
    const dix = { dix: 0.5, members: 2, universe: 'watch list', price: 'raw close of the day' };
    for (const symbol of ['GME', 'AMC', 'NOBAR']) expect(await pressure(symbol)).toMatchObject(dix);
    expect(await pressure('SPY')).toBeUndefined();
  });

  test('over INDEX_MEMBERS_FILE, and it says which; a member without Reg SHO or bar is left out', async () => {
    await compute(['GME'], 'symbol,weight\nGME,1\nSPY,50\nNOBAR,1\nNOWHERE,1\n');
    // (20 · 400 + 600 · 100) / 620,000 = 68,000 / 620,000; the weights of the file are not used
    expect(await pressure('GME')).toMatchObject({ dix: near(68 / 620), members: 2, universe: 'sp.csv' });
    // members have a DPI though nobody watches them
    expect((await pressure('SPY'))?.dpi).toBe(0.1);
  });

  test('another list of members: every day is computed anew; none again: the watch list', async () => {
    await regsho('GME', day(30), 600, 1000);
    await bar('GME', day(30), 20);
    await compute(['GME'], 'symbol\nGME\n');
    expect(await pressure('GME')).toMatchObject({ dix: 0.4, members: 1, universe: 'sp.csv' });
    // pending is empty from here on: only the list changes
    await compute(['GME'], '\uFEFFSymbol\r\nGME\r\n\r\nAMC\r\n');
    expect(await pressure('GME')).toMatchObject({ dix: 0.5, members: 2, universe: 'sp.csv' });
    expect(await pressure('GME', day(30))).toMatchObject({ dix: 0.6, members: 1, universe: 'sp.csv' });
    await compute(['GME']);
    expect(await pressure('GME')).toMatchObject({ dix: 0.4, members: 1, universe: 'watch list' });
    expect(await pressure('GME', day(30))).toMatchObject({ dix: 0.6, universe: 'watch list' });
    // and the same file set again is read again
    await compute(['GME'], 'symbol\nGME\nAMC\n');
    expect(await pressure('GME')).toMatchObject({ dix: 0.5, members: 2, universe: 'sp.csv' });
  });

  test('a day without a member’s bar has no DIX and names no price', async () => {
    await regsho('GME', day(1), 600, 1000);
    await compute(['GME']);
    expect(await pressure('GME', day(1))).toMatchObject({ dpi: 0.6, dix: null, members: null, price: null });
  });
});
