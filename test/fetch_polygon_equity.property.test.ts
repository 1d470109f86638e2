import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quoteJson, tradeJson } from './support/fake_polygon.js';
import { PolygonBench, session } from './support/polygon_bench.js';

let bench: PolygonBench;
beforeAll(async () => {
  bench = await PolygonBench.open();
});
afterAll(() => bench.close());

const OPEN = session().openNs + 123_456_789n;

interface Trade {
  readonly sip: bigint;
  readonly participant: bigint | null;
  readonly sequence: number;
  readonly id: string | null;
  readonly exchange: number;
  readonly price: number;
  readonly size: number;
  readonly conditions: readonly number[];
  readonly correction: number;
}
interface Quote {
  readonly sip: bigint;
  readonly participant: bigint | null;
  readonly sequence: number;
  readonly bid: number | null;
  readonly ask: number | null;
}

const offset = fc.integer({ min: 0, max: 60 });
/** Stamps a few nanoseconds apart, so that instants meet; sequence numbers run with the rows. */
const trades = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 3 }),
      late: fc.option(offset, { nil: null }),
      hasId: fc.boolean(),
      exchange: fc.constantFrom(4, 11),
      cents: fc.integer({ min: 1, max: 5 }),
      size: fc.integer({ min: 0, max: 3 }),
      conditions: fc.constantFrom([], [37], [14, 37], [16], [15, 37]),
      correction: fc.constantFrom(0, 0, 0, 1, 8, 12),
    }),
    { maxLength: 40 },
  )
  .map((rows) => {
    let sip = OPEN;
    return rows.map((row, i): Trade => {
      sip += BigInt(row.step);
      return {
        sip,
        participant: row.late === null ? null : sip - BigInt(row.late),
        sequence: i + 1,
        id: row.hasId ? String(i % 7) : null,
        exchange: row.exchange,
        price: row.cents / 100,
        size: row.size,
        conditions: row.conditions,
        correction: row.correction,
      };
    });
  });
const quotes = fc
  .array(
    fc.record({
      at: offset,
      late: fc.option(fc.integer({ min: 0, max: 5 }), { nil: null }),
      bid: fc.constantFrom(null, 0, 1, 2, 3),
      ask: fc.constantFrom(null, 0, 2, 3, 4),
    }),
    { maxLength: 30 },
  )
  .map((rows) =>
    rows
      .sort((a, b) => a.at - b.at)
      .map((row, i): Quote => {
        const sip = OPEN + BigInt(row.at) - 20n;
        const participant = row.late === null ? null : sip - BigInt(row.late);
        return { sip, participant, sequence: i + 1, bid: row.bid, ask: row.ask };
      }),
  );

/** What must be stored, in plain TypeScript: drop, remove duplicates, tape order, the NBBO strictly before. */
function reference(tape: readonly Trade[], book: readonly Quote[], clock: string, lag: bigint): string[] {
  const seen = new Set<string>();
  const kept = tape
    .filter(({ conditions }) => !conditions.some((code) => [15, 16, 38].includes(code)))
    .filter(({ correction }) => ![7, 8, 10, 11, 12].includes(correction))
    .filter(({ id, exchange, sequence }) => {
      if (id === null) return true;
      const identity = `${exchange} ${id} ${sequence}`;
      if (seen.has(identity)) return false;
      seen.add(identity);
      return true;
    })
    .sort((a, b) => (a.sip === b.sip ? a.sequence - b.sequence : a.sip < b.sip ? -1 : 1));
  const time = (row: Trade | Quote) => (clock === 'sip' ? row.sip : (row.participant ?? row.sip));
  return kept.map((trade) => {
    let best: Quote | undefined;
    for (const quote of book) {
      if (time(quote) >= time(trade) - lag) continue;
      const later =
        best === undefined ||
        time(quote) > time(best) ||
        (time(quote) === time(best) && quote.sequence > best.sequence);
      if (later) best = quote;
    }
    const side = (price: number | null | undefined) => (price ? price.toFixed(1) : '-');
    return [
      trade.sip,
      trade.participant ?? '-',
      trade.sequence,
      trade.id ?? '-',
      trade.exchange,
      trade.price.toFixed(2),
      trade.size.toFixed(1),
      side(best?.bid),
      side(best?.ask),
      best === undefined ? '-' : time(best),
    ].join(' ');
  });
}

const STORED = `select epoch_ns(sip_timestamp)::varchar || ' ' || coalesce(epoch_ns(participant_timestamp)::varchar, '-')
  || ' ' || sequence_number || ' ' || coalesce(trade_id, '-') || ' ' || exchange || ' ' || price::decimal(9, 2)
  || ' ' || size::decimal(9, 1) || ' ' || coalesce(bid::varchar, '-') || ' ' || coalesce(ask::varchar, '-')
  || ' ' || coalesce(epoch_ns(quote_timestamp)::varchar, '-') as row from polygon_trades`;

