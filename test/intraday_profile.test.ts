import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY, ns, PipelineBench, type Trade } from './support/pipeline.js';

interface Cell {
  readonly half_hour: string;
  readonly price_level: number;
  readonly level_step: number;
  readonly late: boolean;
  readonly volume: number;
  readonly trades: number;
  readonly buy_volume: number;
  readonly sell_volume: number;
  readonly mid_volume: number;
  readonly unsigned_volume: number;
  readonly retail_volume: number;
}
interface Summary {
  readonly point_of_control: number | null;
  readonly value_area_low: number | null;
  readonly value_area_high: number | null;
  readonly level_step: number;
  readonly volume: number;
  readonly late_volume: number;
}

let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
});
afterAll(() => bench.close());
beforeEach(() => bench.clear());

const cells = (symbol = 'T', date = DAY) =>
  bench.db.rows<Cell>(
    `select * exclude (symbol, date) replace (half_hour::varchar as half_hour, trades::double as trades)
     from intraday_profile where symbol = $symbol and date = $date::date order by half_hour, price_level, late`,
    { symbol, date },
  );
const summary = (symbol = 'T', date = DAY) =>
  bench.db.row<Summary>(
    'select * exclude (symbol, date) from intraday_profile_summary where symbol = $symbol and date = $date::date',
    { symbol, date },
  );

/** An off-exchange print at 10:00 unless said otherwise. */
const off = (trade: Trade): Trade => ({ exchange: 4, ...trade });

/** A day whose levels hold these volumes, a cent apart from $10.00 up; 0 leaves a level empty. */
const levels = (volumes: readonly number[]): Trade[] =>
  volumes.flatMap((size, i) => (size === 0 ? [] : [off({ price: (1000 + i) / 100, size })]));

describe('a day by half hour and price level', () => {
  it('counts sides, midpoint and retail in the half hour of execution, late prints apart, lit trades not at all', async () => {
    const quote = { bid: 10, ask: 10.1 };
    await bench.insert([
      { price: 10.1, at: '09:31', size: 900, ...quote },
      off({ price: 10.1, at: '09:59:59.999999999', size: 100, ...quote }),
      off({ price: 10.1, at: '10:00', size: 200, ...quote }),
      off({ price: 10, at: '10:01', size: 300, ...quote }),
      off({ price: 10.05, at: '10:02', size: 400, ...quote }),
      // sub-penny: retail; above 60 % of the spread bought, within 40–60 % without a side
      off({ price: 10.0975, at: '10:03', size: 50, ...quote }),
      off({ price: 10.0525, at: '10:04', size: 60, ...quote }),
      off({ price: 10.1, at: '10:05', size: 70, conditions: [2], ...quote }),
      off({ price: 10.1, at: '08:15', size: 80, ...quote }),
      // executed at 11:10, on the tape at 15:00
      off({ price: 10.1, executed: '11:10', at: '15:00', size: 500, ...quote }),
      off({ price: 10.1, executed: '11:10', at: '11:10:10', size: 10, ...quote }),
      off({ price: 10.1, executed: '11:10', at: '11:10:10.000000001', size: 20, ...quote }),
    ]);
    await bench.infer();
    const cell = (half_hour: string, price_level: number, volumes: Partial<Cell>): Cell => ({
      half_hour,
      price_level,
      level_step: 0.01,
      late: false,
      volume: 0,
      trades: 1,
      buy_volume: 0,
      sell_volume: 0,
      mid_volume: 0,
      unsigned_volume: 0,
      retail_volume: 0,
      ...volumes,
    });
    expect(await cells()).toEqual([
      cell('08:00:00', 10.1, { volume: 80, unsigned_volume: 80 }),
      cell('09:30:00', 10.1, { volume: 100, buy_volume: 100 }),
      cell('10:00:00', 10, { volume: 300, sell_volume: 300 }),
      cell('10:00:00', 10.05, {
        volume: 460,
        trades: 2,
        mid_volume: 400,
        unsigned_volume: 60,
        retail_volume: 60,
      }),
      cell('10:00:00', 10.09, { volume: 50, buy_volume: 50, retail_volume: 50 }),
      cell('10:00:00', 10.1, { volume: 270, trades: 2, buy_volume: 200, unsigned_volume: 70 }),
      cell('11:00:00', 10.1, { volume: 10, buy_volume: 10 }),
      cell('11:00:00', 10.1, { volume: 520, trades: 2, buy_volume: 520, late: true }),
    ]);
    // 10.05 and 10.10 hold 460 each: the lower. Of 1,270, 889 are 70 %: 460, then 10.09 (50) against 10.00 (300).
    expect(await summary()).toEqual({
      point_of_control: 10.05,
      value_area_low: 10,
      value_area_high: 10.11,
      level_step: 0.01,
      volume: 1270,
      late_volume: 520,
    });
  });

  it.each([
    ['summer time', '2025-07-14'],
    ['standard time', '2025-12-10'],
    ['the Monday after the clocks went back', '2025-11-03'],
    ['the Monday after they went forward', '2025-03-10'],
  ])('tells New York time in %s', async (_, date) => {
    await bench.insert([
      off({ date, at: '04:00', price: 10 }),
      off({ date, at: '09:30', price: 10 }),
      off({ date, at: '15:59:59.999999999', price: 10 }),
      off({ date, at: '19:59', price: 10 }),
    ]);
    await bench.infer();
    expect((await cells('T', date)).map((row) => row.half_hour)).toEqual([
      '04:00:00',
      '09:30:00',
      '15:30:00',
      '19:30:00',
    ]);
  });

  it('keeps the hour of a print executed before the clocks changed and reported after', async () => {
    await bench.insert([off({ date: '2025-11-03', at: '08:00', price: 10 })]);
    await bench.db.run('update polygon_trades set participant_timestamp = make_timestamp_ns($ns::bigint)', {
      ns: ns('2025-10-31', '15:45'),
    });
    await bench.infer();
    expect(await cells('T', '2025-11-03')).toMatchObject([{ half_hour: '15:30:00', late: true }]);
  });
});

