import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inferBuySell } from '../darkpool_analysis/infer_buy_sell.js';
import { type LitVersion, PipelineBench, type Trade } from './support/pipeline.js';

// The 123 single-trade cases of the scikit-learn trade classifier tclf, against classify_trades.sql and rule_side.

const FILE = path.resolve(import.meta.dirname, '../../shared/data/direction_cases/tclf_cases.json');
const present = existsSync(FILE);
if (!present) console.log(`direction_cases.test.ts is skipped: ${FILE} is not here`);

type Price = number | 'Infinity' | null;
interface Case {
  readonly id: string;
  readonly layers: readonly (readonly [layer: string, subset: string])[];
  readonly inputs: { trade_price: number; bid?: Price; ask?: Price; price_lag?: Price };
  readonly expected: 'buy' | 'sell' | null;
}

const VERSION_OF: Record<string, LitVersion> = {
  tick: 'Tick_v1',
  quote: 'Quote_v1',
  lr: 'LeeReady_v1',
  emo: 'EMO_v1',
  clnv: 'CLNV_v1',
  // The reverse rules differ in their tick part alone, so what the quotes decide, or nothing does, is asked here too.
  rev_lr: 'LeeReady_v1',
  rev_emo: 'EMO_v1',
  rev_clnv: 'CLNV_v1',
};

const ids = (tests: readonly string[], numbers: readonly number[]) =>
  tests.flatMap((name) => numbers.map((number) => `${name}#${number}`));

/** Cases whose answer the product's rules (facts/trade_direction.md) do not give, by id. */
const EXCEPTIONS: readonly { readonly why: string; readonly ids: readonly string[] }[] = [
  {
    why: 'the reverse tick test looks at a later price: the facts know the tick test, on earlier prices, alone',
    ids: [
      ...ids(['rev_tick[all]', 'rev_tick[ex]'], [0, 1, 2, 3]),
      // decided by the reverse tick part of a quote rule
      ...ids(['rev_lr[best]', 'rev_lr[ex]', 'rev_emo[best]', 'rev_emo[ex]'], [2, 3]),
      ...ids(['rev_clnv[best]', 'rev_clnv[ex]'], [0, 1, 3, 4]),
    ],
  },
  {
    why: 'the trade size rule (size against the quoted sizes) is none of the facts’ rules',
    ids: ids(['trade_size'], [0, 1, 2, 3, 4, 5]),
  },
  {
    why: 'the depth rule (quoted sizes at the midpoint) is none of the facts’ rules',
    ids: ids(['depth'], [0, 1, 2, 3, 4]),
  },
  { why: 'the empty layer is tclf’s own: there is no rule to ask', ids: ids(['nan_layer'], [0, 1]) },
];

describe.skipIf(!present)('tclf’s cases', () => {
  const cases: Case[] = present ? JSON.parse(readFileSync(FILE, 'utf8')).cases : [];
  const excepted = new Set(EXCEPTIONS.flatMap((exception) => exception.ids));
  const asked = cases.filter(({ id }) => !excepted.has(id));
  let bench: PipelineBench;
  beforeAll(async () => {
    bench = await PipelineBench.open();
  });
  afterAll(() => bench?.close());

  test('are 123: 86 are asked, 37 are about rules that the product does not have', () => {
    expect(cases.length).toBe(123);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(123);
    const known = new Set(cases.map(({ id }) => id));
    expect([...excepted].filter((id) => !known.has(id))).toEqual([]);
    expect(EXCEPTIONS.map((exception) => exception.ids.length)).toEqual([24, 6, 5, 2]);
    expect(asked.length).toBe(86);
    const of = (layer: string) => cases.filter(({ layers }) => layers[0]?.[0] === layer).length;
    expect(['tick', 'quote', 'lr', 'emo', 'clnv'].map(of)).toEqual([10, 24, 8, 12, 12]);
    // Every case of the five rules is asked: the exceptions are none of theirs.
    for (const one of cases) {
      if (['tick', 'quote', 'lr', 'emo', 'clnv'].includes(one.layers[0]?.[0] ?? '')) {
        expect(excepted.has(one.id), one.id).toBe(false);
      }
    }
  });

  test('come out as tclf says', async () => {
    // A symbol a case: the earlier price as one share, the trade as two. A missing price is no quote on that side; an
    // infinite ask is one that no trade can reach.
    const price = (value: Price | undefined) => (value === 'Infinity' ? 1_000_000 : (value ?? null));
    await bench.insert(
      asked.flatMap(({ id, inputs }): Trade[] => [
        ...(typeof inputs.price_lag === 'number' ? [{ symbol: id, price: inputs.price_lag, size: 1 }] : []),
        { symbol: id, price: inputs.trade_price, size: 2, bid: price(inputs.bid), ask: price(inputs.ask) },
      ]),
    );
    await inferBuySell(bench.context());
    const sides = await bench.db.rows<Record<LitVersion, number> & { symbol: string }>(
      `select symbol, ${[...new Set(Object.values(VERSION_OF))]
        .map((version) => `rule_side('${version}', quote_position, tick)::integer as "${version}"`)
        .join(', ')}
       from direction_classes_daily where shares_e6 = 2000000`,
    );
    const found = asked.map(({ id, layers }) => {
      const version = VERSION_OF[layers[0]?.[0] ?? ''] as LitVersion;
      const side = sides.find(({ symbol }) => symbol === id)?.[version];
      return [id, side === 1 ? 'buy' : side === -1 ? 'sell' : side === 0 ? null : side];
    });
    expect(found).toEqual(asked.map(({ id, expected }) => [id, expected]));
  });
});
