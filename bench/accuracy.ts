/**
 * How often the inferred sides are right, on the sample, whose generator knows the true side of every print.
 * Usage: npm run accuracy [-- --json] [-- --sample FOLDER]. The run's own code stages, matches and classifies; each
 * classified trade is then held against `truth.csv.gz`. Simulated sample data: the figures measure the rules against
 * this market, not against a real one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { analytics } from '../darkpool_analysis/analytics.js';
import { loadConfig } from '../darkpool_analysis/config.js';
import type { Context } from '../darkpool_analysis/context.js';
import { Database } from '../darkpool_analysis/db.js';
import { fetchPolygonEquity } from '../darkpool_analysis/fetch_polygon_equity.js';
import { createHttp } from '../darkpool_analysis/http.js';
import { inferBuySell } from '../darkpool_analysis/infer_buy_sell.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { ensureSample, SAMPLE_LABEL } from '../darkpool_analysis/sample.js';

const VERSIONS = ['OptionB_v1', 'Tick_v1', 'Quote_v1', 'LeeReady_v1', 'EMO_v1', 'CLNV_v1'] as const;

/** Per version: percent of signed trades and shares on their true side, percent signed, and the mean absolute error of a symbol-day's buy share of volume, in percentage points. */
interface LitRow {
  readonly inference_version: string;
  readonly right_pct_trades: number;
  readonly right_pct_volume: number;
  readonly coverage_pct_trades: number;
  readonly coverage_pct_volume: number;
  readonly daily_buy_share_error_pp: number;
  readonly symbol_days: number;
  readonly lit_trades: number;
}

interface Measure {
  readonly name: string;
  readonly pct_trades: number | null;
  readonly pct_volume: number | null;
  /** Prints that the percentage is of. */
  readonly of_trades: number;
}

/** Stages, matches and classifies the sample like a run, keeping each classified trade in `classified`. */
async function classifySample(
  ctx: Context,
  dates: { first: string; last: string; symbols: readonly string[] },
) {
  const { db } = ctx;
  const sessions = sessionsBetween(dates.first, dates.last);
  const rows = sessions.map(
    (s) =>
      `('${s.date}','${s.weekStart}',${s.dayStartNs},${s.dayEndNs},${s.openNs},${s.closeNs},${s.earlyClose})`,
  );
  await db.run(`insert into market_sessions values ${rows.join(',')}`);
  await fetchPolygonEquity(ctx, { sessions, tickers: dates.symbols });
  // The step counts its classes and forgets the trades of a range: they are kept here just before.
  const runFile = db.runFile.bind(db);
  let ranges = 0;
  db.runFile = async (name, params) => {
    if (name === 'direction/direction_classes') {
      const columns = `symbol, date, sequence_number, exchange, venue, status, quote_position, tick, step, retail,
        price_e6, shares_e6`;
      await db.run(
        ranges === 0
          ? `create temp table classified as select ${columns} from classified_trades`
          : `insert into classified select ${columns} from classified_trades`,
      );
      ranges += 1;
    }
    return runFile(name, params);
  };
  try {
    await inferBuySell(ctx);
  } finally {
    db.runFile = runFile;
  }
  await analytics(ctx, { dates: sessions.map(({ date }) => date), tickers: dates.symbols });
}

/** Joins the truth; every stored trade must have one, and each print one row. */
async function joinTruth(db: Database, truthFile: string): Promise<void> {
  await db.run(
    `create temp table judged as
     select c.*, t.true_side::tinyint as true_side, t.retail as true_retail
     from classified c
     left join read_csv($file, header = true, columns = {symbol: 'VARCHAR', date: 'DATE', sequence_number: 'BIGINT',
       exchange: 'INTEGER', true_side: 'INTEGER', venue_kind: 'VARCHAR', retail: 'BOOLEAN'}) t
       on t.symbol = c.symbol and t.date = c.date and t.sequence_number = c.sequence_number
       and t.exchange = c.exchange`,
    { file: truthFile },
  );
  const check = await db.row<{ stored: number; judged: number; without: number }>(
    `select (select count(*) from polygon_trades)::double as stored, count(*)::double as judged,
       count(*) filter (true_side is null)::double as without from judged`,
  );
  if (check === undefined || check.stored !== check.judged || check.without > 0) {
    throw new Error(`the truth does not fit the stored trades: ${JSON.stringify(check)}`);
  }
}

