import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inferBuySell } from '../darkpool_analysis/infer_buy_sell.js';
import { sessionOn } from '../darkpool_analysis/market_calendar.js';
import { LIT_VERSIONS, type LitVersion, ns, PipelineBench, type Trade } from './support/pipeline.js';

// Random small days of several symbols, against plain loops over whole numbers that share nothing with the SQL.

/** Each of up to six symbol-days. */
const RUNS = 60;
const SYMBOLS = ['A', 'AA', 'B'];
// The second day closes at 13:00.
const DATES = ['2025-07-02', '2025-07-03'];
// Around both closes and the open; few instants, so that many trades share one.
const TIMES = [
  '09:29:59.999999999',
  '09:30:00',
  '09:30:00.000000001',
  '10:00:00',
  '10:00:00.000001',
  '10:00:01',
  '11:30:00',
  '12:59:59.999999999',
  '13:00:00',
  '15:59:59.999',
  '16:00:00',
];
const NEVER_SIGN = [2, 5, 7, 9, 10, 13, 20, 21, 22, 29, 30, 31, 32, 33, 52, 53, 55];
const AUCTION = [8, 17, 18, 19, 25, 28];

let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
});
afterAll(() => bench.close());

const oftenOf = <T>(usual: T, weight: number, ...others: T[]) =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** Prices and quotes in millionths on a few steps of their own scale, so that ties and bounds are met often. */
const tradeArbitrary = fc.record({
  symbol: fc.constantFrom(...SYMBOLS),
  date: fc.constantFrom(...DATES),
  at: fc.oneof(
    { weight: 1, arbitrary: fc.nat(TIMES.length - 1) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 7 }) },
  ),
  /** Places in TIMES that the execution lies before the publication; null: no execution time. */
  delay: oftenOf<number | null>(0, 4, null, 1, 3, 8),
  /** Of a spread ten steps wide: the quotes, 0.3, 0.4, the middle, 0.6 and 0.7 twice as often as the rest. */
  step: fc.constantFrom(-1, 0, 0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 10, 11),
  width: fc.constantFrom(10, 10, 10, 4, 1, 0, -2),
  quoted: oftenOf('both', 30, 'bid', 'ask', 'none'),
  size: fc.integer({ min: 1, max: 20_000_000_000 }),
  exchange: oftenOf<number | null>(12, 5, 4, 4, 4, 62, null),
  conditions: oftenOf<number[]>([], 8, [14], [14, 37], [10], [41, 53], [17], [12], [22, 8]),
});
type Drawn = typeof tradeArbitrary extends fc.Arbitrary<infer T> ? T : never;
const dayArbitrary = fc.record({
  trades: fc.array(tradeArbitrary, { minLength: 1, maxLength: 100, size: 'max' }),
  scale: fc.constantFrom(
    { base: 10_000_000n, step: 10_000n }, // $10.00 by the cent
    { base: 10_000_300n, step: 10n }, // by a thousandth of a cent: retail prints within the spread
    { base: 10_000_300n, step: 10n },
    { base: 995_000n, step: 1_000n }, // around a dollar by the mill
    { base: 990_000_000n, step: 10_000n },
  ),
  /** One day in five is stored again in another order and read in ranges of so many trades. */
  rangeRows: fc.constantFrom(...Array<number>(12).fill(0), 1, 12, 20),
  order: fc.infiniteStream(fc.nat()),
});

interface Row {
  readonly symbol: string;
  readonly date: string;
  readonly sip: bigint;
  readonly executed: bigint;
  readonly sequence: number;
  readonly off: boolean;
  readonly regular: boolean;
  readonly signable: boolean;
  readonly price: bigint;
  readonly shares: bigint;
  readonly bid: bigint | null;
  readonly ask: bigint | null;
}

function hours(date: string): [bigint, bigint] {
  return [ns(date, '09:30'), ns(date, date === '2025-07-03' ? '13:00' : '16:00')];
}

