import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DAY,
  LIT_VERSIONS,
  type LitVersion,
  PipelineBench,
  type Settings,
  type Trade,
} from './support/pipeline.js';

let bench: PipelineBench;

beforeAll(async () => {
  bench = await PipelineBench.open();
});
afterAll(() => bench.close());
beforeEach(() => bench.clear());

/** Stores and infers; the row of `version` for symbol T on DAY. */
async function litOf(version: LitVersion, trades: readonly Trade[], settings: Settings = {}) {
  await bench.insert(trades);
  await bench.infer(settings);
  return bench.litOf(version);
}

/** Lit volumes (buy, sell, neutral) of every version, for a symbol of the last run. */
async function volumes(symbol = 'T', date = DAY) {
  const rows = (await bench.lit()).filter((row) => row.symbol === symbol && row.date === date);
  return Object.fromEntries(
    rows.map((row) => [
      row.inference_version,
      [row.lit_buy_volume, row.lit_sell_volume, row.lit_neutral_volume],
    ]),
  ) as Record<LitVersion, number[]>;
}

interface ClassRow {
  symbol: string;
  status: string;
  quote_position: number | null;
  tick: number | null;
  step: number | null;
  retail: boolean;
  trades: number;
  shares: number;
  late_trades: number;
  block_trades: number;
}
/** Classes of off-exchange prints, smallest first. */
const offClasses = () =>
  bench.db.rows<ClassRow>(
    `select symbol, status, quote_position, tick, step, retail, trades::double as trades,
       shares_e6 / 1000000.0 as shares, late_trades::double as late_trades, block_trades::double as block_trades
     from direction_classes_daily where venue = 'off' order by symbol, shares_e6`,
  );

const quoted = (bid: number, ask: number, price: number, size: number): Trade => ({ bid, ask, price, size });

describe('OptionB_v1 by the NBBO', () => {
  test('at or above the ask bought, at or below the bid sold, inside neither; locked and crossed quotes too', async () => {
    // Sizes double, so that every sum tells which trades are in it.
    const row = await litOf('OptionB_v1', [
      quoted(10, 10.02, 10.02, 100), // at the ask: buy
      quoted(10, 10.02, 10.03, 200), // above it: buy
      quoted(10, 10.02, 10.0, 400), // at the bid: sell
      quoted(10, 10.02, 9.99, 800), // below it: sell
      quoted(10, 10.02, 10.01, 1600), // inside: neutral
      quoted(10, 10, 10.0, 3200), // a locked quote's one price: neutral
      quoted(10, 10, 10.01, 6400), // above it: buy
      quoted(10, 10, 9.99, 12800), // below it: sell
      quoted(10.05, 10, 10.03, 25600), // inside a crossed quote: at or above the ask, but not above the bid: neutral
      quoted(10.05, 10, 10.05, 51200), // at the bid of a crossed quote: neutral
      quoted(10.05, 10, 10.06, 102400), // above both: buy
      quoted(10.05, 10, 9.98, 204800), // below both: sell
    ]);
    const buy = 100 + 200 + 6400 + 102400; // 109,100
    const sell = 400 + 800 + 12800 + 204800; // 218,800
    const neutral = 1600 + 3200 + 25600 + 51200; // 81,600
    expect(row).toMatchObject({
      classification_method: 'NBBO',
      lit_buy_volume: buy,
      lit_sell_volume: sell,
      lit_neutral_volume: neutral,
      lit_trades: 12,
    });
    expect(row.lit_coverage_pct).toBeCloseTo((100 * 8) / 12, 12);
    expect(row.lit_buy_ratio).toBeCloseTo(109_100 / 327_900, 12);
    expect(row.log_buy_sell).toBeCloseTo(Math.log(109_100 / 218_800), 12);
    // All of the neutral volume sold, all of it bought: of 409,500 shares.
    expect(row.lit_buy_ratio_low).toBeCloseTo(109_100 / 409_500, 12);
    expect(row.lit_buy_ratio_high).toBeCloseTo(190_700 / 409_500, 12);
  });

  test('one missing quote sends the whole day to the one-step tick test', async () => {
    const day = (first: Partial<Trade>): Trade[] => [
      { bid: 10, ask: 10.02, price: 10, size: 100, ...first }, // first: neutral
      quoted(10, 10.02, 10.01, 200), // up: buy
      quoted(10, 10.02, 10.01, 400), // equal: neutral (the full tick rule would carry buy)
      quoted(10, 10.02, 10.0, 800), // down: sell
      quoted(10, 10.02, 10.02, 1600), // up: buy
    ];
    const whole = await litOf('OptionB_v1', day({}));
    // NBBO: 10.02 at the ask 1600; 10.00 at the bid 100 + 800; 10.01 inside 200 + 400.
    expect(whole).toMatchObject({
      classification_method: 'NBBO',
      lit_buy_volume: 1600,
      lit_sell_volume: 900,
      lit_neutral_volume: 600,
    });
    for (const missing of [{ bid: null }, { ask: null }, { bid: null, ask: null }]) {
      await bench.clear();
      const row = await litOf('OptionB_v1', day(missing));
      expect(row).toMatchObject({
        classification_method: 'TICK',
        lit_buy_volume: 200 + 1600,
        lit_sell_volume: 800,
        lit_neutral_volume: 100 + 400,
        lit_coverage_pct: (100 * 3) / 5,
      });
    }
  });

  test('only signable lit trades need a quote', async () => {
    const row = await litOf('OptionB_v1', [
      quoted(10, 10.02, 10.02, 100),
      { price: 10, size: 200, conditions: [10] },
      { price: 10, size: 400, conditions: [17] },
      { price: 10, size: 800, exchange: 4 },
      { price: 10, size: 1600, at: '09:29:59' },
    ]);
    // 200 (never signed) and 400 (auction) are neutral; 800 is off exchange, 1600 before the open.
    expect(row).toMatchObject({
      classification_method: 'NBBO',
      lit_buy_volume: 100,
      lit_sell_volume: 0,
      lit_neutral_volume: 600,
      lit_trades: 3,
    });
  });

  test('days and symbols fall back each for itself', async () => {
    const trades = (symbol: string, date: string, bid: number | null): Trade[] => [
      { symbol, date, bid: 10, ask: 10.02, price: 10, size: 100 },
      { symbol, date, bid, ask: 10.02, price: 10.02, size: 200 },
    ];
    await bench.insert([
      ...trades('A', DAY, 10),
      ...trades('A', '2025-07-15', null),
      ...trades('B', DAY, null),
    ]);
    await bench.infer();
    const methods = (await bench.lit())
      .filter((row) => row.inference_version === 'OptionB_v1')
      .map((row) => [row.symbol, row.date, row.classification_method, row.lit_sell_volume]);
    // By the NBBO the 100 at the bid are sold; by the tick test they are the first trade.
    expect(methods).toEqual([
      ['A', DAY, 'NBBO', 100],
      ['A', '2025-07-15', 'TICK', 0],
      ['B', DAY, 'TICK', 0],
    ]);
  });
});

