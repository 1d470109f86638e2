import type { Config } from '../config.js';
import type { Context } from '../context.js';

/** A ticker typed in lower case is meant in upper case, unless the data know it as typed: case is identity. */
export async function knownSpelling(ctx: Context): Promise<string[]> {
  const { config, db } = ctx;
  const typed = config.TICKERS.filter((symbol) => symbol !== symbol.toUpperCase());
  if (typed.length === 0) return [...config.TICKERS];
  const known = new Set(
    (
      await db.rows<{ symbol: string }>(
        `select symbol from (select unnest($typed) as symbol) t
         where symbol in (select symbol from finra_otc_weekly) or symbol in (select symbol from finra_regsho_daily)
           or symbol in (select symbol from polygon_trades)`,
        { typed },
      )
    ).map(({ symbol }) => symbol),
  );
  const entirelyLower = (symbol: string) => symbol === symbol.toLowerCase();
  return config.TICKERS.map((symbol) =>
    entirelyLower(symbol) && !known.has(symbol) ? symbol.toUpperCase() : symbol,
  );
}

/** Tickers of the watch list that no source knows. */
export async function strangers(ctx: Context, tickers: readonly string[]): Promise<string[]> {
  const rows = await ctx.db.rows<{ symbol: string }>(
    `select symbol from (select unnest($tickers) as symbol) t
     where symbol not in (select symbol from finra_otc_weekly) and symbol not in (select symbol from finra_regsho_daily)
       and symbol not in (select symbol from tape_totals_daily) and symbol not in (select symbol from polygon_bars_daily)
     order by symbol`,
    { tickers },
  );
  return rows.map(({ symbol }) => symbol);
}

/** A line for each ticker that is left out, with the reason. */
export function skipped(config: Config): string[] {
  return config.skippedTickers.map(({ symbol, reason }) => `${symbol} is skipped: ${reason}.`);
}
