import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LIT_VERSIONS, PipelineBench, type Settings } from './support/pipeline.js';

/**
 * Real days through the files' own way: only on machines that have them, never in the repository.
 *
 * Every figure was computed apart from the product by a Python script without SQL: rows read by the csv module, prices
 * by decimal as whole millionths, conditions and corrections of facts/polygon.md dropped, the quote before each trade
 * by bisection over (participant time, sequence number), the tick test by a loop over the tape, the rules of
 * facts/trade_direction.md on whole numbers. ETR's are also those of the issues.
 */
const DATA = path.resolve(import.meta.dirname, '../../shared/data');
const present = existsSync(DATA);
if (!present) console.log(`real_days.test.ts is skipped: ${DATA} is not here`);

/** Bought, sold, neutral shares and signed trades of a version. */
type Figures = Record<(typeof LIT_VERSIONS)[number], readonly [number, number, number, number]>;
/** Trades and shares. */
type Counts = readonly [number, number];

interface OffFigures {
  readonly all: Counts;
  readonly signable: Counts;
  readonly mid: Counts;
  readonly retail_buy: Counts;
  readonly retail_sell: Counts;
  readonly retail_unsigned: Counts;
  readonly rest_buy: Counts;
  readonly rest_sell: Counts;
  readonly rest_unsigned: Counts;
  readonly by_tick: Counts;
  readonly blocks: Counts;
}

let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
});
afterAll(() => bench.close());

async function lit(symbol: string, date: string) {
  const rows = (await bench.lit()).filter((row) => row.symbol === symbol && row.date === date);
  const trades = new Set(rows.map((row) => row.lit_trades));
  return {
    figures: Object.fromEntries(
      rows.map((row) => [
        row.inference_version,
        [
          row.lit_buy_volume,
          row.lit_sell_volume,
          row.lit_neutral_volume,
          Math.round((row.lit_coverage_pct * row.lit_trades) / 100),
        ],
      ]),
    ),
    methods: Object.fromEntries(rows.map((row) => [row.inference_version, row.classification_method])),
    trades: [...trades],
  };
}

/** Off-exchange prints of a day by the order of rules of facts/trade_direction.md, from the stored classes. */
async function offExchange(symbol: string, date: string): Promise<OffFigures> {
  const SIDE = `case when quote_position in (3, 4) then 1 when quote_position in (-3, -4) then -1 else coalesce(tick, 0) end`;
  const mid = "status = 'signable' and quote_position = 0";
  const retail = "status = 'signable' and quote_position is distinct from 0 and retail";
  const rest = "status = 'signable' and quote_position is distinct from 0 and not retail";
  const filters: Record<Exclude<keyof OffFigures, 'blocks'>, string> = {
    all: 'true',
    signable: "status = 'signable'",
    mid,
    retail_buy: `${retail} and quote_position between 2 and 5`,
    retail_sell: `${retail} and quote_position between -5 and -2`,
    retail_unsigned: `${retail} and coalesce(quote_position not between 2 and 5 and quote_position not between -5 and -2, true)`,
    rest_buy: `${rest} and ${SIDE} = 1`,
    rest_sell: `${rest} and ${SIDE} = -1`,
    rest_unsigned: `${rest} and ${SIDE} = 0`,
    by_tick: `${rest} and (quote_position is null or quote_position not in (-4, -3, 3, 4))`,
  };
  const pair = (trades: string, shares: string, filter: string) =>
    `[coalesce(sum(${trades}) filter (${filter}), 0)::double, coalesce(sum(${shares}) filter (${filter}), 0) / 1000000.0]`;
  const row = await bench.db.row<OffFigures>(
    `select ${Object.entries(filters)
      .map(([name, filter]) => `${pair('trades', 'shares_e6', filter)} as ${name}`)
      .join(', ')}, ${pair('block_trades', 'block_shares_e6', 'true')} as blocks
     from direction_classes_daily where venue = 'off' and symbol = $symbol and date = $date::date`,
    { symbol, date },
  );
  if (row === undefined) throw new Error('no classes');
  return row;
}

const volumeOf = (symbol: string, date: string) =>
  bench.db.row(
    `select v.volume_basis, v.off_exchange_volume, v.consolidated_volume, v.off_exchange_ratio, s.estimated_bought,
       s.estimated_sold, s.buy_ratio, s.finra_period_type, s.signal
     from off_exchange_volume_daily v join darkpool_daily_summary s on s.symbol = v.symbol and s.date = v.date
     where v.symbol = $symbol and v.date = $date::date`,
    { symbol, date },
  );