/** Lit trades of regular hours, per version. Auctions have no true side and count in coverage alone. */
async function litAccuracy(db: Database): Promise<LitRow[]> {
  await db.run(
    `create temp table lit_sides as
     select
       j.symbol, j.date, j.shares_e6, j.true_side, l.inference_version,
       case
         when j.status <> 'signable' then 0
         when l.inference_version = 'OptionB_v1' and l.classification_method = 'TICK' then coalesce(j.step, 0)
         else rule_side(l.inference_version, j.quote_position, j.tick)
       end as side
     from judged j
     join lit_direction_daily l on l.symbol = j.symbol and l.date = j.date
     where j.venue = 'lit' and j.status <> 'outside_hours'`,
  );
  const wrong = await db.row(
    `select * from (
       select symbol, date, inference_version,
         coalesce(sum(shares_e6) filter (side = 1), 0) as buy, coalesce(sum(shares_e6) filter (side = -1), 0) as sell
       from lit_sides group by all
     ) s join lit_direction_daily l using (symbol, date, inference_version)
     where s.buy <> l.lit_buy_volume * 1000000 or s.sell <> l.lit_sell_volume * 1000000 limit 1`,
  );
  if (wrong !== undefined) {
    throw new Error(`the sides judged are not those of lit_direction_daily: ${JSON.stringify(wrong)}`);
  }
  return db.rows<LitRow>(
    `with versions as (
       select
         inference_version,
         100.0 * count(*) filter (side = true_side) / count(*) as right_pct_trades,
         100.0 * sum(shares_e6) filter (side = true_side) / sum(shares_e6) as right_pct_volume
       from lit_sides where side <> 0 and true_side <> 0 group by inference_version
     ),
     coverage as (
       select
         inference_version,
         count(*)::double as lit_trades,
         100.0 * count(*) filter (side <> 0) / count(*) as coverage_pct_trades,
         100.0 * coalesce(sum(shares_e6) filter (side <> 0), 0) / sum(shares_e6) as coverage_pct_volume
       from lit_sides group by inference_version
     ),
     days as (
       select
         inference_version, symbol, date,
         sum(shares_e6) filter (side = 1) / sum(shares_e6) filter (side <> 0) as share,
         sum(shares_e6) filter (true_side = 1) / sum(shares_e6) filter (true_side <> 0) as true_share
       from lit_sides group by inference_version, symbol, date
     ),
     errors as (
       select
         inference_version, 100 * avg(abs(share - true_share)) as daily_buy_share_error_pp,
         count(*)::double as symbol_days
       from days group by inference_version
     )
     select * from versions join coverage using (inference_version) join errors using (inference_version)
     order by list_position($versions, inference_version)`,
    { versions: VERSIONS },
  );
}

