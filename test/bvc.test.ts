import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { analytics } from '../darkpool_analysis/analytics.js';
import { DISCLAIMER, disclaimerFor } from '../darkpool_analysis/disclaimer.js';
import { inferBuySell } from '../darkpool_analysis/infer_buy_sell.js';
import { type Minute, minutesOf } from './support/fake_minute_bars.js';
import { DAY, ns, PipelineBench, type Settings } from './support/pipeline.js';

let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
});
beforeEach(() => bench.clear());
afterAll(() => bench.close());

/** Minute bars as fetchMinuteBars leaves them, their days pending. */
async function insert(minutes: readonly (Minute & { symbol?: string })[]): Promise<void> {
  const rows = minutes.map(({ symbol = 'T', date = DAY, at, close, volume }) => ({
    symbol,
    date,
    ns: String(ns(date, at)),
    close,
    volume,
  }));
  await bench.db.run(
    `create or replace temp table bars_by_hand as
     select unnest(from_json($rows, '[{"symbol":"VARCHAR","date":"DATE","ns":"BIGINT","close":"DOUBLE","volume":"DOUBLE"}]'), recursive := true);
     delete from polygon_bars_minute b using bars_by_hand h where b.symbol = h.symbol and b.date = h.date;
     insert into polygon_bars_minute select symbol, date, make_timestamp_ns(ns)::timestamp, close, volume from bars_by_hand;
     insert into pending_days select distinct symbol, date from bars_by_hand except from pending_days`,
    { rows: JSON.stringify(rows) },
  );
}

async function compute(settings: Settings = {}, tickers: readonly string[] = ['T'], dates = [DAY]) {
  const ctx = bench.context({ INFERENCE_VERSION: 'OptionB_v1', MIN_LIT_VOLUME: '0', ...settings });
  await inferBuySell(ctx);
  await analytics(ctx, { dates, tickers });
}

interface Row {
  symbol: string;
  inference_version: string;
  buy: number;
  sell: number;
  neutral: number;
  ratio: number | null;
  method: string;
}
const rows = () =>
  bench.db.rows<Row>(
    `select symbol, inference_version, lit_buy_volume as buy, lit_sell_volume as sell, lit_neutral_volume as neutral,
       lit_buy_ratio as ratio, classification_method as method
     from lit_direction_daily order by all`,
  );
const versions = async () => (await rows()).map((row) => row.inference_version);
const summary = () =>
  bench.db.row<{ inference_version: string; classification_method: string | null; buy_ratio: number | null }>(
    'select inference_version, classification_method, buy_ratio from darkpool_daily_summary',
  );

describe('the normal distribution', () => {
  beforeEach(() => compute());
  const phi = async (values: readonly number[]) =>
    (
      await bench.db.rows<{ p: number }>(
        `select normal_cdf(z)::double as p from (select unnest(from_json($values, '["DOUBLE"]')) as z)`,
        { values: JSON.stringify(values) },
      )
    ).map(({ p }) => p);

  test('values known to sixteen digits', async () => {
    const known: [number, number][] = [
      [0, 0.5],
      [0.5, 0.6914624612740131],
      [1, 0.8413447460685429],
      [-1, 0.15865525393145707],
      [1.959963984540054, 0.975],
      [2, 0.9772498680518208],
      [3, 0.9986501019683699],
      [-5, 2.8665157187919344e-7],
      [6, 0.9999999990134123],
    ];
    const got = await phi(known.map(([z]) => z));
    known.forEach(([z, p], index) => {
      expect(Math.abs((got[index] ?? Number.NaN) - p), `Φ(${z})`).toBeLessThan(1e-15);
    });
    const [far, veryFar, beyond] = await phi([-8, -10, -40]);
    expect((far ?? 0) / 6.220960574271785e-16).toBeCloseTo(1, 7);
    expect((veryFar ?? 0) / 7.61985302416047e-24).toBeCloseTo(1, 7);
    expect(beyond).toBe(0);
  });

  test('agrees with the integral of the density, and Φ(z) + Φ(−z) = 1', async () => {
    const grid = Array.from({ length: 161 }, (_, index) => (index - 80) / 10);
    const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const integral = (to: number) => {
      const h = to / 2000;
      let sum = density(0) + density(to);
      for (let i = 1; i < 2000; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h);
      return 0.5 + (sum * h) / 3;
    };
    const [up, down] = [await phi(grid), await phi(grid.map((z) => -z))];
    grid.forEach((z, index) => {
      expect(Math.abs((up[index] ?? 0) - integral(z)), `Φ(${z})`).toBeLessThan(1e-12);
      expect((up[index] ?? 0) + (down[index] ?? 0)).toBeCloseTo(1, 15);
    });
  });
});