describe('Tick_v1', () => {
  test('a zero tick carries the last direction; before any change nothing is classified', async () => {
    await bench.insert([
      { price: 10, size: 100 }, // none before: neutral
      { price: 10, size: 200 }, // still no different price: neutral
      { price: 10.01, size: 400 }, // up: buy
      { price: 10.01, size: 800 }, // zero tick carries buy
      { price: 10.01, size: 1600 }, // and again
      { price: 10, size: 3200 }, // down: sell
      { price: 10, size: 6400 }, // zero tick carries sell
      { price: 10.000001, size: 12800 }, // a millionth of a dollar up: buy
    ]);
    await bench.infer();
    const all = await volumes();
    expect(all.Tick_v1).toEqual([400 + 800 + 1600 + 12800, 3200 + 6400, 100 + 200]);
    // One step (OptionB_v1 without quotes): 400 and 12800 bought, 3200 sold, the rest equal or first.
    expect(all.OptionB_v1).toEqual([400 + 12800, 3200, 100 + 200 + 800 + 1600 + 6400]);
    // Without quotes the quote rule signs nothing and the others are the tick rule.
    expect(all.Quote_v1).toEqual([0, 0, 25500]);
    for (const version of ['LeeReady_v1', 'EMO_v1', 'CLNV_v1'] as const) {
      expect(all[version]).toEqual(all.Tick_v1);
    }
    const methods = (await bench.lit()).map((row) => [row.inference_version, row.classification_method]);
    expect(Object.fromEntries(methods)).toEqual({
      OptionB_v1: 'TICK',
      Tick_v1: 'TICK',
      Quote_v1: 'NBBO',
      LeeReady_v1: 'TICK',
      EMO_v1: 'TICK',
      CLNV_v1: 'TICK',
    });
  });

  test('nothing is carried in from the day before or from another symbol', async () => {
    await bench.insert([
      { symbol: 'A', price: 10, size: 1 },
      { symbol: 'A', price: 11, size: 2 }, // up
      { symbol: 'A', date: '2025-07-15', price: 11, size: 4 }, // equal to the last of the day before: first
      { symbol: 'A', date: '2025-07-15', price: 11, size: 8 }, // no direction to carry
      { symbol: 'B', price: 9, size: 16 }, // first of its symbol
      { symbol: 'B', price: 9, size: 32 },
      { symbol: 'C', price: 12, size: 64 },
    ]);
    await bench.infer();
    expect((await volumes('A')).Tick_v1).toEqual([2, 0, 1]);
    expect((await volumes('A', '2025-07-15')).Tick_v1).toEqual([0, 0, 12]);
    expect((await volumes('B')).Tick_v1).toEqual([0, 0, 48]);
    expect((await volumes('C')).Tick_v1).toEqual([0, 0, 64]);
    expect((await volumes('B')).OptionB_v1).toEqual([0, 0, 48]);
  });

  test('the base is the signable lit trades: not auctions, special prints, off-exchange prints, other hours', async () => {
    await bench.insert([
      { at: '09:29:59', price: 20, size: 1 }, // outside: not counted
      { price: 10, size: 2 }, // first
      { price: 11, size: 4, conditions: [10] }, // never signed: neutral, no base
      { price: 12, size: 8, conditions: [17] }, // auction: neutral, no base
      { price: 13, size: 16, exchange: 4 }, // off exchange
      { price: 14, size: 32, exchange: 62 }, // off exchange
      { price: 10.01, size: 64 }, // up from 10.00
    ]);
    await bench.infer();
    expect((await volumes()).Tick_v1).toEqual([64, 0, 2 + 4 + 8]);
  });

  test('trades are in the order of the tape, (publication, sequence number), whatever their execution', async () => {
    await bench.insert([
      // Inserted out of order on purpose; published 10.00, 10.02, 10.01.
      { at: '10:00:02', executed: '10:00:00.5', price: 10.01, size: 1, sequence: 3 },
      { at: '10:00:01', price: 10.02, size: 2, sequence: 9 },
      { at: '10:00:01', price: 10.0, size: 4, sequence: 2 },
    ]);
    await bench.infer();
    // 10.02 up from 10.00; 10.01 down from 10.02.
    expect((await volumes()).Tick_v1).toEqual([2, 1, 4]);
  });
});