/** Signable off-exchange prints: the order of rules of facts/trade_direction.md, each part by itself and the whole. */
async function offExchangeAccuracy(db: Database): Promise<Measure[]> {
  await db.run(
    `create temp table off_sides as
     with placed as (
       select *, retail and quote_position is distinct from 0 as found,
         case when (price_e6 + 50) // 100 % 100 < 40 then -1 else 1 end as bjzz_side
       from judged where venue = 'off' and status = 'signable'
     )
     select
       * exclude (quote_position, tick),
       quote_position is not distinct from 0 as mid,
       case
         when quote_position = 0 then 0
         when found then case when quote_position between 2 and 5 then 1 when quote_position between -5 and -2 then -1 else 0 end
         else rule_side('CLNV_v1', quote_position, tick)
       end as side
     from placed`,
  );
  const measures: [name: string, right: string, of: string][] = [
    ['midpoint prints, of all', 'mid', 'true'],
    ['retail found (BJZZ), of all', 'found', 'true'],
    ['retail precision: found that are retail', 'true_retail', 'found'],
    ['retail recall: retail that is found', 'found', 'true_retail'],
    ['BJZZ sign right, of found', 'bjzz_side = true_side', 'found'],
    ['QMP signs, of found', 'side <> 0', 'found'],
    ['QMP sign right, of signed', 'side = true_side', 'found and side <> 0'],
    ['BJZZ sign right, of found retail', 'bjzz_side = true_side', 'found and true_retail'],
    ['QMP sign right, of signed retail', 'side = true_side', 'found and true_retail and side <> 0'],
    ['the rest: CLNV signs', 'side <> 0', 'not found and not mid'],
    ['the rest: CLNV right, of signed', 'side = true_side', 'not found and not mid and side <> 0'],
    ['all: signed (coverage)', 'side <> 0', 'true'],
    ['all: right, of signed', 'side = true_side', 'side <> 0'],
  ];
  const parts = measures.map(
    ([name, right, of], place) =>
      `select ${place} as place, '${name}' as name,
         100.0 * count(*) filter (${right}) / nullif(count(*), 0) as pct_trades,
         100.0 * coalesce(sum(shares_e6) filter (${right}), 0) / nullif(sum(shares_e6), 0) as pct_volume,
         count(*)::double as of_trades
       from off_sides where ${of}`,
  );
  return db.rows<Measure>(`select * exclude (place) from (${parts.join(' union all ')}) order by place`);
}

/** Rows as a text table: the first column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

const number = (value: number | null, digits = 1) => (value === null ? '' : value.toFixed(digits));

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, sample: { type: 'string' } },
});
const folder = await mkdtemp(path.join(tmpdir(), 'darkpool-accuracy-'));
const http = createHttp({});
try {
  const sample = await ensureSample(path.resolve(values.sample ?? path.join(folder, 'sample')));
  const config = loadConfig({
    env: {
      TICKERS: sample.symbols.join(','),
      INFERENCE_VERSION: VERSIONS.join(','),
      POLYGON_TRADES_FILE: sample.tradesFiles,
      POLYGON_QUOTES_FILE: sample.quotesFiles,
    },
    cwd: folder,
  });
  const db = await Database.open({ dataDir: config.DATA_DIR, memoryLimit: config.DUCKDB_MEMORY_LIMIT });
  try {
    const ctx: Context = { config, db, http, log: SILENT_LOG, clock: { now: () => sample.asOf } };
    await classifySample(ctx, { first: sample.firstDate, last: sample.lastDate, symbols: sample.symbols });
    await joinTruth(db, sample.truthFile);
    const lit = await litAccuracy(db);
    const offExchange = await offExchangeAccuracy(db);
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ data: SAMPLE_LABEL, lit, off_exchange: offExchange }, null, 2)}\n`,
      );
    } else {
      process.stdout.write(
        [
          `Accuracy of inferred sides (${SAMPLE_LABEL}: ${sample.symbols.join(', ')}, ${sample.firstDate} to ${sample.lastDate})`,
          '',
          'Lit trades of regular hours',
          table(
            [
              'version',
              'right, % of signed trades',
              '% of volume',
              'signed, % of trades',
              '% of volume',
              'daily buy share error, points',
              'trades',
            ],
            lit.map((row) => [
              row.inference_version,
              number(row.right_pct_trades),
              number(row.right_pct_volume),
              number(row.coverage_pct_trades),
              number(row.coverage_pct_volume),
              number(row.daily_buy_share_error_pp, 2),
              String(row.lit_trades),
            ]),
          ),
          '',
          'Off-exchange prints executed in regular hours, without special conditions',
          table(
            ['measure', '% of trades', '% of volume', 'of so many prints'],
            offExchange.map((row) => [
              row.name,
              number(row.pct_trades),
              number(row.pct_volume),
              String(row.of_trades),
            ]),
          ),
          '',
        ].join('\n'),
      );
    }
  } finally {
    db.close();
  }
} finally {
  await http.close();
  await rm(folder, { recursive: true, force: true });
}