describe('a day by hand', () => {
  // closes 100.00, 100.01, 100.00, 100.02: changes of +1, −1, +2 cents, mean 2/3, sample variance 7/3
  const closes = [100, 100.01, 100, 100.02];
  const volumes = [1000, 2000, 3000, 4000];
  // Φ(1/√(7/3)) and Φ(2/√(7/3))
  const p1 = 0.7436546198690382;
  const p2 = 0.9047848680872379;
  const buy = 500 + 2000 * p1 + 3000 * (1 - p1) + 4000 * p2;

  test('V·Φ(ΔP/σ), the first bar halved', async () => {
    await insert(minutesOf(closes, volumes));
    await compute();
    const [row] = await bench.db.rows('select * exclude (date) from lit_direction_daily');
    expect(row).toEqual({
      symbol: 'T',
      inference_version: 'BVC_v1',
      lit_buy_volume: expect.closeTo(buy, 5),
      lit_sell_volume: expect.closeTo(10_000 - buy, 5),
      lit_neutral_volume: 0,
      lit_buy_ratio: expect.closeTo(buy / 10_000, 9),
      log_buy_sell: expect.closeTo(Math.log(buy / (10_000 - buy)), 9),
      classification_method: 'BVC',
      lit_trades: null,
      lit_coverage_pct: 100,
      lit_buy_ratio_low: expect.closeTo(buy / 10_000, 9),
      lit_buy_ratio_high: expect.closeTo(buy / 10_000, 9),
    });
    expect(buy).toBeCloseTo(6375.48485248, 7);
  });

  test('minutes without a bar are spanned, and bars in any order are the same day', async () => {
    const bars = minutesOf(closes, volumes);
    const sparse = bars.map((bar, index) => ({ ...bar, at: `1${index}:30`, symbol: 'S' }));
    await insert([...bars].reverse());
    await insert([sparse[2], sparse[0], sparse[3], sparse[1]].flatMap((bar) => bar ?? []));
    await compute({}, ['S', 'T']);
    const [s, t] = await rows();
    expect({ ...s, symbol: 'T' }).toEqual(t);
  });

  test('below MIN_LIT_VOLUME there is no ratio, and no bounds', async () => {
    await insert(minutesOf(closes, volumes));
    await compute({ MIN_LIT_VOLUME: '10000' });
    expect((await rows())[0]?.ratio).toBeCloseTo(buy / 10_000, 9);
    await compute({ MIN_LIT_VOLUME: '10001' });
    expect(
      await bench.db.row(
        'select lit_buy_ratio, lit_buy_ratio_low, lit_buy_ratio_high, lit_coverage_pct from lit_direction_daily',
      ),
    ).toEqual({
      lit_buy_ratio: null,
      lit_buy_ratio_low: null,
      lit_buy_ratio_high: null,
      lit_coverage_pct: 100,
    });
  });

  test.each([
    ['one bar', [100]],
    ['two bars: one change has no deviation', [100, 100.01]],
    ['a flat day', [100, 100, 100, 100]],
    ['changes all equal', [100, 100.01, 100.02, 100.03]],
  ])('%s: nothing tells a side, and the ratio says so', async (_, few) => {
    await insert(minutesOf(few, 5000));
    await compute();
    expect(await rows()).toEqual([
      {
        symbol: 'T',
        inference_version: 'BVC_v1',
        buy: 0,
        sell: 0,
        neutral: 5000 * few.length,
        ratio: null,
        method: 'BVC',
      },
    ]);
    expect(await bench.db.row('select lit_coverage_pct, log_buy_sell from lit_direction_daily')).toEqual({
      lit_coverage_pct: null,
      log_buy_sell: null,
    });
  });

  test('bars without volume: no ratio, no coverage', async () => {
    await insert(minutesOf(closes, 0));
    await compute();
    expect((await rows())[0]).toMatchObject({ buy: 0, sell: 0, neutral: 0, ratio: null });
  });
});

describe('for any day', () => {
  const day = fc.array(
    fc.record({ cents: fc.integer({ min: 100, max: 2000 }), volume: fc.integer({ min: 0, max: 5_000_000 }) }),
    { minLength: 1, maxLength: 40 },
  );

  test('buy + sell + neutral = volume; mirrored prices swap the sides', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(day, { minLength: 1, maxLength: 12 }), async (days) => {
        await bench.clear();
        // A: as drawn; B: prices mirrored at 20 dollars. Volumes down to the millionth of a share.
        await insert(
          days.flatMap((bars, index) =>
            (['A', 'B'] as const).flatMap((side) =>
              minutesOf(
                bars.map(({ cents }) => (side === 'A' ? cents : 4000 - cents) / 100),
                bars.map(({ volume }) => volume / 1000),
              ).map((bar) => ({ ...bar, symbol: `${side}${index}` })),
            ),
          ),
        );
        await compute(
          {},
          days.flatMap((_, index) => [`A${index}`, `B${index}`]),
        );
        const got = new Map((await rows()).map((row) => [row.symbol, row]));
        for (const [index, bars] of days.entries()) {
          const volume = bars.reduce((sum, bar) => sum + bar.volume, 0) / 1000;
          const [a, b] = [got.get(`A${index}`), got.get(`B${index}`)];
          if (a === undefined || b === undefined) throw new Error('a day has no row');
          expect(a.buy + a.sell + a.neutral).toBeCloseTo(volume, 5);
          expect(a.neutral === 0 || a.buy + a.sell === 0).toBe(true);
          expect(b.neutral).toBe(a.neutral);
          expect(b.buy).toBeCloseTo(a.sell, 4);
          expect(b.sell).toBeCloseTo(a.buy, 4);
          if (a.ratio !== null) expect(a.ratio).toBeGreaterThanOrEqual(0);
          if (a.ratio !== null) expect(a.ratio).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 15, seed: 20250714 },
    );
  });
});

