import type { Context, FetchResult } from './context.js';
import { messageOf, VendorError } from './errors.js';
import { fetchRegshoFiles } from './fetch_finra/regsho_file.js';
import { fetchRegshoService } from './fetch_finra/regsho_network.js';
import { fetchWeeklyFiles } from './fetch_finra/weekly_file.js';
import { fetchWeeklyService } from './fetch_finra/weekly_network.js';
import { createLimiter, type Limiter } from './http.js';
import type { Session } from './market_calendar.js';
import { listFiles } from './tabular_file.js';

/** FINRA's own limit per address (facts/finra.md). */
const REQUESTS_PER_SECOND = 20;

/**
 * Brings FINRA's weekly off-exchange volume and the Reg SHO daily files into their tables: from the files that
 * FINRA_OTC_FILE and FINRA_REGSHO_FILE name, else in live mode from FINRA, else not at all. What was due and did not come
 * is a gap. One part that fails does not keep the other from being stored.
 * @throws ConfigError before anything is read; VendorError when a service refuses as a whole; DataError when a file is
 *   wrong. What is stored is whole each time.
 */
export async function fetchFinra(
  ctx: Context,
  range: { readonly sessions: readonly Session[]; readonly regshoHistory?: readonly Session[] },
  limiter: Limiter = createLimiter({ perSecond: REQUESTS_PER_SECOND }),
): Promise<FetchResult> {
  const { FINRA_OTC_FILE, FINRA_REGSHO_FILE, DATA_SOURCE } = ctx.config;
  const weeklyFiles =
    FINRA_OTC_FILE === undefined ? undefined : await listFiles('FINRA_OTC_FILE', FINRA_OTC_FILE);
  const regshoFiles =
    FINRA_REGSHO_FILE === undefined ? undefined : await listFiles('FINRA_REGSHO_FILE', FINRA_REGSHO_FILE);
  const live = DATA_SOURCE === 'live';

  const parts: (() => Promise<FetchResult>)[] = [];
  if (weeklyFiles !== undefined) parts.push(() => fetchWeeklyFiles(ctx, weeklyFiles));
  else if (live) parts.push(() => fetchWeeklyService(ctx, range.sessions, limiter));
  if (regshoFiles !== undefined) parts.push(() => fetchRegshoFiles(ctx, regshoFiles));
  else if (live) parts.push(() => fetchRegshoService(ctx, range.sessions, limiter, range.regshoHistory));

  const results: FetchResult[] = [];
  const failures: unknown[] = [];
  for (const part of parts) {
    try {
      results.push(await part());
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) {
    throw new VendorError(failures.map(messageOf).join('\n'), { cause: failures[0] });
  }
  if (failures.length === 1) throw failures[0];
  return {
    stored: Object.assign({}, ...results.map(({ stored }) => stored)) as Record<string, number>,
    gaps: results.flatMap(({ gaps }) => gaps),
    notes: results.flatMap(({ notes }) => notes),
  };
}