/** The random trades once as the bench stores them, once as the loops read them. */
function build(
  drawn: readonly Drawn[],
  scale: { base: bigint; step: bigint },
): { trades: Trade[]; rows: Row[] } {
  const trades: Trade[] = [];
  const rows: Row[] = [];
  for (const [index, one] of drawn.entries()) {
    const { symbol, date, exchange, conditions } = one;
    const at = TIMES[one.at] as string;
    const executed = one.delay === null ? null : (TIMES[Math.max(0, one.at - one.delay)] as string);
    const price = scale.base + BigInt(one.step) * scale.step;
    const bid = one.quoted === 'both' || one.quoted === 'bid' ? scale.base : null;
    const ask =
      one.quoted === 'both' || one.quoted === 'ask' ? scale.base + BigInt(one.width) * scale.step : null;
    // Sequence numbers rise neither with time nor with the order of the rows.
    const sequence = (index * 7919) % 104729;
    trades.push({
      symbol,
      date,
      at,
      executed,
      exchange,
      conditions,
      sequence,
      price: Number(price) / 1e6,
      size: one.size / 1e6,
      bid: bid === null ? null : Number(bid) / 1e6,
      ask: ask === null ? null : Number(ask) / 1e6,
    });
    const time = ns(date, executed ?? at);
    const [start, end] = hours(date);
    const regular = start <= time && time < end;
    rows.push({
      symbol,
      date,
      sip: ns(date, at),
      executed: time,
      sequence,
      off: exchange === 4 || exchange === 62,
      regular,
      signable: regular && !conditions.some((code) => NEVER_SIGN.includes(code) || AUCTION.includes(code)),
      price,
      shares: BigInt(one.size),
      bid,
      ask,
    });
  }
  return { trades, rows };
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
const sign = (value: bigint) => (value > 0n ? 1 : value < 0n ? -1 : 0);

interface Sided {
  readonly method: string;
  readonly buy: bigint;
  readonly sell: bigint;
  readonly neutral: bigint;
  readonly trades: number;
  readonly signed: number;
}

/** One symbol-day by loops: the versions on its lit trades, and the ticks and sides of its off-exchange prints. */
function byLoops(day: readonly Row[]) {
  const tape = day.toSorted((a, b) => compare(a.sip, b.sip) || a.sequence - b.sequence);
  const base: { row: Row; step: number; tick: number }[] = [];
  for (const row of tape) {
    if (row.off || !row.signable) continue;
    const last = base.at(-1);
    const step = last === undefined ? 0 : sign(row.price - last.row.price);
    // The last different price: walk back to it.
    let tick = 0;
    for (let i = base.length - 1; i >= 0 && tick === 0; i--)
      tick = sign(row.price - (base[i]?.row.price ?? 0n));
    base.push({ row, step, tick });
  }

  const whole = base.every(({ row }) => row.bid !== null && row.ask !== null) && base.length > 0;
  const usable = ({ bid, ask }: Row): [bigint, bigint] | undefined =>
    bid !== null && ask !== null && ask > bid ? [bid, ask] : undefined;
  const clnv = (price: bigint, [bid, ask]: [bigint, bigint]) =>
    10n * price >= 3n * bid + 7n * ask && price <= ask
      ? 1
      : price >= bid && 10n * price <= 7n * bid + 3n * ask
        ? -1
        : 0;
  const rules: Record<LitVersion, (one: { row: Row; step: number; tick: number }) => number> = {
    OptionB_v1: ({ row: { price, bid, ask }, step }) => {
      if (!whole || bid === null || ask === null) return step;
      if (price >= ask && price > bid) return 1;
      return price <= bid && price < ask ? -1 : 0;
    },
    Tick_v1: ({ tick }) => tick,
    Quote_v1: ({ row }) => {
      const quote = usable(row);
      return quote === undefined ? 0 : sign(2n * row.price - quote[0] - quote[1]);
    },
    LeeReady_v1: ({ row, tick }) => {
      const quote = usable(row);
      return (quote === undefined ? 0 : sign(2n * row.price - quote[0] - quote[1])) || tick;
    },
    EMO_v1: ({ row, tick }) => {
      const quote = usable(row);
      if (quote === undefined) return tick;
      return row.price === quote[1] ? 1 : row.price === quote[0] ? -1 : tick;
    },
    CLNV_v1: ({ row, tick }) => {
      const quote = usable(row);
      return (quote === undefined ? 0 : clnv(row.price, quote)) || tick;
    },
  };

  const lit = day.filter((row) => !row.off && row.regular);
  const total = lit.reduce((sum, row) => sum + row.shares, 0n);
  const versions = new Map<LitVersion, Sided>();
  for (const version of LIT_VERSIONS) {
    let [buy, sell, signed] = [0n, 0n, 0];
    for (const one of base) {
      const side = rules[version](one);
      if (side > 0) buy += one.row.shares;
      if (side < 0) sell += one.row.shares;
      if (side !== 0) signed += 1;
    }
    const method =
      version === 'Tick_v1' || (version === 'OptionB_v1' && !whole)
        ? 'TICK'
        : version === 'OptionB_v1' ||
            version === 'Quote_v1' ||
            base.some(({ row }) => usable(row) !== undefined)
          ? 'NBBO'
          : 'TICK';
    versions.set(version, { method, buy, sell, neutral: total - buy - sell, trades: lit.length, signed });
  }

  // Off-exchange prints in their order of rules: mid, retail (BJZZ, QMP), CLNV on the lit tick base.
  const off: Record<string, bigint> = {};
  const ticks: Record<string, bigint> = {};
  const add = (to: Record<string, bigint>, key: string, shares: bigint) => {
    to[key] = (to[key] ?? 0n) + shares;
  };
  for (const row of day.filter((one) => one.off)) {
    if (!row.signable) {
      add(off, 'unsigned', row.shares);
      continue;
    }
    const quote = usable(row);
    if (quote !== undefined && 2n * row.price === quote[0] + quote[1]) {
      add(off, 'mid', row.shares);
      continue;
    }
    const k = ((row.price + 50n) / 100n) % 100n;
    if (row.price >= 1_000_000n && k !== 0n && (k < 40n || k > 60n)) {
      const x = quote === undefined ? undefined : 10n * (row.price - quote[0]);
      const width = quote === undefined ? 0n : quote[1] - quote[0];
      const side = x === undefined ? 0 : x < 4n * width ? -1 : x > 6n * width ? 1 : 0;
      add(off, side > 0 ? 'retail buy' : side < 0 ? 'retail sell' : 'retail unsigned', row.shares);
      continue;
    }
    let side = quote === undefined ? 0 : clnv(row.price, quote);
    if (side === 0) {
      // The last lit trade executed before it; of one instant the last on the tape.
      let last: (typeof base)[number] | undefined;
      for (const one of base) {
        if (one.row.executed < row.executed && (last === undefined || one.row.executed >= last.row.executed))
          last = one;
      }
      side = last === undefined ? 0 : sign(row.price - last.row.price) || last.tick;
      add(ticks, String(side), row.shares);
    }
    add(off, side > 0 ? 'buy' : side < 0 ? 'sell' : 'unsigned', row.shares);
  }
  return { versions, off, ticks };
}

interface ClassRow {
  symbol: string;
  date: string;
  venue: string;
  status: string;
  quote_position: number | null;
  tick: number | null;
  retail: boolean;
  trades: string;
  shares_e6: string;
}

/** Forgets stored trades and stores these, in this order. */
async function store(trades: readonly Trade[]): Promise<void> {
  await bench.db.run(
    'delete from polygon_trades; delete from direction_classes_daily; delete from lit_direction_daily',
  );
  await bench.insert(trades);
}

const classes = () =>
  bench.db.rows<ClassRow>(
    'select * replace (date::varchar as date) from direction_classes_daily order by all',
  );

test(`${RUNS} random markets: every version and every off-exchange tick as by loops, nothing lost, in any order and any ranges`, async () => {
  let [signed, offSigned, nbbo, ticked] = [0, 0n, 0, 0];
  await fc.assert(
    fc.asyncProperty(dayArbitrary, async ({ trades: drawn, scale, rangeRows, order }) => {
      const { trades, rows } = build(drawn, scale);
      await store(trades);
      const ctx = bench.context();
      await inferBuySell(ctx);
      await bench.db.run(
        'create or replace temp table affected_days as select distinct symbol, date from polygon_trades',
      );
      await bench.db.runFile('marts/lit_direction_daily', { versions: LIT_VERSIONS, min_lit: 0 });
      const found = await bench.lit();
      const counted = await classes();

      for (const key of new Set(rows.map(({ symbol, date }) => `${symbol} ${date}`))) {
        const [symbol, date] = key.split(' ');
        const day = rows.filter((row) => row.symbol === symbol && row.date === date);
        const ofDay = <T extends { symbol: string; date: string }>(list: readonly T[]) =>
          list.filter((one) => one.symbol === symbol && one.date === date);
        const expected = byLoops(day);

        // Classes: every trade once, every share once, by venue and by regular hours.
        for (const off of [true, false]) {
          const group = ofDay(counted).filter(({ venue }) => (venue === 'off') === off);
          const own = day.filter((row) => row.off === off);
          expect(group.reduce((sum, row) => sum + Number(row.trades), 0)).toBe(own.length);
          expect(group.reduce((sum, row) => sum + BigInt(row.shares_e6), 0n)).toBe(
            own.reduce((sum, row) => sum + row.shares, 0n),
          );
          const outside = group.filter(({ status }) => status === 'outside_hours');
          expect(outside.reduce((sum, row) => sum + Number(row.trades), 0)).toBe(
            own.filter(({ regular }) => !regular).length,
          );
        }

        // Lit versions.
        const lit = day.filter((row) => !row.off && row.regular);
        const stored = ofDay(found);
        expect(stored.length).toBe(lit.length === 0 ? 0 : LIT_VERSIONS.length);
        for (const row of stored) {
          const want = expected.versions.get(row.inference_version) as Sided;
          const shares = (value: number) => BigInt(Math.round(value * 1e6));
          expect({
            version: row.inference_version,
            method: row.classification_method,
            buy: shares(row.lit_buy_volume),
            sell: shares(row.lit_sell_volume),
            neutral: shares(row.lit_neutral_volume),
            trades: row.lit_trades,
            coverage: row.lit_coverage_pct,
          }).toEqual({
            version: row.inference_version,
            method: want.method,
            buy: want.buy,
            sell: want.sell,
            neutral: want.neutral,
            trades: want.trades,
            coverage: (100 * want.signed) / want.trades,
          });
          expect(
            shares(row.lit_buy_volume) + shares(row.lit_sell_volume) + shares(row.lit_neutral_volume),
          ).toBe(lit.reduce((sum, trade) => sum + trade.shares, 0n));
          if (row.lit_buy_ratio !== null) {
            expect(row.lit_buy_ratio_low).toBeLessThanOrEqual(row.lit_buy_ratio);
            expect(row.lit_buy_ratio_high).toBeGreaterThanOrEqual(row.lit_buy_ratio);
          }
          signed += want.signed;
          if (row.inference_version === 'OptionB_v1') {
            if (row.classification_method === 'NBBO') nbbo += 1;
            else ticked += 1;
          }
        }

        // Off-exchange prints: the classes hold what each rule needs.
        const off: Record<string, bigint> = {};
        const ticks: Record<string, bigint> = {};
        for (const row of ofDay(counted).filter(({ venue }) => venue === 'off')) {
          const p = row.quote_position ?? 99;
          const asks = row.status === 'signable' && !row.retail && ![0, 3, 4, -3, -4].includes(p);
          const side = p === 3 || p === 4 ? 1 : p === -3 || p === -4 ? -1 : (row.tick ?? 0);
          const key =
            row.status !== 'signable'
              ? 'unsigned'
              : p === 0
                ? 'mid'
                : row.retail
                  ? p >= 2 && p <= 5
                    ? 'retail buy'
                    : p <= -2
                      ? 'retail sell'
                      : 'retail unsigned'
                  : side > 0
                    ? 'buy'
                    : side < 0
                      ? 'sell'
                      : 'unsigned';
          off[key] = (off[key] ?? 0n) + BigInt(row.shares_e6);
          if (asks)
            ticks[String(row.tick ?? 0)] = (ticks[String(row.tick ?? 0)] ?? 0n) + BigInt(row.shares_e6);
        }
        expect({ key, off, ticks }).toEqual({ key, off: expected.off, ticks: expected.ticks });
        offSigned += (ticks['1'] ?? 0n) + (ticks['-1'] ?? 0n);
      }

      if (rangeRows === 0) return;
      // Another order of the rows, many small ranges: the same classes.
      const draws = order[Symbol.iterator]();
      const shuffled = trades
        .map((trade) => ({ trade, place: draws.next().value as number }))
        .sort((a, b) => a.place - b.place)
        .map(({ trade }) => trade);
      await store(shuffled);
      await inferBuySell(ctx, rangeRows);
      expect(await classes()).toEqual(counted);
    }),
    { numRuns: RUNS, seed: 20250714 },
  );
  // The random days do reach what is compared.
  expect(signed).toBeGreaterThan(1000);
  expect(offSigned).toBeGreaterThan(0n);
  expect(nbbo).toBeGreaterThan(20);
  expect(ticked).toBeGreaterThan(20);
});

test('the two days of the generator are a whole session and one that closes at 13:00', () => {
  expect(DATES.map((date) => sessionOn(date)?.closeNs)).toEqual([
    ns('2025-07-02', '16:00'),
    ns('2025-07-03', '13:00'),
  ]);
});