describe('beside trades', () => {
  const trades = ['10:00', '10:01', '10:02'].map((at, index) => ({
    at,
    price: 10 + index / 100,
    size: 1000,
    sequence: index + 1,
  }));
  const bars = minutesOf([10, 10.01, 10, 10.02], 1000);
  const tape = (date = DAY) =>
    bench.db.run(`insert into tape_totals_daily values ('T', '${date}', 5000, 50, null, 'totals.csv')`);

  test('a second computation changes nothing, and keeps no row twice', async () => {
    await insert(bars);
    await compute();
    const before = await bench.db.rows('from lit_direction_daily');
    await bench.db.run(`insert into pending_days values ('T', '${DAY}')`);
    await compute();
    expect(await bench.db.rows('from lit_direction_daily')).toEqual(before);
    expect(before).toHaveLength(1);
  });

  test('the summary takes BVC_v1 where the first version has nothing, and names it', async () => {
    await insert(bars);
    await tape();
    await compute();
    const bvc = (await rows())[0];
    expect(await summary()).toEqual({
      inference_version: 'BVC_v1',
      classification_method: 'BVC',
      buy_ratio: bvc?.ratio,
    });
    expect(await bench.db.rows('select inference_version from darkpool_estimated_flow')).toEqual([
      { inference_version: 'BVC_v1' },
    ]);
    expect(disclaimerFor([(await summary())?.inference_version])).toBe(
      `${DISCLAIMER} The sides here were in fact inferred from the price changes of one-minute bars, by bulk volume classification (BVC_v1).`,
    );
  });

  test('a plan upgraded: trades win, and the BVC row of that day goes', async () => {
    await insert([...bars, ...minutesOf([10, 10.01, 10], 1000, '2025-07-15')]);
    await tape();
    await tape('2025-07-15');
    await compute({}, ['T'], [DAY, '2025-07-15']);
    expect(await versions()).toEqual(['BVC_v1', 'BVC_v1']);
    await bench.insert(trades);
    await compute({}, ['T'], [DAY, '2025-07-15']);
    expect(
      await bench.db.rows(
        'select date::varchar as date, inference_version, classification_method as method from lit_direction_daily order by all',
      ),
    ).toEqual([
      { date: DAY, inference_version: 'OptionB_v1', method: 'TICK' },
      { date: '2025-07-15', inference_version: 'BVC_v1', method: 'BVC' },
    ]);
    expect(
      await bench.db.rows(
        'select date::varchar as date, inference_version from darkpool_daily_summary order by date',
      ),
    ).toEqual([
      { date: DAY, inference_version: 'OptionB_v1' },
      { date: '2025-07-15', inference_version: 'BVC_v1' },
    ]);
  });

  test('asked for by name, BVC_v1 stands beside the others and never in their place', async () => {
    await insert(bars);
    await bench.insert(trades);
    await compute({ INFERENCE_VERSION: 'OptionB_v1,BVC_v1' });
    expect(await versions()).toEqual(['BVC_v1', 'OptionB_v1']);
    expect((await summary())?.inference_version).toBe('OptionB_v1');
    await compute({ INFERENCE_VERSION: 'BVC_v1' });
    expect((await summary())?.inference_version).toBe('BVC_v1');
    // and taken back, it goes
    await compute({ INFERENCE_VERSION: 'OptionB_v1' });
    expect(await versions()).toEqual(['OptionB_v1']);
    expect((await summary())?.inference_version).toBe('OptionB_v1');
  });

  test('bars that are gone leave no row behind', async () => {
    await insert(bars);
    await tape();
    await compute();
    await bench.db.run(`delete from polygon_bars_minute; insert into pending_days values ('T', '${DAY}')`);
    await compute();
    expect(await rows()).toEqual([]);
    expect(await summary()).toEqual({
      inference_version: 'OptionB_v1',
      classification_method: null,
      buy_ratio: null,
    });
  });
});