describe('price levels', () => {
  it.each([
    ['one price', [10], 0.01],
    ['fifty cents', [10, 10.49], 0.01],
    ['one cent more', [10, 10.5], 0.02],
    ['a dollar less two cents', [10.01, 10.98], 0.02],
    ['a wide day', [100, 124.99], 0.5],
    ['six figures', [600_000, 601_234], 50],
    ['below a dollar', [0.0021, 0.0034], 0.0001],
    ['across a dollar', [0.9, 1.01], 0.01],
  ])('%s: at most fifty of them', async (_, prices, step) => {
    await bench.insert(prices.map((price) => off({ price })));
    await bench.infer();
    expect(await summary()).toMatchObject({ level_step: step });
    for (const { price_level, level_step } of await cells()) {
      expect(level_step).toBe(step);
      expect(Math.abs(price_level / step - Math.round(price_level / step))).toBeLessThan(1e-6);
    }
  });

  it('lets a late print far away stand by itself instead of stretching the range', async () => {
    await bench.insert([
      off({ price: 10, size: 10 }),
      off({ price: 10.03, size: 20 }),
      off({ price: 55.555, size: 40, executed: '10:00', at: '12:00' }),
    ]);
    await bench.infer();
    expect(await summary()).toMatchObject({ level_step: 0.01, volume: 30, late_volume: 40 });
    expect((await cells()).find((row) => row.late)).toMatchObject({ price_level: 55.55, volume: 40 });
  });

  it('has no point of control on a day of late prints only', async () => {
    await bench.insert([off({ price: 10, size: 40, executed: '10:00', at: '12:00' })]);
    await bench.infer();
    expect(await summary()).toEqual({
      point_of_control: null,
      value_area_low: null,
      value_area_high: null,
      level_step: 0.01,
      volume: 0,
      late_volume: 40,
    });
  });
});

describe('point of control and value area', () => {
  it.each([
    // volumes from $10.00 up; point of control, low, high (its upper edge)
    ['one level is all of it', [100], 10, 10, 10.01],
    ['the lowest of two equals', [40, 10, 40], 10, 10, 10.03],
    ['70 % exactly is enough', [10, 70, 20], 10.01, 10.01, 10.02],
    ['the fuller side first', [30, 60, 10], 10.01, 10, 10.02],
    ['the upper on a tie', [20, 60, 20], 10.01, 10.01, 10.03],
    ['only downwards from the top', [20, 20, 25, 35], 10.03, 10.01, 10.04],
    ['an empty level is passed over', [30, 0, 60, 10], 10.02, 10, 10.03],
    ['the upper on a tie at a later step', [15, 15, 39, 16, 15], 10.02, 10.02, 10.05],
  ])('%s', async (_, volumes, control, low, high) => {
    await bench.insert(levels(volumes));
    await bench.infer();
    expect(await summary()).toMatchObject({
      point_of_control: control,
      value_area_low: low,
      value_area_high: high,
    });
  });
});

