import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeRun } from '../darkpool_analysis/cli/run_command.js';
import { loadConfig } from '../darkpool_analysis/config.js';
import { PublishedDatabase } from '../darkpool_analysis/db.js';
import { DISCLAIMER, SIMULATED } from '../darkpool_analysis/disclaimer.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { type RunResult, run } from '../darkpool_analysis/orchestrator.js';

/** The whole pipeline on the simulated market: what a newcomer's first command does. */
const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = (env: Record<string, string> = {}) => loadConfig({ env, cwd: folder });
const open = () => PublishedDatabase.open(path.join(folder, 'data'));

/** Every row of every table but the ledger, as text in the order it lies in: "unchanged to the byte". */
async function dump(dataDir = path.join(folder, 'data')): Promise<Record<string, string>> {
  const db = await PublishedDatabase.open(dataDir);
  try {
    const tables = await db.rows<{ table_name: string }>(
      "select table_name from duckdb_tables() where table_name not in ('pipeline_runs', 'schema_migrations') order by table_name",
    );
    const dumped: Record<string, string> = {};
    for (const { table_name } of tables) {
      const row = await db.row<{ digest: string }>(
        `select md5(string_agg(t::varchar, chr(10) order by t::varchar)) || ' ' || count(*) as digest from ${table_name} t`,
      );
      dumped[table_name] = row?.digest ?? '';
    }
    return dumped;
  } finally {
    db.close();
  }
}

function files(of: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(of, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(of, file), createHash('md5').update(readFileSync(file)).digest('hex')];
      }),
  );
}

