import type { Session } from '../market_calendar.js';
import { type Instrument, NEWS_DAY } from './instruments.js';
import { Random } from './random.js';

/** What a symbol's day is to be, before any order is drawn. Prices in cents, not rounded. */
export interface DayPath {
  readonly session: Session;
  readonly previousClose: number;
  readonly open: number;
  readonly close: number;
  /** Against an ordinary day. */
  readonly activity: number;
  /** Chance of a buy is 0.5 + this: market orders and institutions, and retail. */
  readonly imbalance: number;
  readonly retailImbalance: number;
  /** Part of off-exchange volume that is sold short. */
  readonly shortShare: number;
  /** This day's volatility from open to close, against the symbol's own. */
  readonly volatility: number;
}

/** Standard deviation of the market's log return from open to close: a calm market, as its ticks are thinned out. */
export const MARKET_DAY_VOLATILITY = 0.0018;

/** Autoregression of order one with unit variance. */
function persistent(random: Random, memory: number): () => number {
  let state = random.normal();
  return () => {
    state = memory * state + Math.sqrt(1 - memory * memory) * random.normal();
    return state;
  };
}

/**
 * The days of one symbol, a function of the seed, the symbol and the whole calendar alone. Imbalance, volume and short
 * share remember yesterday; returns lean with imbalance (price impact) and follow a common market.
 */
export function dailyPaths(
  seed: string,
  instrument: Instrument,
  sessions: readonly Session[],
): readonly DayPath[] {
  const random = new Random(seed, 'path', instrument.symbol);
  const market = new Random(seed, 'market');
  const imbalance = persistent(random, 0.6);
  const retail = persistent(random, 0.7);
  const volume = persistent(random, 0.5);
  const short = persistent(random, 0.8);
  let price = instrument.startPrice;
  return sessions.map((session) => {
    const marketNight = 0.0022 * market.normal();
    const marketDay = MARKET_DAY_VOLATILITY * market.normal();
    const lean = imbalance();
    const news = instrument.symbol === NEWS_DAY.symbol && session.date === NEWS_DAY.date;
    const volatility = news ? 2 : 1;
    const own = instrument.ownVolatility * volatility;
    const previousClose = price;
    const open = previousClose * (1 + instrument.beta * marketNight + 0.5 * own * random.normal());
    const drift = 0.4 * lean + 0.92 * random.normal();
    price = open * (1 + instrument.beta * marketDay + own * drift);
    return {
      session,
      previousClose,
      open,
      close: price,
      activity: Math.exp(0.2 * volume()) * (session.earlyClose ? 0.45 : 1) * (news ? 3.2 : 1),
      imbalance: 0.031 * lean,
      // Retail buys what institutions sell, more often than not.
      retailImbalance: 0.03 * retail() - 0.008 * lean,
      shortShare: Math.min(0.6, Math.max(0.35, 0.475 + 0.04 * short())),
      volatility,
    };
  });
}