// One trade a symbol and no trade before it, so that what falls to the tick rule stays unclassified.
// Columns: bid, ask, price, OptionB, Quote, LeeReady, EMO, CLNV (buy 1, sell -1).
const BOUNDS: [string, number, number, number, number, number, number, number, number][] = [
  ['at the ask', 10, 10.1, 10.1, 1, 1, 1, 1, 1],
  ['at the bid', 10, 10.1, 10, -1, -1, -1, -1, -1],
  ['above the ask', 10, 10.1, 10.100001, 1, 1, 1, 0, 0],
  ['below the bid', 10, 10.1, 9.999999, -1, -1, -1, 0, 0],
  // 0.3 of the spread: 10.03; 0.7: 10.07. Closed bounds.
  ['at 0.3', 10, 10.1, 10.03, 0, -1, -1, 0, -1],
  ['just over 0.3', 10, 10.1, 10.030001, 0, -1, -1, 0, 0],
  ['at 0.7', 10, 10.1, 10.07, 0, 1, 1, 0, 1],
  ['just under 0.7', 10, 10.1, 10.069999, 0, 1, 1, 0, 0],
  // 0.7 · 10.02 + 0.3 · 10.12 is 10.049999999999999 in doubles, 10.13 likewise: both bounds lost.
  ['at 0.3 where doubles lie', 10.02, 10.12, 10.05, 0, -1, -1, 0, -1],
  ['at 0.3 where doubles lie again', 10.1, 10.2, 10.13, 0, -1, -1, 0, -1],
  ['at the midpoint', 10, 10.1, 10.05, 0, 0, 0, 0, 0],
  ['just above the midpoint', 10, 10.1, 10.050001, 0, 1, 1, 0, 0],
  ['just below the midpoint', 10, 10.1, 10.049999, 0, -1, -1, 0, 0],
  // (10.00 + 10.01) / 2 is 10.004999999999999 in doubles, (10.05 + 10.08) / 2 is 10.065000000000001.
  ['at the midpoint where doubles fall short', 10, 10.01, 10.005, 0, 0, 0, 0, 0],
  ['at the midpoint where doubles go beyond', 10.05, 10.08, 10.065, 0, 0, 0, 0, 0],
  // Sub-penny spread, midpoint in 10⁻⁵ dollars; 10.000350000000001 in doubles.
  ['at the midpoint of a hundredth of a cent', 10.0003, 10.0004, 10.00035, 0, 0, 0, 0, 0],
  // 0.3 of 0.0001 is 0.00003.
  ['at 0.3 of a hundredth of a cent', 10.0003, 10.0004, 10.00033, 0, -1, -1, 0, -1],
  ['at 0.7 of a hundredth of a cent', 10.0003, 10.0004, 10.00037, 0, 1, 1, 0, 1],
  // Above $990 a relative tolerance of 10⁻⁵ takes one cent inside for the quote itself. 0.7 of a nickel is 990.035.
  ['a cent inside the ask at $990', 990, 990.05, 990.04, 0, 1, 1, 0, 1],
  ['a cent inside the bid at $1,500', 1500, 1500.05, 1500.01, 0, -1, -1, 0, -1],
  ['a cent inside the ask at $700,000', 700000, 700002, 700001.99, 0, 1, 1, 0, 1],
  ['at the ask at $700,000', 700000, 700002, 700002, 1, 1, 1, 1, 1],
  // Locked and crossed quotes are not used for direction, but OptionB_v1 reads them.
  ['at a locked quote', 10, 10, 10, 0, 0, 0, 0, 0],
  ['above a locked quote', 10, 10, 10.01, 1, 0, 0, 0, 0],
  ['below a crossed quote', 10.05, 10, 9.99, -1, 0, 0, 0, 0],
];

