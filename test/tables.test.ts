import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../darkpool_analysis/config.js';
import type { Context } from '../darkpool_analysis/context.js';
import { Database } from '../darkpool_analysis/db.js';
import { DISCLAIMER, SIMULATED } from '../darkpool_analysis/disclaimer.js';
import type { Http } from '../darkpool_analysis/http.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { tableFile, writeTables } from '../darkpool_analysis/tables.js';

let folder: string;
let ctx: Context;
const RANGE = {
  dates: ['2025-06-03', '2025-06-02', '2025-06-02', '2025-06-04'],
  weeks: ['2025-06-02', '2025-06-09'],
};

beforeAll(async () => {
  // A quote in the path: COPY takes the file's name as SQL text.
  folder = mkdtempSync(path.join(tmpdir(), "tables'-"));
  const db = await Database.open({ dataDir: path.join(folder, 'data') });
  ctx = {
    config: loadConfig({ env: {}, cwd: folder }),
    db,
    http: {} as Http,
    log: SILENT_LOG,
    clock: { now: () => DateTime.fromISO('2025-07-01T00:00:00Z') },
  };
  await db.run(`
    insert into pipeline_state values ('origin', 'sample');
    insert into darkpool_daily_summary by name
      select date '2025-06-02' as "date", 'TQQQ' as symbol, 55.5 as estimated_bought, 44.5 as estimated_sold, 0.555 as buy_ratio,
        'daily' as finra_period_type, 'tape' as volume_basis, 'OptionB_v1' as inference_version;
    insert into darkpool_daily_summary by name
      select date '2025-06-02' as "date", 'A,"B"' as symbol, 'daily' as finra_period_type, 'regsho' as volume_basis;
    insert into darkpool_daily_summary by name
      select date '2025-06-03' as "date", 'TQQQ' as symbol, 1e9 as total_off_exchange_volume, 'OptionB_v1' as inference_version;
    insert into lit_direction_daily by name
      select 'TQQQ' as symbol, date '2025-06-02' as "date", v as inference_version, 10.0 as lit_buy_volume
      from (values ('Tick_v1'), ('OptionB_v1')) t(v);
    insert into darkpool_weekly_summary by name
      select date '2025-06-02' as week_start, date '2025-06-08' as week_ending, 'SPY' as symbol, 12.0 as ats_volume, true as complete;
  `);
});

afterAll(() => {
  ctx.db.close();
  rmSync(folder, { recursive: true });
});

test('a file a day and week that has rows, ordered by key, NULL empty', async () => {
  const { written, unchanged } = await writeTables(ctx, RANGE);
  expect(written.map((file) => path.basename(file))).toEqual([
    'darkpool_daily_summary_20250602.csv',
    'darkpool_daily_summary_20250603.csv',
    'lit_direction_daily_20250602.csv',
    'darkpool_weekly_summary_20250602.csv',
    'README.txt',
  ]);
  expect(unchanged).toBe(0);
  const read = (name: string) =>
    readFileSync(path.join(ctx.config.OUTPUT_DIR, 'tables', name), 'utf8').split('\n');
  expect(read('darkpool_daily_summary_20250602.csv')).toEqual([
    'date,symbol,estimated_bought,estimated_sold,buy_ratio,buy_sell_ratio,total_off_exchange_volume,finra_period_type,volume_basis,finra_week_start,inference_version,signal,buy_ratio_low,buy_ratio_high,version_spread,classification_method',
    '2025-06-02,"A,""B""",,,,,,daily,regsho,,,,,,,',
    '2025-06-02,TQQQ,55.5,44.5,0.555,,,daily,tape,,OptionB_v1,,,,,',
    '',
  ]);
  expect(read('lit_direction_daily_20250602.csv').map((line) => line.split(',')[2])).toEqual([
    'inference_version',
    'OptionB_v1',
    'Tick_v1',
    undefined,
  ]);
  expect(read('darkpool_weekly_summary_20250602.csv')[1]).toMatch(/^2025-06-02,2025-06-08,SPY,12\.0,,/);
});

test('the sentence and the mark of simulated data stand beside the tables', async () => {
  const file = path.join(ctx.config.OUTPUT_DIR, 'tables', 'README.txt');
  await writeTables(ctx, RANGE);
  expect(readFileSync(file, 'utf8')).toContain(DISCLAIMER);
  expect(readFileSync(file, 'utf8')).toContain(SIMULATED);
  await ctx.db.run("update pipeline_state set value = 'real' where key = 'origin'");
  expect((await writeTables(ctx, RANGE)).written).toEqual([file]);
  expect(readFileSync(file, 'utf8')).not.toContain(SIMULATED);
});

test('an unchanged file is not touched, a changed one replaced, one without rows removed', async () => {
  await writeTables(ctx, RANGE);
  const file = tableFile(ctx.config.OUTPUT_DIR, 'darkpool_daily_summary', '2025-06-03');
  const inode = statSync(file).ino;
  expect(await writeTables(ctx, RANGE)).toEqual({ written: [], unchanged: 5 });
  expect(statSync(file).ino).toBe(inode);
  await ctx.db.run("update darkpool_daily_summary set signal = 'BOT' where \"date\" = '2025-06-03'");
  expect((await writeTables(ctx, RANGE)).written).toEqual([file]);
  expect(readFileSync(file, 'utf8')).toMatch(/,BOT,,,,\n$/);
  await ctx.db.run('delete from darkpool_daily_summary where "date" = \'2025-06-03\'');
  expect(await writeTables(ctx, RANGE)).toEqual({ written: [], unchanged: 4 });
  const names = readdirSync(path.dirname(file));
  expect(names).not.toContain(path.basename(file));
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
