import { z } from 'zod';
import type { Context, FetchResult } from '../context.js';
import { messageOf, VendorError } from '../errors.js';
import { nyDate } from '../market_calendar.js';
import type { PolygonClient } from './polygon_client.js';
import { NotInPlanError } from './polygon_service.js';

/** Names and market caps change slowly. */
const FRESH_DAYS = 7;

const answer = z.object({
  results: z
    .object({
      ticker: z.string(),
      name: z.string().optional(),
      type: z.string().optional(),
      sic_code: z.string().optional(),
      market_cap: z.number().optional(),
    })
    .optional(),
});

/** What Polygon says of each ticker, asked again after a week. A failure is a note: nothing is computed from it. */
export async function fetchTickerReference(
  ctx: Context,
  client: PolygonClient,
  tickers: readonly string[],
): Promise<FetchResult> {
  const { db } = ctx;
  const today = nyDate(ctx.clock.now());
  const due = await db.rows<{ symbol: string }>(
    `select symbol from (select unnest($tickers) as symbol) t
     where not exists (select 1 from ticker_reference r where r.symbol = t.symbol and r.as_of > $today::date - ${FRESH_DAYS})`,
    { tickers, today },
  );
  let stored = 0;
  for (const { symbol } of due) {
    try {
      const details = answer.parse(JSON.parse(await client.ticker(symbol))).results;
      const fund = details?.type !== undefined && ['ETF', 'ETN', 'ETV', 'ETS', 'FUND'].includes(details.type);
      await db.transaction(() =>
        db.run(
          `delete from ticker_reference where symbol = $symbol;
           insert into ticker_reference values ($symbol, $name, $type, $sector, $sic, $cap, $today::date)`,
          {
            symbol,
            name: details?.name ?? null,
            type: details?.type ?? null,
            sector: fund ? 'ETF' : 'Unknown',
            sic: details?.sic_code ?? null,
            cap: details?.market_cap ?? null,
            today,
          },
        ),
      );
      stored += 1;
    } catch (error) {
      if (error instanceof NotInPlanError) break;
      if (error instanceof VendorError && error.status === 401) throw error;
      return {
        stored: { ticker_reference: stored },
        gaps: [],
        notes: [
          `The reference of ${symbol} could not be had (${messageOf(error)}); names and market caps may be missing.`,
        ],
      };
    }
  }
  return { stored: { ticker_reference: stored }, gaps: [], notes: [] };
}
