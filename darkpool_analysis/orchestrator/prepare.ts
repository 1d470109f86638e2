import { createHash } from 'node:crypto';
import path from 'node:path';
import { type Config, SETTING_NAMES } from '../config.js';
import type { Clock, Context } from '../context.js';
import type { Sql } from '../db.js';
import { ConfigError } from '../errors.js';
import { sessionsBetween } from '../market_calendar.js';
import { ensureSample } from '../sample.js';
import { listFiles } from '../tabular_file.js';

/** In sample mode the simulated market is made (once) and handed to the fetchers as files, on its own last morning. */
export async function withSample(config: Config, clock: Clock): Promise<{ config: Config; clock: Clock }> {
  if (config.DATA_SOURCE !== 'sample') return { config, clock };
  const sample = await ensureSample(path.join(config.DATA_DIR, 'sample'));
  return {
    config: Object.freeze({
      ...config,
      POLYGON_TRADES_FILE: sample.tradesFiles,
      POLYGON_QUOTES_FILE: sample.quotesFiles,
      POLYGON_BARS_FILE: sample.barsFile,
      FINRA_OTC_FILE: sample.finraWeeklyFile,
      FINRA_REGSHO_FILE: sample.regshoFolder,
      TARGET_DATE: config.TARGET_DATE ?? sample.lastDate,
      DAILY_LOOKBACK: config.DAILY_LOOKBACK ?? sessionsBetween(sample.firstDate, sample.lastDate).length,
    }),
    clock: { now: () => sample.asOf },
  };
}

/** Every file that a setting names is there, before anything is fetched. */
export async function filesThere(config: Config): Promise<void> {
  for (const setting of SETTING_NAMES.filter((name) => name.endsWith('_FILE'))) {
    const value = config[setting as keyof Config];
    if (typeof value === 'string') await listFiles(setting, value);
  }
}

/** A database of simulated rows is thrown away when real data come: they are never mixed, and it is made again at will. */
export function isSimulation(config: Config): (stored: Sql) => Promise<boolean> {
  return async (stored) => {
    if (config.DATA_SOURCE === 'sample') return false;
    const origin = await stored.row<{ value: string }>(
      "select value from pipeline_state where key = 'origin'",
    );
    return origin?.value === 'sample';
  };
}

export async function settleOrigin(ctx: Context): Promise<void> {
  const { config, db } = ctx;
  const origin = config.DATA_SOURCE === 'sample' ? 'sample' : 'real';
  const before = await db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
  if (before === undefined) {
    await db.run("insert into pipeline_state values ('origin', $origin)", { origin });
  } else if (before.value !== origin) {
    throw new ConfigError(
      `${db.paths.current} holds real data, and DATA_SOURCE=sample would mix simulated rows into it: set DATA_SOURCE, or another DATA_DIR for the sample.`,
    );
  }
}

/** The calendar as a table, so that SQL knows weeks and sessions. */
export async function fillCalendar(ctx: Context): Promise<void> {
  const { db } = ctx;
  const sessions = sessionsBetween('2009-01-01', '2030-12-31');
  const rows = sessions.map(
    (s) =>
      `('${s.date}','${s.weekStart}',${s.dayStartNs},${s.dayEndNs},${s.openNs},${s.closeNs},${s.earlyClose})`,
  );
  const value = createHash('sha256').update(rows.join()).digest('hex');
  const before = await db.row<{ value: string }>("select value from pipeline_state where key = 'calendar'");
  if (before?.value === value) return;
  await db.transaction(() =>
    db.run(
      `delete from market_sessions;
       insert into market_sessions values ${rows.join(',')};
       delete from pipeline_state where key = 'calendar';
       insert into pipeline_state values ('calendar', $value)`,
      { value },
    ),
  );
}