describe('quote rules and their bounds', () => {
  const symbolOf = (index: number) => `S${String(index).padStart(2, '0')}`;

  test('the cases hold prices where doubles lie', () => {
    expect((10 + 10.01) / 2).not.toBe(10.005);
    expect((10.05 + 10.08) / 2).not.toBe(10.065);
    expect((10.0003 + 10.0004) / 2).not.toBe(10.00035);
    expect(10.05 <= 0.7 * 10.02 + 0.3 * 10.12).toBe(false);
    expect(10.13 <= 0.7 * 10.1 + 0.3 * 10.2).toBe(false);
    expect(Math.abs(990.04 - 990.05) <= 1e-5 * 1000).toBe(true);
  });

  test.each([
    { what: 'nothing before: the tick part stays unclassified', before: 0 },
    { what: 'an up-tick behind: the tick part buys', before: 1 },
    { what: 'a down-tick behind: the tick part sells', before: -1 },
  ])('every bound, $what', async ({ before }) => {
    await bench.insert(
      BOUNDS.flatMap(([, bid, ask, price], index) => [
        // One share at a dollar below or above, with a quote that every rule leaves to the tick rule.
        ...(before === 0
          ? []
          : [
              {
                symbol: symbolOf(index),
                price: price - before,
                bid: price - before,
                ask: price - before,
                size: 1,
              },
            ]),
        { symbol: symbolOf(index), price, bid, ask, size: 64 },
      ]),
    );
    await bench.infer();
    const rows = await bench.lit();
    const found = BOUNDS.map(([what], index) => {
      const sideOf = (version: LitVersion) => {
        const row = rows.find((r) => r.symbol === symbolOf(index) && r.inference_version === version);
        return row?.lit_buy_volume === 64 ? 1 : row?.lit_sell_volume === 64 ? -1 : 0;
      };
      return [what, ...LIT_VERSIONS.map(sideOf)];
    });
    const expected = BOUNDS.map(([what, , , , optionB, quote, leeReady, emo, clnv]) => [
      what,
      optionB,
      before,
      quote,
      leeReady === 0 ? before : leeReady,
      emo === 0 ? before : emo,
      clnv === 0 ? before : clnv,
    ]);
    expect(found).toEqual(expected);
  });
});

describe('which trades are signed', () => {
  const NEVER_SIGN = [2, 5, 7, 9, 10, 13, 20, 21, 22, 29, 30, 31, 32, 33, 52, 53, 55];
  const AUCTION = [8, 17, 18, 19, 25, 28];
  const AS_USUAL = [14, 37, 41];

  test('never-sign conditions and auctions count as neutral, ISO and odd lots are signed', async () => {
    const cases = [
      ...[...NEVER_SIGN, ...AUCTION].map((code) => ({ conditions: [code], signed: 0 })),
      ...AS_USUAL.map((code) => ({ conditions: [code], signed: 1 })),
      { conditions: [14, 37, 41], signed: 1 },
      { conditions: [14, 10], signed: 0 },
      { conditions: [37, 17], signed: 0 },
      { conditions: [] as number[], signed: 1 },
    ];
    const symbolOf = ({ conditions }: { conditions: number[] }) => `C${conditions.join('-')}`;
    // At the ask and an up-tick: bought under every rule, were it signed.
    await bench.insert(
      cases.flatMap((one) => [
        { symbol: symbolOf(one), price: 9, bid: 9, ask: 9, size: 1 },
        { symbol: symbolOf(one), price: 10.02, bid: 10, ask: 10.02, size: 7, conditions: one.conditions },
      ]),
    );
    await bench.infer();
    const rows = await bench.lit();
    for (const one of cases) {
      for (const version of LIT_VERSIONS) {
        const row = rows.find((r) => r.symbol === symbolOf(one) && r.inference_version === version);
        expect([one.conditions, version, row?.lit_buy_volume, row?.lit_neutral_volume]).toEqual([
          one.conditions,
          version,
          7 * one.signed,
          1 + 7 * (1 - one.signed),
        ]);
        // The first trade is never signed, so that the coverage is a half or nothing.
        expect([row?.lit_trades, row?.lit_coverage_pct]).toEqual([2, 50 * one.signed]);
      }
    }
  });

  test('an odd lot is signed by its real size', async () => {
    const row = await litOf('OptionB_v1', [
      { price: 10.02, bid: 10, ask: 10.02, size: 1, conditions: [37] },
      { price: 10.0, bid: 10, ask: 10.02, size: 0.25, conditions: [14, 37] },
    ]);
    expect(row).toMatchObject({ lit_buy_volume: 1, lit_sell_volume: 0.25, lit_neutral_volume: 0 });
  });
});

