import type { Context } from '../context.js';
import { literal, type Sql } from '../db.js';
import { logIngest, sqlTime } from '../ingest_log.js';

/** One source day ready to be stored: staged Parquet files and the symbols they were read for. */
export interface StagedDay {
  readonly date: string;
  readonly symbols: readonly string[];
  readonly tradeFiles: readonly string[];
  /** Empty when there are no quotes: the NBBO stays NULL. */
  readonly quoteFiles: readonly string[];
  /** Fingerprint of the inputs and of the settings they were read with; the day is complete under it. */
  readonly fingerprint: string;
  /** Why there are no quotes, for `ingest_log`. */
  readonly withoutQuotes: string;
  /** The whole market is one unit of `ingest_log`, under this name, instead of one a symbol. */
  readonly logAs?: string;
}

/** Columns of a staged trades file, for a day whose trades file has no row at all. */
const NO_TRADES = `select null::varchar as symbol, null::date as date, null::bigint as sip_ns, null::bigint as participant_ns,
  null::bigint as sequence_number, null::varchar as trade_id, null::integer as exchange, null::integer as trf_id,
  null::integer[] as conditions, null::integer as correction, null::bigint as price_e6, null::bigint as shares_e6,
  null::integer as tape, null::bigint as own_bid_e6, null::bigint as own_ask_e6, false as dropped where false`;
const NO_QUOTES = `select null::varchar as symbol, null::date as date, null::bigint as quote_ns,
  null::bigint as sequence_number, null::bigint as bid_e6, null::bigint as ask_e6 where false`;

const WITH_NBBO = `select t.*, q.bid_e6, q.ask_e6, q.quote_ns from clean_trades t positional join nbbo q`;
const WITHOUT_NBBO = `select *, null::bigint as bid_e6, null::bigint as ask_e6, null::bigint as quote_ns from clean_trades`;

/** 00:00 UTC of a date, in ns. */
const epochNs = (date: string) => BigInt(Date.parse(date)) * 1_000_000n;

const parquet = (files: readonly string[], none: string) =>
  files.length === 0 ? none : `select * from read_parquet([${files.map(literal).join(', ')}])`;

/**
 * Stores a day: cleans, removes duplicates, attaches the NBBO and replaces the day's rows for its symbols, together
 * with its state in `ingest_log`, in one transaction. A symbol without any row is logged `absent`.
 * @returns rows stored by symbol.
 */
export async function storeDay(ctx: Context, sql: Sql, day: StagedDay): Promise<Map<string, number>> {
  const { MATCH_CLOCK, QUOTE_LAG_NS } = ctx.config;
  await sql.run(
    `create or replace temp view staged_trades as ${parquet(day.tradeFiles, NO_TRADES)};
     create or replace temp view staged_quotes as ${parquet(day.quoteFiles, NO_QUOTES)};
     create or replace temp table store_units as
       select symbol, row_number() over () - 1 as unit from (select unnest($symbols) as symbol);
     set variable store_date = $date::date;
     set variable match_clock = $clock;
     set variable store_origin = $origin::bigint;
     set variable store_symbols = $filter::varchar[]`,
    {
      symbols: day.symbols,
      date: day.date,
      clock: MATCH_CLOCK,
      // prints executed up to a day before they were reported still find their time in the key
      origin: epochNs(day.date) - 86_400_000_000_000n,
      filter: day.logAs === undefined ? day.symbols : null,
    },
  );
  const [shape] = await sql.rowsOfFile<{ rows: number; out_of_order: number; repeating: number }>(
    'staging/polygon_kept_trades',
  );
  const inOrder = shape?.out_of_order === 0 && shape.repeating === 0;
  if (inOrder) await sql.run('create or replace temp view clean_trades as select * from kept_trades');
  else await sql.runFile('staging/polygon_clean_trades');
  // Without quotes nothing is joined, and the trades go into the table by all threads.
  const quoted = day.quoteFiles.length > 0;
  if (quoted) await sql.runFile('staging/polygon_nbbo', { date: day.date, lag_ns: QUOTE_LAG_NS });
  await sql.run(`create or replace temp view quoted_trades as ${quoted ? WITH_NBBO : WITHOUT_NBBO}`);
  return sql.transaction(async () => {
    await sql.runFile('staging/polygon_store_trades', { date: day.date });
    await sql.run(
      `drop view quoted_trades; drop table if exists nbbo; drop ${inOrder ? 'view' : 'table'} clean_trades`,
    );
    const rows = await sql.rows<{ symbol: string; trades: number; quotes: number }>(
      `select u.symbol, coalesce(t.n, 0)::double as trades, coalesce(q.n, 0)::double as quotes
       from store_units u
       left join (select symbol, count(*) as n from polygon_trades where date = $date::date group by symbol) t using (symbol)
       left join (select symbol, count(*) as n from staged_quotes where date = $date::date group by symbol) q using (symbol)`,
      { date: day.date },
    );
    const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
    const units =
      day.logAs === undefined
        ? rows
        : [
            {
              symbol: day.logAs,
              trades: sum(rows.map((row) => row.trades)),
              quotes: sum(rows.map((row) => row.quotes)),
            },
          ];
    const fetchedAt = sqlTime(ctx.clock.now());
    for (const { symbol, trades, quotes } of units) {
      for (const [source, count, none] of [
        ['polygon_trades', trades, 'the source has no trades of this day'],
        ['polygon_quotes', quotes, day.withoutQuotes],
      ] as const) {
        await logIngest(sql, {
          source,
          period: day.date,
          subject: symbol,
          status: count > 0 ? 'ok' : 'absent',
          rows: count,
          sha256: day.fingerprint,
          fetchedAt,
          message: count > 0 ? null : none,
        });
      }
    }
    return new Map(rows.map(({ symbol, trades }) => [symbol, trades]));
  });
}
