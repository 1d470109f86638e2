import type { Random } from './random.js';
import { weighted } from './random.js';

/** Where a print really came from; the vendor's row does not tell. */
export type VenueKind =
  | 'lit_market'
  | 'lit_hidden'
  | 'auction'
  | 'retail_wholesaler'
  | 'ats_midpoint'
  | 'ats_other'
  | 'otc_other'
  | 'block';

/** Side of the party that started the trade; 0 for auctions. */
export type Side = 1 | -1 | 0;

/** One row of the tape. Times are whole nanoseconds after New York midnight; the price is in 10⁻⁴ dollars. */
export interface Print {
  participant: number;
  sip: number;
  /** 0 on exchange. */
  trf: number;
  price: number;
  size: number;
  exchange: number;
  trfId: number;
  conditions: readonly number[];
  correction: number;
  id: number;
  /** Given when the day is sorted. */
  sequence: number;
  /** Rows of the file that are this one, byte for byte: 2 where the vendor repeated it. */
  copies: number;
  kind: VenueKind;
  side: Side;
  retail: boolean;
  /** Index into FIRMS of who reported it off exchange, -1 on exchange. */
  firm: number;
  short: boolean;
  shortExempt: boolean;
  /** Counted by Reg SHO: reported to the media in regular hours. */
  mediaReported: boolean;
}

export const OFF_EXCHANGE = 4;

const NONE: readonly number[] = [];
// Condition lists are shared, so that equal ones are the same object and their text is made once.
const lists = new Map<string, readonly number[]>();

/** The conditions in ascending order, as one shared list per combination. */
export function conditionList(...codes: readonly number[]): readonly number[] {
  if (codes.length === 0) return NONE;
  const key = codes.join();
  let list = lists.get(key);
  if (list === undefined) {
    list = [...new Set(codes)].sort((a, b) => a - b);
    lists.set(key, list);
  }
  return list;
}

/** What a print does to the consolidated figures, from the vendor's condition table (facts/polygon.md). */
export interface ConditionEffect {
  readonly volume: boolean;
  readonly highLow: boolean;
  readonly openClose: boolean;
}

const NO_VOLUME = new Set([15, 16, 38]);
const NO_HIGH_LOW = new Set([2, 7, 12, 13, 15, 16, 20, 21, 29, 37, 52, 53]);
const NO_OPEN_CLOSE = new Set([2, 5, 7, 10, 12, 13, 15, 16, 20, 21, 22, 29, 32, 33, 37, 52, 53]);
const effects = new Map<readonly number[], ConditionEffect>();

/** A print with several conditions updates only what all of them allow. */
export function effectOf(conditions: readonly number[]): ConditionEffect {
  let effect = effects.get(conditions);
  if (effect === undefined) {
    effect = {
      volume: !conditions.some((code) => NO_VOLUME.has(code)),
      highLow: !conditions.some((code) => NO_HIGH_LOW.has(code)),
      openClose: !conditions.some((code) => NO_OPEN_CLOSE.has(code)),
    };
    effects.set(conditions, effect);
  }
  return effect;
}

const DROPPED_CORRECTIONS = new Set([7, 8, 10, 11, 12]);

/** Whether the row stands: corrections and re-reports that must be dropped do not. */
export function counts(print: Print): boolean {
  return !DROPPED_CORRECTIONS.has(print.correction) && effectOf(print.conditions).volume;
}

const ODD_SIZES = weighted(
  [1, 0.17],
  [2, 0.06],
  [3, 0.04],
  [5, 0.07],
  [10, 0.09],
  [20, 0.05],
  [25, 0.05],
  [50, 0.07],
);

/** Shares of one order: odd lots cluster at small and round numbers, the rest at whole lots with a long tail. */
export function orderSize(random: Random, oddLots: number, roundLots: number): number {
  if (random.chance(oddLots)) return random.chance(0.6) ? random.pick(ODD_SIZES) : random.int(1, 99);
  const lots = 1 + Math.floor(random.exponential(Math.max(0.05, roundLots - 0.65)));
  return random.chance(0.12) ? lots * 100 + random.int(1, 99) : lots * 100;
}

/** Best prices in cents at one moment. */
export interface Quoted {
  readonly bid: number;
  readonly ask: number;
}

/** Price `depth` (in 10⁻⁴ dollars) inside the quote that a buyer (1) or seller (-1) faces. */
function inside({ bid, ask }: Quoted, side: Side, depth: number): number {
  return side > 0 ? ask * 100 - depth : bid * 100 + depth;
}

/** The exact midpoint in 10⁻⁴ dollars. */
export function midpoint({ bid, ask }: Quoted): number {
  return (bid + ask) * 50;
}

const IMPROVEMENT = weighted(
  [1, 0.3],
  [2, 0.12],
  [5, 0.1],
  [10, 0.16],
  [15, 0.07],
  [20, 0.11],
  [25, 0.07],
  [30, 0.07],
);

/**
 * What a wholesaler gives a retail order. Half the time a sliver of a cent (which BJZZ finds, on the right side),
 * else a whole cent, the midpoint or a price in the middle of the cent (which it misses), and in wide spreads any
 * fraction up to the middle, whose last digits say nothing about the side: why QMP signs better than BJZZ.
 */
export function retailPrice(random: Random, quoted: Quoted, side: Side): number {
  const spread = quoted.ask - quoted.bid;
  const wholeCents = () => (spread < 3 ? 0 : Math.floor(random.uniform() * 0.4 * spread) * 100);
  if (spread >= 3 && random.chance(0.3)) {
    return inside(quoted, side, Math.round(random.uniform() * 0.46 * spread * 100));
  }
  const kind = random.uniform();
  if (kind < 0.44) {
    const sliver = random.chance(0.25) ? random.int(1, 39) : random.pick(IMPROVEMENT);
    return inside(quoted, side, wholeCents() + sliver);
  }
  if (kind < 0.78) return inside(quoted, side, wholeCents());
  if (kind < 0.9) return midpoint(quoted);
  return inside(quoted, side, wholeCents() + random.int(40, 48));
}

const ODD_FRACTIONS = weighted([25, 0.4], [33, 0.2], [10, 0.25], [12, 0.15]);

/** Other ATS executions: at the quote, a whole cent inside, the midpoint's half cent, or an odd fraction of a cent. */
export function atsPrice(random: Random, quoted: Quoted, side: Side): number {
  const spread = quoted.ask - quoted.bid;
  const kind = random.uniform();
  if (kind < 0.6) return inside(quoted, side, 0);
  if (kind < 0.85 && spread >= 3) return inside(quoted, side, random.int(1, Math.ceil(spread / 2) - 1) * 100);
  if (kind < 0.89) return midpoint(quoted);
  return inside(quoted, side, random.pick(ODD_FRACTIONS));
}

/** Hidden orders on exchanges: the midpoint, or a whole cent inside, now and then beyond the middle. */
export function hiddenPrice(random: Random, quoted: Quoted, side: Side): number {
  const spread = quoted.ask - quoted.bid;
  if (spread < 2 || random.chance(0.55)) return midpoint(quoted);
  return inside(quoted, side, random.int(1, Math.max(1, Math.round(spread * 0.7))) * 100);
}