describe.skipIf(!present)('ETR, 2019-05-08', () => {
  const DATE = '2019-05-08';
  const folder = path.join(DATA, 'polygon_etr_20190508');
  const trades: Settings = { POLYGON_TRADES_FILE: path.join(folder, 'trades.csv.gz') };
  const run = async (settings: Settings) => {
    await bench.clear();
    return bench.run(settings, [DATE], ['ETR']);
  };

  test('with quotes: method NBBO, every version', async () => {
    const { fetched } = await run({ ...trades, POLYGON_QUOTES_FILE: path.join(folder, 'quotes.csv.gz') });
    // 17,057 rows, of them 5 official opens and closes (conditions 15 and 16), which repeat a print.
    expect(fetched).toMatchObject({ stored: { polygon_trades: 17_052 }, gaps: [] });
    const figures: Figures = {
      OptionB_v1: [340_591, 307_962, 428_910, 8080],
      Tick_v1: [532_542, 536_705, 8_216, 13_549],
      Quote_v1: [416_713, 391_676, 269_074, 10_346],
      LeeReady_v1: [544_893, 524_404, 8_166, 13_550],
      EMO_v1: [537_093, 532_154, 8_216, 13_549],
      CLNV_v1: [539_716, 529_581, 8_166, 13_550],
    };
    expect(await lit('ETR', DATE)).toEqual({
      figures,
      methods: {
        OptionB_v1: 'NBBO',
        Tick_v1: 'TICK',
        Quote_v1: 'NBBO',
        LeeReady_v1: 'NBBO',
        EMO_v1: 'NBBO',
        CLNV_v1: 'NBBO',
      },
      trades: [13_551],
    });

    const volume = await volumeOf('ETR', DATE);
    expect(volume).toMatchObject({
      volume_basis: 'tape',
      off_exchange_volume: 507_902,
      consolidated_volume: 2_220_382,
      finra_period_type: 'daily',
      signal: null,
    });
    // 507,902 × 340,591 / 648,553 = 266,727.3
    expect(Math.round(Number(volume?.estimated_bought))).toBe(266_727);
    expect(Math.round(Number(volume?.estimated_sold))).toBe(241_175);
    const row = await bench.litOf('OptionB_v1', 'ETR', DATE);
    expect(row.lit_buy_ratio).toBeCloseTo(340_591 / 648_553, 12);
    expect(row.lit_buy_ratio_low).toBeCloseTo(340_591 / 1_077_463, 12);
    expect(row.lit_buy_ratio_high).toBeCloseTo(769_501 / 1_077_463, 12);
    expect(row.log_buy_sell).toBeCloseTo(Math.log(340_591 / 307_962), 12);

    expect(await offExchange('ETR', DATE)).toEqual({
      all: [3490, 507_902],
      signable: [3352, 379_418],
      mid: [809, 111_240],
      retail_buy: [137, 7_829],
      retail_sell: [109, 10_330],
      retail_unsigned: [37, 2_420],
      rest_buy: [1345, 151_787],
      rest_sell: [915, 95_812],
      rest_unsigned: [0, 0],
      by_tick: [270, 32_161],
      blocks: [14, 134_552],
    } satisfies OffFigures);
  });

  test('without quotes: method TICK', async () => {
    await run(trades);
    const figures: Figures = {
      OptionB_v1: [172_459, 193_179, 711_825, 4216],
      Tick_v1: [532_542, 536_705, 8_216, 13_549],
      Quote_v1: [0, 0, 1_077_463, 0],
      LeeReady_v1: [532_542, 536_705, 8_216, 13_549],
      EMO_v1: [532_542, 536_705, 8_216, 13_549],
      CLNV_v1: [532_542, 536_705, 8_216, 13_549],
    };
    const found = await lit('ETR', DATE);
    expect(found.figures).toEqual(figures);
    expect(found.methods.OptionB_v1).toBe('TICK');
    // 507,902 × 172,459 / 365,638
    const volume = await volumeOf('ETR', DATE);
    expect(Number(volume?.estimated_bought)).toBeCloseTo((507_902 * 172_459) / 365_638, 6);
    expect(await offExchange('ETR', DATE)).toEqual({
      all: [3490, 507_902],
      signable: [3352, 379_418],
      mid: [0, 0],
      retail_buy: [0, 0],
      retail_sell: [0, 0],
      retail_unsigned: [283, 20_579],
      rest_buy: [1616, 176_107],
      rest_sell: [1453, 182_732],
      rest_unsigned: [0, 0],
      by_tick: [3069, 358_839],
      blocks: [14, 134_552],
    } satisfies OffFigures);
  });
});