describe('regular hours', () => {
  const at = (time: string, size: number, more: Partial<Trade> = {}): Trade => ({
    at: time,
    price: 10.02,
    bid: 10,
    ask: 10.02,
    size,
    ...more,
  });
  const hours = (date: string): Trade[] =>
    [
      at('04:00', 1, { conditions: [12] }),
      at('09:29:59.999999999', 2, { conditions: [12] }),
      at('09:30', 4),
      at('09:59:59.999999999', 8),
      at('10:00', 16),
      at('12:59:59.999999999', 32),
      at('13:00', 64),
      at('15:29:59.999999999', 128),
      at('15:30', 256),
      at('15:59:59.999999999', 512),
      at('16:00', 1024, { conditions: [12] }),
      at('19:59:59.999999999', 2048, { conditions: [12] }),
    ].map((trade) => ({ ...trade, date }));

  // 2025-07-03 closes at 13:00. 2025-07-14 and 2025-01-13 stand on either side of daylight saving time.
  test.each([
    { date: DAY, settings: {}, bought: 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512, trades: 8 },
    { date: '2025-01-13', settings: {}, bought: 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512, trades: 8 },
    { date: '2025-07-03', settings: {}, bought: 4 + 8 + 16 + 32, trades: 4 },
    {
      date: DAY,
      settings: { RTH_START: '10:00', RTH_END: '15:30' },
      bought: 16 + 32 + 64 + 128,
      trades: 4,
    },
    { date: '2025-07-03', settings: { RTH_START: '10:00', RTH_END: '15:30' }, bought: 16 + 32, trades: 2 },
    // A setting wider than the session's own close does not open it again.
    { date: '2025-07-03', settings: { RTH_END: '20:00' }, bought: 4 + 8 + 16 + 32, trades: 4 },
  ])('start ≤ execution < end on $date with $settings', async ({ date, settings, bought, trades }) => {
    await bench.insert(hours(date));
    await bench.infer(settings);
    expect(await bench.litOf('OptionB_v1', 'T', date)).toMatchObject({
      lit_buy_volume: bought,
      lit_sell_volume: 0,
      lit_neutral_volume: 0,
      lit_trades: trades,
    });
  });

  test('a day with nothing in regular hours has no row', async () => {
    await bench.insert([at('08:00', 100), at('17:00', 100)]);
    await bench.infer();
    expect(await bench.lit()).toEqual([]);
  });

  test('execution decides, not publication; the tape’s clock where it is asked for or nothing else is there', async () => {
    const trades = [
      at('16:00:05', 1, { executed: '15:59:59' }),
      at('09:30:01', 2, { executed: '09:29:59' }),
      at('09:31', 4, { executed: null }),
    ];
    await bench.insert(trades);
    await bench.infer();
    expect((await bench.litOf('OptionB_v1')).lit_buy_volume).toBe(1 + 4);
    // The stored day is classified anew when the setting changes, without being fetched again.
    await bench.infer({ MATCH_CLOCK: 'sip' });
    expect((await bench.litOf('OptionB_v1')).lit_buy_volume).toBe(2 + 4);
  });
});

