import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database, PublishedDatabase } from '../darkpool_analysis/db.js';

/** The compiled program as a user runs it (`npm test` builds it first). */
const CLI = path.resolve(import.meta.dirname, '..', 'dist', 'cli.js');
const folder = mkdtempSync(path.join(tmpdir(), 'darkpool-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function darkpool(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, ...args],
      { cwd: folder, env: { PATH: process.env.PATH ?? '', TZ: 'UTC', ...env }, maxBuffer: 1 << 26 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** A small real run: one symbol, one day, two trades. */
const trades = path.join(folder, 'trades.csv');
const small = { POLYGON_TRADES_FILE: trades, TICKERS: 'ZZZ', TARGET_DATE: '2025-12-12' };
beforeAll(() => {
  writeFileSync(
    trades,
    'ticker,sip_timestamp,price,size,exchange,sequence_number\n' +
      'ZZZ,1765551600000000001,10.00,9000,11,1\nZZZ,1765551601000000001,10.01,9000,11,2\nZZZ,1765551602000000001,10.01,500,4,3\n',
  );
});

describe('exit codes', () => {
  test('0 and a closing table; results on stdout, JSON logs on stderr', async () => {
    const { code, stdout, stderr } = await darkpool(['run'], small);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/2025-12-12 +ZZZ +TICK +500 +tape/);
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });

  test('--json is one JSON value', async () => {
    const { stdout } = await darkpool(['run', '--json'], small);
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0, rows: [], simulated: false });
    const status = await darkpool(['status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ origin: 'real' });
  });

  test.each([
    [['run'], { RUN_MODE: 'x' }, /RUN_MODE="x"/],
    [['run', '--mode', 'x'], {}, /from a flag/],
    [['run', '--from', 'yesterday'], {}, /give it as YYYY-MM-DD/],
    [['run', '--from', '2025-12-12', '--to', '2025-12-01'], {}, /is after/],
    [['run', '--nonsense'], {}, /unknown option/],
    [['nonsense'], {}, /unknown command/],
    [['run'], { POLYGON_TRADES_FILE: 'missing.csv' }, /POLYGON_TRADES_FILE.*no such file/],
    [['run'], { TAPE_TOTALS_FILE: 'missing.csv' }, /TAPE_TOTALS_FILE.*no such file/],
  ])('2 for %j %j, before anything is fetched', async (args, env, message) => {
    const { code, stdout, stderr } = await darkpool(args, env as Record<string, string>);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('1 for a file that cannot be right, named; what was stored stays', async () => {
    const bad = path.join(folder, 'bad.csv');
    writeFileSync(bad, 'ticker,sip_timestamp,price,size\nZZZ,1765551600000000001,ten,100\n');
    const { code, stdout } = await darkpool(['run'], { ...small, POLYGON_TRADES_FILE: bad });
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/bad\.csv, row 1: price is "ten"/);
    const db = await PublishedDatabase.open(path.join(folder, 'data'));
    const rows = await db.rows('select count(*)::integer as n from polygon_trades');
    db.close();
    expect(rows).toEqual([{ n: 3 }]);
  });

  test('75 while another run holds the database, naming its PID', async () => {
    const holder = await Database.open({ dataDir: path.join(folder, 'data') });
    try {
      const { code, stderr } = await darkpool(['run'], small);
      expect(code).toBe(75);
      expect(stderr).toContain(`PID ${process.pid}`);
      // and a reader is not concerned
      expect((await darkpool(['status'])).code).toBe(0);
    } finally {
      holder.close();
    }
  });

  test('a question before the first run says what to do', async () => {
    const { code, stderr } = await darkpool(['status', '--data-dir', path.join(folder, 'nothing')]);
    expect(code).toBe(1);
    expect(stderr).toContain('darkpool run');
  });
});

test('a run killed anywhere is mended by the next one, and its lock is free', async () => {
  const data = path.join(folder, 'killed');
  const args = ['run', '--data-dir', data, '--output-dir', path.join(folder, 'killed-out'), '--no-plots'];
  const undisturbed = path.join(folder, 'whole');
  await darkpool([
    'run',
    '--data-dir',
    undisturbed,
    '--output-dir',
    path.join(folder, 'whole-out'),
    '--no-plots',
  ]);
  for (const after of [1500, 2500, 3500, 4500, 6000]) {
    const child: ChildProcess = spawn(process.execPath, [CLI, ...args], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await wait(after);
    child.kill('SIGKILL');
    await ended;
  }
  expect((await darkpool(args)).code).toBe(0);
  const dump = async (dir: string) => {
    const db = await PublishedDatabase.open(dir);
    const rows = await db.rows(
      `select * from (select 'flow', f::varchar from darkpool_estimated_flow f union all select 'day', d::varchar from darkpool_daily_summary d
         union all select 'week', w::varchar from darkpool_weekly_summary w union all select 'trades', count(*) || ' ' || sum(size) from polygon_trades
         union all select 'class', c::varchar from direction_classes_daily c union all select 'finra', (count(*) || ' ' || sum(shares)) from finra_otc_weekly) order by all`,
    );
    db.close();
    return rows;
  };
  expect(await dump(data)).toEqual(await dump(undisturbed));
});

test('the program starts in under half a second', async () => {
  // start-up itself is measured by the benchmark; here only that --help loads neither DuckDB nor Vega
  const source = readFileSync(CLI, 'utf8');
  const atStart = [...source.matchAll(/^import .* from '([^']+)'/gm)].map(([, name]) => name);
  expect(atStart).toEqual(['commander', './errors.js']);
});