describe('many days', () => {
  // a linear congruential generator: the same days every time
  const random = (seed: number) => {
    let state = seed;
    return (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * below);
    };
  };
  const dates = ['2025-07-14', '2025-07-15', '2025-12-10'];
  const symbols = ['A', 'B', 'Bb', 'C'];
  const market = (): Trade[] => {
    const any = random(7);
    return dates.flatMap((date) =>
      symbols.flatMap((symbol, s) =>
        Array.from({ length: 150 }, (): Trade => {
          const bid = 1000 + any(20 * (s + 1));
          const ask = bid + any(4);
          const minute = any(14 * 60);
          const time = (m: number) =>
            `${String(4 + Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
          return {
            symbol,
            date,
            at: time(minute + (any(10) === 0 ? 60 : 0)),
            executed: time(minute),
            price: (bid * 100 + any(500) - 50) / 10_000,
            size: 1 + any(1000) / 4,
            exchange: any(3) === 0 ? 12 : 4,
            ...(any(12) === 0 ? { conditions: [2] } : {}),
            ...(any(15) === 0 ? {} : { bid: bid / 100, ask: ask / 100 }),
          };
        }),
      ),
    );
  };
  const all = () =>
    bench.db.rows(
      `select 'profile' as what, hash(p)::varchar as row from intraday_profile p
       union all select 'summary', hash(s)::varchar from intraday_profile_summary s order by all`,
    );

  it('add up to off_exchange_direction_daily, and every value area is what the rule by hand gives', async () => {
    await bench.insert(market());
    await bench.infer();
    const differing = await bench.db.rows(
      `with profiled as (
         select symbol, date, sum(volume) as total, sum(trades) as trades, sum(buy_volume) as buy, sum(sell_volume) as sell,
           sum(mid_volume) as mid, sum(unsigned_volume) as unsigned, sum(retail_volume) as retail,
           coalesce(sum(volume) filter (late), 0) as late, coalesce(sum(trades) filter (late), 0) as late_trades
         from intraday_profile group by symbol, date
       )
       select * from off_exchange_direction_daily o full join profiled p using (symbol, date)
       where (total, p.trades, buy, sell, mid, unsigned, retail, late, p.late_trades) is distinct from
         (total_volume, o.trades, buy_volume, sell_volume, mid_volume, unsigned_volume,
          retail_buy_volume + retail_sell_volume + retail_unsigned_volume, late_volume, o.late_trades)`,
    );
    expect(differing).toEqual([]);
    let checked = 0;
    for (const date of dates) {
      for (const symbol of symbols) {
        const rows = (await cells(symbol, date)).filter((row) => !row.late);
        const volumes = new Map<number, number>();
        for (const row of rows) {
          const level = Math.round(row.price_level / row.level_step);
          volumes.set(level, (volumes.get(level) ?? 0) + row.volume);
        }
        const step = rows[0]?.level_step ?? 0;
        const area = byHand([...volumes].sort((a, b) => a[0] - b[0]));
        const found = await summary(symbol, date);
        expect(found?.point_of_control).toBeCloseTo(area.control * step, 9);
        expect(found?.value_area_low).toBeCloseTo(area.low * step, 9);
        expect(found?.value_area_high).toBeCloseTo((area.high + 1) * step, 9);
        checked += 1;
      }
    }
    expect(checked).toBe(12);
  });

  it('come out the same whatever the range, and a second time', async () => {
    await bench.insert(market());
    await bench.infer();
    const before = await all();
    expect(before.length).toBeGreaterThan(100);
    await bench.db.run('insert into pending_directions select distinct symbol, date from polygon_trades');
    await bench.infer({}, 100);
    expect(await all()).toEqual(before);
  });

  it('leave nothing behind of prints that are gone', async () => {
    await bench.insert(market());
    await bench.infer();
    await bench.db.run(
      `delete from polygon_trades where symbol = 'A' and exchange = 4;
       insert into pending_directions select distinct symbol, date from polygon_trades where symbol = 'A'`,
    );
    await bench.infer();
    expect(await cells('A')).toEqual([]);
    expect(await summary('A')).toBeUndefined();
    expect((await cells('B')).length).toBeGreaterThan(10);
  });
});

/** The rule once more, the slow way. */
function byHand(levels: readonly (readonly [number, number])[]) {
  const volume = (i: number) => levels[i]?.[1];
  const total = levels.reduce((sum, [, v]) => sum + v, 0);
  const most = Math.max(...levels.map(([, v]) => v));
  const control = levels.findIndex(([, v]) => v === most);
  let [low, high, inside] = [control, control, most];
  while (inside * 10 < total * 7) {
    const above = volume(high + 1);
    const below = volume(low - 1);
    if (below === undefined || (above !== undefined && above >= below)) {
      high += 1;
      inside += above ?? 0;
    } else {
      low -= 1;
      inside += below;
    }
  }
  const level = (i: number) => levels[i]?.[0] ?? Number.NaN;
  return { control: level(control), low: level(low), high: level(high) };
}