describe('ratios', () => {
  const buySell = (buy: number, sell: number, neutral: number): Trade[] => [
    ...(buy > 0 ? [quoted(10, 10.02, 10.02, buy)] : []),
    ...(sell > 0 ? [quoted(10, 10.02, 10.0, sell)] : []),
    ...(neutral > 0 ? [quoted(10, 10.02, 10.01, neutral)] : []),
  ];

  test('below MIN_LIT_VOLUME (buy + sell) the ratio is NULL, volumes and coverage stay', async () => {
    const thin = await litOf('OptionB_v1', buySell(6000, 3999, 50_000));
    expect(thin).toMatchObject({
      lit_buy_volume: 6000,
      lit_sell_volume: 3999,
      lit_neutral_volume: 50_000,
      lit_buy_ratio: null,
      lit_buy_ratio_low: null,
      lit_buy_ratio_high: null,
      lit_trades: 3,
    });
    expect(thin.lit_coverage_pct).toBeCloseTo((100 * 2) / 3, 12);
    await bench.clear();
    const enough = await litOf('OptionB_v1', buySell(6000, 4000, 50_000));
    // 6,000 / 10,000; bounds 6,000 / 60,000 and 56,000 / 60,000.
    expect(enough.lit_buy_ratio).toBeCloseTo(0.6, 12);
    expect(enough.lit_buy_ratio_low).toBeCloseTo(0.1, 12);
    expect(enough.lit_buy_ratio_high).toBeCloseTo(56 / 60, 12);
  });

  test('MIN_LIT_VOLUME is a setting, and a changed one is applied to stored days', async () => {
    await bench.insert(buySell(30, 10, 0));
    await bench.infer();
    expect((await bench.litOf('OptionB_v1')).lit_buy_ratio).toBeNull();
    await bench.infer({ MIN_LIT_VOLUME: '40' });
    expect((await bench.litOf('OptionB_v1')).lit_buy_ratio).toBe(0.75);
    await bench.infer({ MIN_LIT_VOLUME: '41' });
    expect((await bench.litOf('OptionB_v1')).lit_buy_ratio).toBeNull();
    // With no least volume, a day without a signed trade still has no ratio.
    await bench.clear();
    await bench.insert(buySell(0, 0, 500));
    await bench.infer({ MIN_LIT_VOLUME: '0' });
    expect(await bench.litOf('OptionB_v1')).toMatchObject({
      lit_buy_ratio: null,
      log_buy_sell: null,
      lit_coverage_pct: 0,
      lit_trades: 1,
    });
  });

  test.each([
    { buy: 20_000, sell: 0, ratio: 1 },
    { buy: 0, sell: 20_000, ratio: 0 },
  ])('log_buy_sell is NULL when a side is 0 ($buy bought, $sell sold)', async ({ buy, sell, ratio }) => {
    const row = await litOf('OptionB_v1', buySell(buy, sell, 0));
    expect(row).toMatchObject({ lit_buy_ratio: ratio, log_buy_sell: null, lit_coverage_pct: 100 });
  });

  test('versions that are no longer asked for leave the table', async () => {
    await bench.insert(buySell(60, 40, 0));
    await bench.infer();
    expect((await bench.lit()).map((row) => row.inference_version)).toEqual([...LIT_VERSIONS].sort());
    await bench.infer({ INFERENCE_VERSION: 'EMO_v1' });
    expect((await bench.lit()).map((row) => row.inference_version)).toEqual(['EMO_v1']);
  });

  test('changed regular hours are applied to stored days', async () => {
    await bench.insert([
      { ...quoted(10, 10.02, 10.02, 100), at: '09:45' },
      { ...quoted(10, 10.02, 10.0, 200), at: '11:00' },
    ]);
    await bench.infer();
    expect((await volumes()).OptionB_v1).toEqual([100, 200, 0]);
    await bench.infer({ RTH_START: '10:00' });
    expect((await volumes()).OptionB_v1).toEqual([0, 200, 0]);
    await bench.infer({});
    expect((await volumes()).OptionB_v1).toEqual([100, 200, 0]);
  });
});

