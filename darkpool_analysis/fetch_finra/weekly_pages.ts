import type { Context } from '../context.js';
import { messageOf, VendorError } from '../errors.js';
import type { Pages } from './weekly_api.js';
import { type Partition, partitionName } from './weekly_partition.js';
import { API_DEFAULTS, stageRows, typeRows } from './weekly_staging.js';

/**
 * Pages -> finra_weekly_typed. `partition` is what rows that do not say it belong to, and the only one they may say;
 * undefined for the whole data set.
 * @throws VendorError when the rows are not what was asked for; nothing is stored then.
 */
export async function readPages(ctx: Context, partition: Partition | undefined, pages: Pages): Promise<void> {
  const { db, config } = ctx;
  const wrong = (message: string) =>
    new VendorError(
      `FINRA ${partition === undefined ? 'data set' : partitionName(partition)}: ${message} Nothing of it is stored.`,
      { method: config.FINRA_REQUEST_METHOD, url: config.FINRA_OTC_URL },
    );
  try {
    await db.runFile('staging/finra_weekly_pages', { files: pages.files });
  } catch (error) {
    throw wrong(`its rows cannot be read: ${messageOf(error).split('\n')[0]}.`);
  }
  const { weekStart: week, tier, cut } = partition ?? {};
  const problem = await typeRows(db, {
    ...API_DEFAULTS,
    week: week ?? null,
    tier: tier ?? null,
    cut: cut ?? null,
  });
  if (problem !== undefined) {
    throw wrong(
      `row ${problem.row_number} has ${problem.field} ${JSON.stringify(problem.value)}, where ${problem.expected} should be.`,
    );
  }
  const twice = await db.row<{ n: number }>(
    `select (count(*) - count(distinct (
       week_start, tier, summary_type, raw_symbol, issue_name, mpid, firm_crd, product_type
     )))::integer as n
     from finra_weekly_typed where used`,
  );
  if ((twice?.n ?? 0) > 0) {
    throw wrong(`${twice?.n} rows came twice, so pages overlap and others are missing. Wait and run again.`);
  }
  const strangers = await db.row<{ n: number }>(
    `select count(*)::integer as n from finra_weekly_typed
     where used and (week_start <> $week::date or tier <> $tier or summary_type <> $cut)`,
    { week: week ?? null, tier: tier ?? null, cut: cut ?? null },
  );
  if ((strangers?.n ?? 0) > 0) {
    throw wrong('rows of other weeks, tiers or cuts came: the address ignores filters.');
  }
}

/** The partition's rows of finra_weekly_typed -> finra_weekly_staged. Returns them by canonical symbol. */
export async function stagePartition(ctx: Context, partition: Partition): Promise<Map<string, number>> {
  const { weekStart: week, tier, cut, symbols } = partition;
  await stageRows(ctx.db, {
    week,
    tier,
    cut,
    ...(symbols === undefined ? {} : { symbols: symbols.map(({ raw }) => raw) }),
  });
  const counts = await ctx.db.rows<{ symbol: string; n: number }>(
    'select symbol, count(*)::integer as n from finra_weekly_staged group by symbol',
  );
  return new Map(counts.map(({ symbol, n }) => [symbol, n]));
}