describe('the sample, from nothing', () => {
  let first: RunResult;
  beforeAll(async () => {
    first = await run({ config: config(), log: SILENT_LOG });
  });

  test('ends without gaps, and says what it did', () => {
    expect(first).toMatchObject({ exitCode: 0, simulated: true, gaps: [], failures: [] });
    expect([first.firstDate, first.lastDate]).toEqual(['2025-11-03', '2025-12-12']);
    expect(first.weeks).toEqual(['2025-11-03', '2025-11-10', '2025-11-17']);
    expect(first.notes.join()).toContain('SPXW is skipped');
    const text = describeRun(first, folder);
    expect(text).toContain(SIMULATED);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(DISCLAIMER);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('every basis occurs, and a day without tape has volume but no side', async () => {
    const db = await open();
    const bases = await db.rows(
      'select volume_basis, count(*)::integer as days from darkpool_daily_summary group by 1 order by 1',
    );
    const outage = await db.rows(
      "select symbol, volume_basis, buy_ratio, signal from darkpool_daily_summary where date = '2025-12-04' order by symbol",
    );
    db.close();
    expect(bases).toEqual([
      { volume_basis: 'finra_week', days: 20 },
      { volume_basis: 'regsho', days: 1 },
      { volume_basis: 'tape', days: 37 },
    ]);
    expect(outage[1]).toEqual({ symbol: 'TQQQ', volume_basis: 'regsho', buy_ratio: null, signal: null });
  });

  test('every table and column says what it is', async () => {
    const db = await open();
    const silent = await db.rows(
      `select table_name, column_name from duckdb_columns() where comment is null and table_name in (select table_name from duckdb_tables())
         and table_name <> 'schema_migrations'
       union all select table_name, '' from duckdb_tables() where comment is null and table_name <> 'schema_migrations'`,
    );
    db.close();
    expect(silent).toEqual([]);
  });

  test('a second run changes no row and no file, and says so', async () => {
    const before = { tables: await dump(), output: files(path.join(folder, 'output')) };
    const second = await run({ config: config(), log: SILENT_LOG });
    expect(second).toMatchObject({ exitCode: 0, rows: [], weeks: [], written: [] });
    expect(describeRun(second, folder)).toContain('Nothing new');
    expect({ tables: await dump(), output: files(path.join(folder, 'output')) }).toEqual(before);
    const db = await open();
    const runs = await db.rows('select exit_code, message from pipeline_runs order by run_id');
    db.close();
    expect(runs).toEqual([
      { exit_code: 0, message: '29 days and 3 weeks computed' },
      { exit_code: 0, message: 'nothing new' },
    ]);
  });

  test('an open reader keeps its version while a run publishes, and a new one sees the new', async () => {
    const reader = await open();
    await run({ config: config(), log: SILENT_LOG });
    const [old] = await reader.rows('select count(*)::integer as n from pipeline_runs');
    reader.close();
    const fresh = await open();
    const [now] = await fresh.rows('select count(*)::integer as n from pipeline_runs');
    fresh.close();
    expect((now as { n: number }).n).toBe((old as { n: number }).n + 1);
  });

  test('days taken in pieces and out of order give the same tables as all at once', async () => {
    const pieces = path.join(folder, 'pieces');
    const env = { DATA_DIR: pieces, OUTPUT_DIR: path.join(folder, 'pieces-output') };
    for (const [from, to] of [
      ['2025-11-24', '2025-12-12'],
      ['2025-11-03', '2025-11-14'],
      ['2025-11-10', '2025-11-28'],
    ] as const) {
      await run({ config: config(env), log: SILENT_LOG, from, to, plots: false });
    }
    const whole = await dump();
    const pieced = await dump(pieces);
    // what was estimated first, and when a file was first looked at, is history: it depends on the order of runs
    const { off_exchange_volume_estimates: _a, ...expected } = whole;
    const { off_exchange_volume_estimates: _b, ...got } = pieced;
    const differing = Object.keys(expected).filter((table) => expected[table] !== got[table]);
    expect(
      differing.filter((table) => !['ingest_log', 'source_files', 'nowcast_error'].includes(table)),
    ).toEqual([]);
  });

  test('other rules are applied to stored days without reading trades again', async () => {
    const result = await run({
      config: config({ INFERENCE_VERSION: 'LeeReady_v1,Direct_v1' }),
      log: SILENT_LOG,
      plots: false,
    });
    expect(result.stored.polygon_trades ?? 0).toBe(0);
    const db = await open();
    const rows = await db.rows(
      'select inference_version, count(*)::integer as n from darkpool_daily_summary group by 1',
    );
    const flow = await db.rows(
      'select inference_version, count(*)::integer as n from darkpool_estimated_flow group by 1 order by 1',
    );
    db.close();
    expect(rows).toEqual([{ inference_version: 'LeeReady_v1', n: 58 }]);
    expect(flow).toEqual([
      { inference_version: 'Direct_v1', n: 57 },
      { inference_version: 'LeeReady_v1', n: 57 },
    ]);
  });

  test('real data never meet simulated rows', async () => {
    const trades = path.join(folder, 'trades.csv');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(
      trades,
      'symbol,timestamp,price,size\nZZZ,2025-12-12T15:00:00Z,10.00,100\nZZZ,2025-12-12T15:00:01Z,10.01,100\n',
    );
    const real = await run({
      config: config({ POLYGON_TRADES_FILE: trades, TICKERS: 'ZZZ', TARGET_DATE: '2025-12-12' }),
      log: SILENT_LOG,
      plots: false,
    });
    expect(real.simulated).toBe(false);
    expect(real.notes.join()).toContain('DATA_SOURCE is files');
    const db = await open();
    const symbols = await db.rows('select distinct symbol from polygon_trades');
    const summary = await db.rows(
      'select symbol, total_off_exchange_volume, buy_ratio from darkpool_daily_summary',
    );
    db.close();
    expect(symbols).toEqual([{ symbol: 'ZZZ' }]);
    // no exchange column: nothing is known of off-exchange volume, and two trades are too few for a ratio
    expect(summary).toEqual([{ symbol: 'ZZZ', total_off_exchange_volume: null, buy_ratio: null }]);
    await expect(run({ config: config(), log: SILENT_LOG })).rejects.toThrow(/holds real data/);
  });
});
