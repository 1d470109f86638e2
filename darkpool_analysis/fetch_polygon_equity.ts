import type { Context, FetchResult } from './context.js';
import { fetchBarFiles, fetchBarService } from './fetch_polygon_equity/daily_bars.js';
import { fetchMinuteBars } from './fetch_polygon_equity/minute_bars.js';
import { createPolygonClient } from './fetch_polygon_equity/polygon_client.js';
import { PolygonService } from './fetch_polygon_equity/polygon_service.js';
import { fetchIndexMembers, fetchTapeTotals } from './fetch_polygon_equity/tape_totals.js';
import { fetchTickFiles } from './fetch_polygon_equity/tick_files.js';
import { fetchTickService } from './fetch_polygon_equity/tick_service.js';
import { fetchTickerReference } from './fetch_polygon_equity/ticker_reference.js';
import type { Session } from './market_calendar.js';

/**
 * Brings Polygon's trades (with the NBBO before each), daily bars, ticker reference and, where the plan has no trades,
 * minute bars for the days and tickers asked for: each source from its file where one is set, else from the service in
 * live mode, else not at all. Only what is not stored yet is read or asked.
 * @throws DataError, VendorError, ConfigError; what was stored before stays whole.
 */
export async function fetchPolygonEquity(
  ctx: Context,
  what: { readonly sessions: readonly Session[]; readonly tickers: readonly string[] },
): Promise<FetchResult> {
  const { config } = ctx;
  const results: FetchResult[] = [];
  let ticks: FetchResult | undefined;
  const live = config.DATA_SOURCE === 'live' && config.POLYGON_API_KEY !== undefined;
  const service = live ? new PolygonService(ctx) : undefined;
  const askable = service !== undefined && !config.allTickers ? service : undefined;
  const client =
    askable === undefined ? undefined : await createPolygonClient(askable, config.POLYGON_BASE_URL);

  // the members of the index need their closes too
  results.push(await fetchIndexMembers(ctx));
  if (config.POLYGON_BARS_FILE !== undefined) results.push(await fetchBarFiles(ctx, what));
  else if (client !== undefined) results.push(await fetchBarService(ctx, client, what));

  if (config.POLYGON_TRADES_FILE !== undefined) results.push(await fetchTickFiles(ctx, what));
  else if (askable !== undefined) ticks = await fetchTickService(ctx, askable, what);
  if (ticks !== undefined) results.push(ticks);
  if (client !== undefined && (ticks?.plan === 'no trades' || config.INFERENCE_VERSION.includes('BVC_v1'))) {
    results.push(await fetchMinuteBars(ctx, client, what));
  }

  if (config.TAPE_TOTALS_FILE !== undefined) results.push(await fetchTapeTotals(ctx));

  if (client !== undefined) results.push(await fetchTickerReference(ctx, client, what.tickers));

  return {
    stored: Object.assign({}, ...results.map(({ stored }) => stored)) as Record<string, number>,
    gaps: results.flatMap(({ gaps }) => gaps),
    notes: results.flatMap(({ notes }) => notes),
    ...(ticks?.plan === undefined ? {} : { plan: ticks.plan }),
  };
}