describe.skipIf(!present)('IBM, 2013-10-07 and -08', () => {
  const folder = path.join(DATA, 'polygon_ibm_201310');
  const DAYS = ['2013-10-07', '2013-10-08'] as const;
  beforeAll(async () => {
    if (!present) return;
    await bench.clear();
    await bench.run(
      {
        POLYGON_TRADES_FILE: path.join(folder, 'trades_*.csv.gz'),
        POLYGON_QUOTES_FILE: path.join(folder, 'quotes_*.csv.gz'),
      },
      DAYS,
      ['IBM'],
    );
  });

  const EXPECTED: Record<
    string,
    { trades: number; figures: Figures; off: OffFigures; consolidated: number }
  > = {
    '2013-10-07': {
      trades: 16_667,
      consolidated: 3_960_352,
      figures: {
        OptionB_v1: [863_654, 1_020_446, 663_957, 12_581],
        Tick_v1: [1_307_413, 1_240_044, 600, 16_665],
        Quote_v1: [1_182_510, 1_176_783, 188_764, 15_281],
        LeeReady_v1: [1_278_630, 1_269_427, 0, 16_667],
        EMO_v1: [1_269_824, 1_278_233, 0, 16_667],
        CLNV_v1: [1_265_013, 1_283_044, 0, 16_667],
      },
      off: {
        all: [7458, 1_228_746],
        signable: [7439, 1_205_383],
        mid: [1176, 157_288],
        retail_buy: [0, 0],
        retail_sell: [0, 0],
        retail_unsigned: [0, 0],
        rest_buy: [3111, 527_927],
        rest_sell: [3152, 520_168],
        rest_unsigned: [0, 0],
        by_tick: [1535, 257_901],
        blocks: [84, 185_876],
      },
    },
    '2013-10-08': {
      trades: 22_577,
      consolidated: 5_564_671,
      figures: {
        OptionB_v1: [1_104_460, 1_451_109, 828_094, 17_044],
        Tick_v1: [1_638_849, 1_744_630, 184, 22_576],
        Quote_v1: [1_442_573, 1_708_306, 232_784, 20_766],
        LeeReady_v1: [1_559_852, 1_823_811, 0, 22_577],
        EMO_v1: [1_583_667, 1_799_996, 0, 22_577],
        CLNV_v1: [1_569_435, 1_814_228, 0, 22_577],
      },
      off: {
        all: [10_777, 1_910_405],
        signable: [10_746, 1_820_089],
        mid: [1659, 287_080],
        retail_buy: [0, 0],
        retail_sell: [0, 0],
        retail_unsigned: [0, 0],
        rest_buy: [4807, 789_190],
        rest_sell: [4280, 743_819],
        rest_unsigned: [0, 0],
        by_tick: [2317, 370_787],
        blocks: [109, 318_360],
      },
    },
  };

  test.each(DAYS)('%s: by the NBBO in spite of locked and crossed quotes', async (date) => {
    const expected = EXPECTED[date];
    const { figures, methods, trades } = await lit('IBM', date);
    expect(figures).toEqual(expected?.figures);
    expect(trades).toEqual([expected?.trades]);
    expect(methods.OptionB_v1).toBe('NBBO');
    // 207 + 71 and 303 + 44 of the signable lit trades stand at a locked or a crossed quote.
    expect(
      await bench.db.row(
        `select sum(trades)::integer as trades from direction_classes_daily
         where venue = 'lit' and status = 'signable' and quote_position >= 9 and date = $date::date`,
        { date },
      ),
    ).toEqual({ trades: date === '2013-10-07' ? 278 : 347 });
    expect(await offExchange('IBM', date)).toEqual(expected?.off);
    expect(await volumeOf('IBM', date)).toMatchObject({
      volume_basis: 'tape',
      off_exchange_volume: expected?.off.all[1],
      consolidated_volume: expected?.consolidated,
    });
  });
});