describe('off-exchange prints', () => {
  test('the tick test looks at the last lit trade before the execution, however late the report', async () => {
    const off = (executed: string, at: string, price: number, size: number): Trade => ({
      executed,
      at,
      price,
      size,
      exchange: 4,
    });
    await bench.insert([
      off('09:59:00', '09:59:01', 10, 1), // no lit trade yet: none
      { at: '10:00:00', price: 10, size: 1000 }, // the first: no direction
      off('10:00:30', '10:00:31', 10, 2), // equal to it, no direction carried: none
      off('10:00:30', '10:20:00', 10.01, 4), // above 10.00, though 10.05 was the last when it was reported: 1
      { at: '10:01:00', price: 10.02, size: 1000 }, // up
      off('10:01:00', '10:01:02', 10.01, 8), // executed in the same instant: 10.00 counts, not 10.02: 1
      off('10:01:00.000000001', '10:01:03', 10.02, 16), // a nanosecond later: equal to 10.02, carried up: 1
      off('10:01:30', '10:30:00', 10.02, 32), // equal, carried up: 1
      off('10:01:30', '10:01:31', 10.01, 64), // below: -1
      { at: '10:02:00', price: 10.01, size: 1000 }, // down
      { at: '10:02:01', price: 10.01, size: 1000 }, // carried down
      off('10:02:30', '10:02:31', 10.01, 128), // equal, carried down: -1
      { at: '10:03:00', price: 20, size: 1000, conditions: [10] }, // no base
      off('10:03:30', '10:03:31', 10.015, 256), // above 10.01: 1
      { at: '10:10:00', executed: '10:05:00', price: 10.05, size: 1000 }, // lit, reported late
      off('10:06:00', '10:06:01', 10.03, 512), // sees it, for it was executed before: below 10.05: -1
      off('10:04:00', '18:00:00', 10.02, 1024), // executed in regular hours, reported in the evening: 1
      off('17:00:00', '17:00:01', 10.02, 2048), // executed after hours: not signed
    ]);
    await bench.infer();
    const ticks = (await offClasses()).filter(({ status }) => status === 'signable');
    const shares = (tick: number | null) =>
      ticks.filter((row) => row.tick === tick).reduce((sum, row) => sum + row.shares, 0);
    expect(shares(null)).toBe(1 + 2);
    expect(shares(1)).toBe(4 + 8 + 16 + 32 + 256 + 1024);
    expect(shares(-1)).toBe(64 + 128 + 512);
    const outside = (await offClasses()).filter(({ status }) => status === 'outside_hours');
    expect(outside.map((row) => row.shares)).toEqual([2048]);
    // Late is more than ten seconds: 4, 32 and 1024.
    const late = (await offClasses()).reduce((sum, row) => sum + row.late_trades, 0);
    expect(late).toBe(3);
  });

  test('nothing is carried in from the day before or another symbol', async () => {
    await bench.insert([
      { symbol: 'A', price: 10 },
      { symbol: 'A', price: 11 },
      { symbol: 'A', date: '2025-07-15', at: '11:00', price: 12, exchange: 4, size: 1 },
      { symbol: 'B', at: '11:00', price: 12, exchange: 4, size: 2 },
    ]);
    await bench.infer();
    expect((await offClasses()).map((row) => [row.symbol, row.tick])).toEqual([
      ['A', null],
      ['B', null],
    ]);
  });

  test('the midpoint, BJZZ’s retail prints, QMP’s and CLNV’s bounds are exact', async () => {
    // Bid 10.00, ask 10.10: 0.3 at 10.03, 0.4 at 10.04, middle 10.05, 0.6 at 10.06, 0.7 at 10.07.
    const position = (price: number): [number, number | null] => [
      price,
      price < 10
        ? -5
        : price === 10
          ? -4
          : price <= 10.03
            ? -3
            : price < 10.04
              ? -2
              : price < 10.05
                ? -1
                : price === 10.05
                  ? 0
                  : price <= 10.06
                    ? 1
                    : price < 10.07
                      ? 2
                      : price < 10.1
                        ? 3
                        : price === 10.1
                          ? 4
                          : 5,
    ];
    // k = round(10⁴ P) mod 100, 1…39 and 61…99 retail; 10.0040 is k = 40, 10.00396 rounds to it, 10.00394 to 39.
    const prices: [number, boolean][] = [
      [9.9999, true],
      [9.999999, false], // k = 0 after rounding
      [10, false],
      [10.0001, true],
      [10.00394, true],
      [10.00396, false],
      [10.004, false],
      [10.005, false],
      [10.006, false],
      [10.0061, true],
      [10.0099, true],
      [10.03, false],
      [10.0301, true],
      [10.0399, true],
      [10.04, false],
      [10.0401, true],
      [10.0499, true],
      [10.05, false],
      [10.0501, true],
      [10.0599, true],
      [10.06, false],
      [10.0601, true],
      [10.0699, true],
      [10.07, false],
      [10.0999, true],
      [10.1, false],
      [10.1001, true],
    ];
    await bench.insert(
      prices.map(([price], index) => ({
        symbol: `P${String(index).padStart(2, '0')}`,
        price,
        exchange: 4,
        bid: 10,
        ask: 10.1,
      })),
    );
    await bench.infer();
    const found = await offClasses();
    expect(found.map((row, index) => [prices[index]?.[0], row.quote_position, row.retail])).toEqual(
      prices.map(([price, retail]) => [...position(price), retail]),
    );
  });

  test('retail is from $1 on, and off exchange only', async () => {
    await bench.insert([
      { symbol: 'A', price: 0.9901, exchange: 4 },
      { symbol: 'B', price: 1.0001, exchange: 4 },
      { symbol: 'C', price: 1.0001, exchange: 62 },
      { symbol: 'D', price: 1.0001, exchange: 12 },
    ]);
    await bench.infer();
    const rows = await bench.db.rows(
      'select symbol, venue, retail from direction_classes_daily order by symbol',
    );
    expect(rows).toEqual([
      { symbol: 'A', venue: 'off', retail: false },
      { symbol: 'B', venue: 'off', retail: true },
      { symbol: 'C', venue: 'off', retail: true },
      { symbol: 'D', venue: 'lit', retail: false },
    ]);
  });

  test('blocks are 10,000 shares or $200,000 and more', async () => {
    await bench.insert([
      { symbol: 'A', price: 1, size: 10_000, exchange: 4 },
      { symbol: 'B', price: 1, size: 9_999.999999, exchange: 4 },
      { symbol: 'C', price: 100, size: 2_000, exchange: 4 }, // $200,000
      { symbol: 'D', price: 99.9999, size: 2_000, exchange: 4 }, // $199,999.80
      { symbol: 'E', price: 700_000, size: 1, exchange: 4 },
    ]);
    await bench.infer();
    expect((await offClasses()).map((row) => [row.symbol, row.block_trades])).toEqual([
      ['A', 1],
      ['B', 0],
      ['C', 1],
      ['D', 0],
      ['E', 1],
    ]);
  });
});

