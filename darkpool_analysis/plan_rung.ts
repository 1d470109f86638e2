import type { Config } from './config.js';
import type { Context, FetchResult } from './context.js';
import type { Session } from './market_calendar.js';

/** What a run has to infer sides from. */
export interface RungFound {
  /** What the service refused in this run, where it was asked. */
  readonly plan?: FetchResult['plan'];
  /** The days of the run, for its tickers, hold trades; the newest of those days holds an NBBO; minute bars. */
  readonly trades: boolean;
  readonly quotes: boolean;
  readonly minuteBars: boolean;
}

type RungConfig = Pick<
  Config,
  | 'DATA_SOURCE'
  | 'INFERENCE_VERSION'
  | 'POLYGON_API_KEY'
  | 'POLYGON_QUOTES'
  | 'POLYGON_QUOTES_FILE'
  | 'POLYGON_TRADES_FILE'
  | 'allTickers'
>;

const ALONE = 'FINRA alone (volumes, venues, short pressure), buy ratios NULL.';

/**
 * The rung a run stands on and what the next would add, as one line: quotes and trades → NBBO rules; trades only →
 * tick rule; no trades → minute bars (BVC_v1); no key → FINRA alone. Data from files say it only when something is
 * missing. Undefined when there is nothing to say, or nothing known yet.
 */
export function planRung(config: RungConfig, found: RungFound): string | undefined {
  const service = config.DATA_SOURCE === 'live' && config.POLYGON_TRADES_FILE === undefined;
  const rung = service ? serviceRung(config, found) : filesRung(config, found);
  if (!config.INFERENCE_VERSION.includes('BVC_v1') || found.minuteBars) return rung;
  const bvc = `BVC_v1 works on minute bars, which ${
    service && config.POLYGON_API_KEY !== undefined && !config.allTickers
      ? 'did not come'
      : 'only the service has (DATA_SOURCE=live, with a key, by ticker)'
  }: it has no row.`;
  return rung === undefined ? bvc : `${rung} ${bvc}`;
}

function serviceRung(config: RungConfig, found: RungFound): string | undefined {
  const before = found.trades || found.minuteBars;
  const alone = before ? ALONE.replace('.', '; days stored before keep theirs.') : ALONE;
  if (config.POLYGON_API_KEY === undefined) {
    return `No POLYGON_API_KEY → ${alone} A key (in .env.local) adds minute bars (BVC_v1), the Developer plan trades, the Advanced plan NBBO quotes.`;
  }
  if (config.allTickers) {
    return `TICKERS=ALL asks no trades of the service, symbol by symbol → ${alone} A flat file in POLYGON_TRADES_FILE adds trades.`;
  }
  if (found.plan === 'no trades') {
    const adds = 'The Developer plan adds trades (tick rule), the Advanced plan NBBO quotes as well.';
    return found.minuteBars
      ? `The plan has no trades → minute bars, bulk volume classification (BVC_v1, method BVC). ${adds}`
      : `The plan has no trades, and no minute bars came → ${alone} ${adds}`;
  }
  if (found.plan === 'no quotes') {
    return 'The plan has trades only, no quotes → tick rule (method TICK). The Advanced plan adds NBBO quotes.';
  }
  if (found.trades && found.quotes) {
    return 'Quotes and trades → NBBO rules. This is the highest rung.';
  }
  if (found.trades) {
    return config.POLYGON_QUOTES === 'off'
      ? 'Trades only (POLYGON_QUOTES=off) → tick rule (method TICK). POLYGON_QUOTES=auto adds NBBO quotes where the plan has them (Advanced).'
      : 'Trades only, no quotes with the stored days → tick rule (method TICK). The Advanced plan adds NBBO quotes.';
  }
  return undefined;
}

function filesRung(config: RungConfig, found: RungFound): string | undefined {
  if (found.trades && found.quotes) return undefined;
  if (found.trades) {
    const off = config.POLYGON_QUOTES === 'off' ? ' (POLYGON_QUOTES=off)' : '';
    const adds =
      off !== ''
        ? 'POLYGON_QUOTES=auto adds the NBBO rules.'
        : config.POLYGON_QUOTES_FILE === undefined
          ? 'POLYGON_QUOTES_FILE adds the NBBO rules.'
          : 'POLYGON_QUOTES_FILE holds none for them.';
    return `Trades without quotes${off} → tick rule (method TICK). ${adds}`;
  }
  if (found.minuteBars) return undefined;
  return config.POLYGON_TRADES_FILE === undefined
    ? `No POLYGON_TRADES_FILE → ${ALONE} A trades file adds the tick rule, a quotes file beside it the NBBO rules.`
    : `POLYGON_TRADES_FILE holds no trades of these days → ${ALONE}`;
}

/** What the days of a run, for its tickers, have stored to infer sides from. After infer_buy_sell. */
export async function rungFound(
  ctx: Context,
  what: { readonly sessions: readonly Session[]; readonly tickers: readonly string[] },
  plan: FetchResult['plan'],
): Promise<RungFound> {
  const row = await ctx.db.row<Omit<RungFound, 'plan'>>(
    `with days as (
       select * from direction_classes_daily
       where date in (select unnest($dates)::date) and ($all or symbol in (select unnest($tickers)))
     )
     select
       count(*) > 0 as trades,
       coalesce(bool_or(quote_position is not null and date = (select max(date) from days)), false) as quotes,
       exists (
         select 1 from polygon_bars_minute
         where date in (select unnest($dates)::date) and ($all or symbol in (select unnest($tickers)))
       ) as "minuteBars"
     from days`,
    {
      dates: what.sessions.map(({ date }) => date),
      tickers: what.tickers,
      all: ctx.config.allTickers,
    },
  );
  return {
    trades: row?.trades ?? false,
    quotes: row?.quotes ?? false,
    minuteBars: row?.minuteBars ?? false,
    ...(plan === undefined ? {} : { plan }),
  };
}
