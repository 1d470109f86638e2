import type { Context } from './context.js';
import { sqlTime } from './ingest_log.js';
import { computeMarts } from './marts.js';

export interface AnalyticsResult {
  /** Days and weeks (Mondays) whose derived tables were computed, ascending. */
  readonly dates: readonly string[];
  readonly weeks: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Computes the derived tables for everything that changed since they were computed last, in one transaction that also
 * empties the list of what is pending: killed in the middle, the next run computes the same again.
 */
export async function analytics(
  ctx: Context,
  what: { readonly dates: readonly string[]; readonly tickers: readonly string[] },
): Promise<AnalyticsResult> {
  const { config, db } = ctx;
  return db.transaction(async () => {
    await renewWhenSettingsChanged(ctx);
    await db.runFile('marts/affected', { tickers: what.tickers, all: config.allTickers, dates: what.dates });
    await db.runFile('marts/lit_direction_daily', {
      versions: config.INFERENCE_VERSION,
      min_lit: config.MIN_LIT_VOLUME,
    });
    await db.runFile('marts/bvc_direction_daily', {
      wanted: config.INFERENCE_VERSION.includes('BVC_v1'),
      min_lit: config.MIN_LIT_VOLUME,
    });
    await db.runFile('marts/off_exchange_direction_daily', { min_lit: config.MIN_LIT_VOLUME });
    await computeMarts(
      db,
      {
        versions: config.INFERENCE_VERSION,
        minLit: config.MIN_LIT_VOLUME,
        bot: config.BOT_THRESHOLD,
        sell: config.SELL_THRESHOLD,
      },
      sqlTime(ctx.clock.now()),
    );
    await shortPressure(ctx);
    const assumed = await db.rows<{ symbol: string; days: number }>(
      `select v.symbol, count(*)::double as days
       from off_exchange_volume_daily v join affected_days a on a.symbol = v.symbol and a.date = v.date
       where v.volume_basis = 'regsho' and v.factor_weeks = 0 and v.factor = 1
       group by v.symbol order by v.symbol`,
    );
    const dates = await db.rows<{ date: string }>(
      `select distinct a.date::varchar as date from affected_days a
       join darkpool_daily_summary s on s.symbol = a.symbol and s.date = a.date order by date`,
    );
    const weeks = await db.rows<{ week: string }>(
      `select distinct a.week_start::varchar as week from affected_weeks a
       join darkpool_weekly_summary s on s.symbol = a.symbol and s.week_start = a.week_start order by week`,
    );
    await db.run('delete from pending_days; delete from pending_weeks');
    const first = assumed[0];
    return {
      dates: dates.map(({ date }) => date),
      weeks: weeks.map(({ week }) => week),
      notes:
        first === undefined
          ? []
          : [
              `Reg SHO counts about nine tenths of off-exchange volume, and no published week is loaded to say how much here: factor 1 was assumed for ${first.symbol}${assumed.length > 1 ? ` and ${assumed.length - 1} more` : ''}.`,
            ],
    };
  });
}

/** Short pressure from the first day that changed: a DPI stands in the scores of the sixty sessions after it. */
async function shortPressure(ctx: Context): Promise<void> {
  const { db } = ctx;
  const universe = await db.row<{ source: string }>(
    'select max(source) as source from index_members having count(*) > 0',
  );
  const name = universe?.source ?? 'watch list';
  const row = await db.row<{ first: string | null }>(
    `select least(
       (select min(date) from affected_days),
       (select min(date) from short_pressure_daily where dix_universe <> $name)
     )::varchar as first`,
    { name },
  );
  if (row?.first == null) return;
  await db.runFile('marts/short_pressure_daily', { first: row.first, universe: name });
}

/** Every derived row rests on these settings: when one changes, every stored day and week is due anew. */
async function renewWhenSettingsChanged(ctx: Context): Promise<void> {
  const { config, db } = ctx;
  const value = JSON.stringify([
    config.INFERENCE_VERSION,
    config.MIN_LIT_VOLUME,
    config.BOT_THRESHOLD,
    config.SELL_THRESHOLD,
  ]);
  const before = await db.row<{ value: string }>(
    "select value from pipeline_state where key = 'analytics_settings'",
  );
  if (before?.value === value) return;
  await db.run(
    `insert into pending_days
       select symbol, date from off_exchange_volume_daily union select symbol, date from lit_direction_daily except select symbol, date from pending_days;
     insert into pending_weeks select distinct week_start from finra_otc_weekly except select week_start from pending_weeks;
     delete from pipeline_state where key = 'analytics_settings';
     insert into pipeline_state values ('analytics_settings', $value)`,
    { value },
  );
}