describe('through files', () => {
  // Executed at 10:00:00.0, when the book was 10.00 / 10.02; published at .002, when it was 10.02 / 10.04.
  const trades: Trade[] = [
    { at: '10:00:00.002', executed: '10:00:00', price: 10.02, size: 100 },
    { at: '10:00:01', executed: '10:00:01', price: 10.04, size: 200 },
  ];
  const quotes = [
    { at: '09:59:59', bid: 10, ask: 10.02 },
    { at: '10:00:00.001', executed: '10:00:00.0005', bid: 10.02, ask: 10.04 },
    // In the instant of the second trade: never its NBBO, whatever its sequence number.
    { at: '10:00:01', bid: 10.04, ask: 10.06, sequence: 0 },
    { at: '10:00:01', bid: 10.04, ask: 10.06, sequence: 7 },
  ];

  test('MATCH_CLOCK: the quote of the execution, or of the publication', async () => {
    const files = await bench.writeFiles(trades, quotes);
    await bench.run(files);
    // At the ask of 10.00 / 10.02, and at the ask of 10.02 / 10.04.
    expect((await volumes()).OptionB_v1).toEqual([300, 0, 0]);
    await bench.run({ ...files, MATCH_CLOCK: 'sip' });
    // By the tape's clock the first stands at the bid of 10.02 / 10.04.
    expect((await volumes()).OptionB_v1).toEqual([200, 100, 0]);
    expect((await bench.litOf('OptionB_v1')).classification_method).toBe('NBBO');
  });

  test('QUOTE_LAG_NS asks for an older quote', async () => {
    const files = await bench.writeFiles(trades, quotes);
    // 10:00:01 less 0.9995 s is the second quote's own instant, hence the first; the first trade keeps its quote.
    await bench.run({ ...files, QUOTE_LAG_NS: '999500000' });
    // 10.02 at the ask of 10.00 / 10.02; 10.04 above it: both bought. A nanosecond less: 10.04 at its own ask.
    expect((await volumes()).OptionB_v1).toEqual([300, 0, 0]);
    const quoteTimes = () =>
      bench.db.rows<{ ns: string }>(
        'select epoch_ns(quote_timestamp)::varchar as ns from polygon_trades order by sip_timestamp',
      );
    const lagged = await quoteTimes();
    expect(lagged[0]).toEqual(lagged[1]);
    await bench.run({ ...files, QUOTE_LAG_NS: '999499999' });
    const exact = await quoteTimes();
    expect(exact[0]).not.toEqual(exact[1]);
  });

  test('a finished day is not classified again; the same files after a clear give the same', async () => {
    const files = await bench.writeFiles(trades, quotes);
    expect((await bench.run(files)).classified).toBe(1);
    const first = await bench.lit();
    expect(await bench.run(files)).toMatchObject({ classified: 0, fetched: { stored: {} } });
    expect(await bench.lit()).toEqual(first);
  });

  test('the order of the rows does not matter when they have sequence numbers', async () => {
    const day: Trade[] = Array.from({ length: 60 }, (_, i) => ({
      at: `10:00:0${i % 7}`,
      price: 10 + ((i * 37) % 5) / 100,
      size: 1 + i,
      exchange: i % 3 === 0 ? 4 : 12,
      sequence: 1000 + i,
    }));
    await bench.run(await bench.writeFiles(day));
    const classes = () => bench.db.rows('select * from direction_classes_daily order by all');
    const sorted = await classes();
    await bench.clear();
    // The id is the row's number in the file, so it goes with the row when the file is turned round.
    await bench.run(await bench.writeFiles(day.toReversed()));
    expect(await classes()).toEqual(sorted);
  });
});