function withoutParticipant({ ns, json }: { ns: bigint; json: string }, participant: bigint | null) {
  return { ns, json: participant === null ? json.replace(/"participant_timestamp":\d+,/, '') : json };
}
const tradeRow = (row: Trade) => {
  const made = tradeJson({
    ns: row.sip,
    price: row.price,
    size: row.size,
    sequence: row.sequence,
    exchange: row.exchange,
    correction: row.correction,
    ...(row.conditions.length === 0 ? {} : { conditions: row.conditions }),
    ...(row.participant === null ? {} : { participantNs: row.participant }),
    ...(row.id === null ? {} : { id: row.id }),
  });
  const json = row.id === null ? made.json.replace(/"id":"\d+",/, '') : made.json;
  return withoutParticipant({ ns: made.ns, json }, row.participant);
};
const quoteRow = (row: Quote) =>
  withoutParticipant(
    quoteJson({
      ns: row.sip,
      sequence: row.sequence,
      ...(row.bid === null ? {} : { bid: row.bid }),
      ...(row.ask === null ? {} : { ask: row.ask }),
      ...(row.participant === null ? {} : { participantNs: row.participant }),
    }),
    row.participant,
  );

const settings = fc.record({
  clock: fc.constantFrom('participant', 'sip'),
  lag: fc.constantFrom(0, 1, 7),
});

test('pages of any size, repeated where they overlap, store what the reference says', async () => {
  await fc.assert(
    fc.asyncProperty(
      trades,
      quotes,
      settings,
      fc.integer({ min: 3, max: 50 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 5 }),
      async (tape, book, { clock, lag }, pageRows, again) => {
        await bench.empty();
        bench.fake.pageRows = pageRows;
        // A row sent twice stands right behind itself, as where pages overlap; without an id it is another trade.
        const sent = tape.flatMap((row, i) => (again.includes(i) ? [row, row] : [row]));
        bench.fake.ticks.set('trades TEST', sent.map(tradeRow));
        bench.fake.ticks.set('quotes TEST', book.map(quoteRow));
        await bench.live({ MATCH_CLOCK: clock, QUOTE_LAG_NS: String(lag) });
        const stored = await bench.db.rows<{ row: string }>(STORED);
        expect(stored.map(({ row }) => row)).toEqual(reference(sent, book, clock, BigInt(lag)));
      },
    ),
    { numRuns: 60, seed: 20250714 },
  );
});

test('files in any order of rows store what the reference says', async () => {
  let serial = 0;
  await fc.assert(
    fc.asyncProperty(
      trades.filter((rows) => rows.length > 0),
      // a file that never has a side has no such column
      quotes.filter((rows) => rows.some(({ bid }) => bid !== null) && rows.some(({ ask }) => ask !== null)),
      settings,
      fc.integer({ min: 1, max: 1000 }),
      fc.nat({ max: 40 }),
      async (tape, book, { clock, lag }, seed, cut) => {
        await bench.empty();
        serial += 1;
        const mixed = <T>(rows: readonly T[]) =>
          rows
            .map((row, i) => ({ row, at: (i * 7919 * seed + seed) % 1009 }))
            .sort((a, b) => a.at - b.at)
            .map(({ row }) => row);
        const withTicker = ({ json }: { json: string }) => json.replace('{', '{"ticker":"TEST",');
        const rows = mixed(tape).map(tradeRow).map(withTicker);
        // Two files of one day: the second may hold anything down to nothing.
        await bench.write(`t${serial}-a.ndjson`, rows.slice(0, Math.max(1, cut)).join('\n'));
        if (cut < rows.length && cut > 0)
          await bench.write(`t${serial}-b.json`, `[${rows.slice(cut).join(',')}]`);
        else if (cut === 0 && rows.length > 1)
          await bench.write(`t${serial}-b.json`, `[${rows.slice(1).join(',')}]`);
        const quotesFile = await bench.write(
          `q${serial}.json`,
          `{"results":[${mixed(book).map(quoteRow).map(withTicker).join(',')}]}`,
        );
        await bench.fetch({
          TICKERS: 'TEST',
          POLYGON_TRADES_FILE: `${bench.folder}/t${serial}-?.*`,
          POLYGON_QUOTES_FILE: quotesFile,
          MATCH_CLOCK: clock,
          QUOTE_LAG_NS: String(lag),
        });
        const stored = await bench.db.rows<{ row: string }>(STORED);
        expect(stored.map(({ row }) => row)).toEqual(reference(tape, book, clock, BigInt(lag)));
      },
    ),
    { numRuns: 40, seed: 20250714 },
  );
});
