import type { Book } from './book.js';
import { ATS_CHOICE, BLOCK_CHOICE, type Instrument, isAts, OTC_CHOICE, TRF_CHOICE } from './instruments.js';
import {
  atsPrice,
  conditionList,
  midpoint,
  OFF_EXCHANGE,
  orderSize,
  type Print,
  retailPrice,
  type Side,
  type VenueKind,
} from './prints.js';
import type { Quoting } from './quoting.js';
import { type Random, weighted } from './random.js';
import { NS_PER_SECOND, type Phase, TRF_OPENS } from './rhythm.js';

export type OffExchangeKind = Extract<
  VenueKind,
  'retail_wholesaler' | 'ats_midpoint' | 'ats_other' | 'otc_other' | 'block'
>;

/** What an off-exchange print is made from. */
export interface Floor {
  readonly random: Random;
  readonly book: Book;
  readonly instrument: Instrument;
  readonly phase: Phase;
  /** The end of the day's reporting. */
  readonly lastReport: number;
  readonly shortShare: number;
  readonly quoting: Quoting;
  nextId(exchange: number): number;
}

// Broker-dealers' special prints: average price, derivatively priced, contingent, prior reference, seller's option.
const SPECIAL = weighted(
  [[10], 0.46],
  [[2], 0.24],
  [[52, 53], 0.14],
  [[2, 10], 0.06],
  [[22], 0.08],
  [[29], 0.02],
);
const NOT_MEDIA_REPORTED = new Set([2, 12, 13, 52, 53]);

/** A print of an off-exchange execution at `time` (ns after midnight), by the quote of that moment. */
export function offExchangePrint(floor: Floor, kind: OffExchangeKind, side: Side, time: number): Print {
  const { random, phase } = floor;
  const { size, price, special } = terms(floor, kind, side);
  const { participant, sip, late } = reporting(floor, time);
  const codes = [...special];
  if (size < 100) codes.push(37);
  const executedInRegularHours = phase.name === 'regular';
  // Late is "sold out of sequence", after hours in its own form; a part of the firms forgets the former.
  if (executedInRegularHours && late && sip >= phase.end) codes.push(13);
  else if (executedInRegularHours && late && random.chance(0.7)) codes.push(32);
  if (!executedInRegularHours) codes.push(12);
  if (kind === 'ats_other' && random.chance(0.06)) codes.push(14);
  const firm = random.pick(
    kind === 'block'
      ? BLOCK_CHOICE
      : kind === 'ats_midpoint' || kind === 'ats_other'
        ? ATS_CHOICE
        : OTC_CHOICE,
  );
  const conditions = conditionList(...codes);
  // A dealer sells to a buying customer, short more often than not.
  const short = random.chance(floor.shortShare + 0.12 * side * (isAts(firm) ? 0.3 : 1));
  return {
    participant,
    sip,
    trf: sip - Math.round(random.exponential(25_000)) - 12_000,
    price,
    size,
    exchange: OFF_EXCHANGE,
    trfId: random.pick(TRF_CHOICE),
    conditions,
    correction: 0,
    id: floor.nextId(OFF_EXCHANGE),
    sequence: 0,
    copies: 1,
    kind,
    side,
    retail: kind === 'retail_wholesaler',
    firm,
    short,
    shortExempt: short && random.chance(0.006),
    mediaReported:
      executedInRegularHours &&
      sip < phase.end &&
      !conditions.some((code) => NOT_MEDIA_REPORTED.has(code)) &&
      !random.chance(floor.instrument.notMediaReported),
  };
}

interface Terms {
  readonly size: number;
  /** 10⁻⁴ dollars. */
  readonly price: number;
  readonly special: readonly number[];
}

function terms(floor: Floor, kind: OffExchangeKind, side: Side): Terms {
  const { random, book, instrument } = floor;
  // The price follows the quote on the dealer's screen, which now and then is not the last one.
  const quoted = random.chance(0.06) ? floor.quoting.past(8) : book;
  const { oddLots, roundLots } = instrument;
  switch (kind) {
    case 'retail_wholesaler':
      return {
        size: orderSize(random, oddLots + 0.05, roundLots * 1.05),
        price: retailPrice(random, quoted, side),
        special: [],
      };
    case 'ats_midpoint':
      return {
        size: orderSize(random, oddLots * 0.9, roundLots * 1.15),
        price: midpoint(quoted),
        special: [],
      };
    case 'ats_other':
      return {
        size: orderSize(random, oddLots, roundLots * 1.05),
        price: atsPrice(random, quoted, side),
        special: [],
      };
    case 'block': {
      const lots = Math.ceil((instrument.leastBlock * (1 + Math.min(1.5, random.exponential(0.5)))) / 100);
      return {
        size: lots * 100,
        price: random.chance(0.6) ? midpoint(book) : atsPrice(random, book, side),
        special: random.chance(0.08) ? [52, 53] : [],
      };
    }
    case 'otc_other': {
      const special = random.pick(SPECIAL);
      const size = orderSize(random, oddLots * 0.9, roundLots * 1.3);
      if (special.includes(22)) return { size, price: midpoint(floor.quoting.past(400)), special };
      // Average and derived prices end anywhere in the cent, near the middle of some past quotes.
      const around = random.chance(0.5) ? midpoint(book) : midpoint(floor.quoting.past(400));
      const noise = Math.round(random.normal() * 0.6 * book.spread * 100);
      const price = special.includes(52) ? Math.round(around / 100) * 100 : around + noise;
      return { size, price: Math.max(10_000, price), special };
    }
  }
}

/** The two clocks of an off-exchange print: executed at `time`, published milliseconds to hours later. */
function reporting({ random, phase, lastReport }: Floor, time: number) {
  // About 36 % of firms' stamps have milliseconds only.
  const participant = random.chance(0.36) ? Math.floor(time / 1e6) * 1e6 : time;
  let delay = 1.5e6 + 6e6 * Math.exp(1.1 * random.normal());
  const late = random.chance(0.013);
  if (late) {
    const howLate = random.uniform();
    if (howLate < 0.5) delay = NS_PER_SECOND * (10 + random.exponential(30));
    else if (howLate < 0.8) delay = NS_PER_SECOND * (60 + random.exponential(600));
    else delay = NS_PER_SECOND * (1800 + random.exponential(7200));
  }
  let sip = time + delay;
  if (time < TRF_OPENS) sip = TRF_OPENS + random.exponential(1.5 * NS_PER_SECOND);
  // What is executed in the last moments is still published before the tape ends.
  if (sip > lastReport) sip = Math.max(time + 2e6, lastReport - random.exponential(60 * NS_PER_SECOND));
  return { participant, sip: Math.round(sip), late: late && phase.name === 'regular' };
}
