import { Book, type QuoteTape } from './book.js';
import type { DayPath } from './daily_path.js';
import type { Instrument } from './instruments.js';
import { type Floor, type OffExchangeKind, offExchangePrint } from './off_exchange.js';
import { conditionList, hiddenPrice, orderSize, type Print, type Side, type VenueKind } from './prints.js';
import { FairPrice, Quoting } from './quoting.js';
import { Random, weighted } from './random.js';
import { eventTimes, NS_PER_SECOND, type Phase, phasesOf } from './rhythm.js';
import { finishTape } from './tape_errors.js';

/** One symbol's day: its NBBO rows and its prints in the order of the file. */
export interface SymbolDay {
  readonly instrument: Instrument;
  readonly quotes: QuoteTape;
  readonly prints: readonly Print[];
}

type EventKind = 'quote' | 'lit' | 'hidden' | Exclude<OffExchangeKind, 'block'>;

// Events per print: a lit order leaves 1.45 prints, and most events only move the quote.
const EVENTS_PER_PRINT = 2.3;
const EVENTS = weighted<EventKind>(
  ['quote', 1.47],
  ['lit', 0.372],
  ['hidden', 0.06],
  ['retail_wholesaler', 0.2],
  ['ats_midpoint', 0.085],
  ['ats_other', 0.085],
  ['otc_other', 0.028],
);
const CHILDREN = weighted([1, 0.72], [2, 0.15], [3, 0.08], [4, 0.05]);
/** Market orders that hit a quote which, by the clocks, is gone. */
const RACES = 0.045;

/**
 * Simulates one symbol-day, from its own random stream: the same day is the same bytes whatever else is generated.
 * An efficient price goes from open to close as a bridge in business time; quotes follow it, informed orders pick off
 * stale ones, and orders that empty a price level move the next quote.
 */
export function simulateDay(seed: string, instrument: Instrument, path: DayPath): SymbolDay {
  return new DaySimulation(seed, instrument, path).run();
}

class DaySimulation implements Floor {
  readonly random: Random;
  readonly book: Book;
  readonly quoting: Quoting;
  readonly lastReport: number;
  readonly #fair: FairPrice;
  readonly #phases: readonly [Phase, Phase, Phase];
  readonly #prints: Print[] = [];
  phase: Phase;
  #lastSide: Side = 1;
  #lastOrder = 0;
  #ids = 0;

  constructor(
    seed: string,
    readonly instrument: Instrument,
    readonly path: DayPath,
  ) {
    this.random = new Random(seed, 'day', instrument.symbol, path.session.date);
    this.#phases = phasesOf(path.session);
    this.phase = this.#phases[0];
    this.lastReport = this.#phases[2].end - NS_PER_SECOND;
    this.book = new Book(instrument, this.random);
    this.#fair = new FairPrice(this.random, this.phase, path.previousClose);
    this.quoting = new Quoting(this.book, this.#fair);
  }

  get shortShare(): number {
    return this.path.shortShare;
  }

  run(): SymbolDay {
    const { previousClose, open, close } = this.path;
    const { ownVolatility, beta } = this.instrument;
    const volatility = FairPrice.volatilityOf(this.path, ownVolatility, beta);
    const [pre, regular, post] = this.#phases;
    this.quoting.open(pre.start);
    this.#runPhase(pre, previousClose, open, volatility * 0.3);
    this.#auction(regular.start, 'open');
    this.#runPhase(regular, open, close, volatility);
    this.#auction(regular.end, 'close');
    this.#runPhase(post, close, close, volatility * 0.15);
    return {
      instrument: this.instrument,
      quotes: this.book.tape,
      prints: finishTape(this.random, this.#prints, this.lastReport),
    };
  }

  /** An id as the vendor's, unique in the file: exchange, listing and a running number. */
  nextId(exchange: number): number {
    this.#ids += 1;
    return 52_980_000_000_000 + exchange * 1e11 + this.instrument.startPrice * 1e5 + this.#ids;
  }

  #runPhase(phase: Phase, from: number, to: number, volatility: number): void {
    const { random, quoting } = this;
    this.phase = phase;
    this.#fair.begin(phase, from, to, volatility);
    const { activity } = this.path;
    const count = Math.round(this.instrument.prints * activity * phase.share * EVENTS_PER_PRINT);
    const blockChance = phase.name === 'regular' ? (this.instrument.blocks * activity) / count : 0;
    let last = phase.start;
    for (const time of eventTimes(random, phase, count)) {
      this.#fair.advance(time);
      // Quotes do not wait for orders: in a quiet stretch they have moved before the next event.
      const quiet = time - last;
      if (quiet > 0.4 * NS_PER_SECOND) quoting.requote(phase, time - random.uniform() * 0.8 * quiet);
      if (random.chance(blockChance)) this.#offExchange('block', time);
      else this.#event(random.pick(EVENTS), time);
      if (random.chance(1.6 / count)) quoting.lockedInstant(time);
      quoting.remember();
      last = time;
    }
  }

  #event(kind: EventKind, time: number): void {
    if (kind === 'quote') this.quoting.event(this.phase, time);
    else if (kind === 'lit') this.#litOrder(time);
    else if (kind === 'hidden') {
      const side = this.#side(this.path.imbalance);
      this.#lit(time, hiddenPrice(this.random, this.book, side), this.#size(), side, 'lit_hidden', false);
      if (this.random.chance(0.2)) this.quoting.requote(this.phase, time + 4e4);
    } else if (this.phase.name === 'regular' || this.random.chance(0.5)) this.#offExchange(kind, time);
  }

  #offExchange(kind: OffExchangeKind, time: number): void {
    const imbalance = kind === 'retail_wholesaler' ? this.path.retailImbalance : this.path.imbalance;
    this.#prints.push(offExchangePrint(this, kind, this.#side(imbalance), time));
  }

  #size(): number {
    return orderSize(this.random, this.instrument.oddLots, this.instrument.roundLots);
  }

  /** Buy or sell: the day's lean, and the informed lean towards a fair price away from the middle of the quote. */
  #side(imbalance: number): Side {
    return this.random.chance(0.5 + imbalance + 0.16 * this.quoting.staleness) ? 1 : -1;
  }

  #lit(time: number, price: number, size: number, side: Side, kind: VenueKind, sweep: boolean): void {
    const { random } = this;
    const exchange = this.book.venue();
    const codes: number[] = [];
    if (sweep) codes.push(14);
    if (this.phase.name !== 'regular') codes.push(12);
    if (size < 100) codes.push(37);
    const participant = Math.round(time);
    const slow = random.chance(0.02) ? random.exponential(500_000) : 0;
    this.#prints.push({
      participant,
      sip: participant + Math.round(14_000 + random.exponential(22_000) + slow),
      trf: 0,
      price,
      size,
      exchange,
      trfId: 0,
      conditions: conditionList(...codes),
      correction: 0,
      id: this.nextId(exchange),
      sequence: 0,
      copies: 1,
      kind,
      side,
      retail: false,
      firm: -1,
      short: false,
      shortExempt: false,
      mediaReported: false,
    });
  }

  /** A marketable order: one to four prints, at the quote and, when it empties a level, at the next; then the quote. */
  #litOrder(time: number): void {
    const { random, book, quoting } = this;
    const again = time - this.#lastOrder < NS_PER_SECOND && random.chance(0.3);
    const side = again ? this.#lastSide : this.#side(this.path.imbalance);
    this.#lastSide = side;
    this.#lastOrder = time;
    const children = random.pick(CHILDREN);
    const sweep = children > 1 ? random.chance(0.75) : random.chance(0.3);
    const spreadBefore = book.spread;
    let at = time;
    let levels = 0;
    for (let child = 0; child < children; child++) {
      const available = side > 0 ? book.askShares : book.bidShares;
      const taken = Math.min(this.#size(), available);
      this.#lit(at, (side > 0 ? book.ask : book.bid) * 100, taken, side, 'lit_market', sweep);
      if (taken < available) {
        if (side > 0) book.askShares -= taken;
        else book.bidShares -= taken;
      } else if (random.chance(0.25)) {
        // Emptied, and filled again at the same price at once.
        if (side > 0) book.setAsk(book.ask);
        else book.setBid(book.bid);
      } else {
        levels += 1;
        const step = Math.max(1, Math.round(random.uniform() * 0.5 * spreadBefore));
        if (side > 0) book.setAsk(book.ask + step);
        else book.setBid(book.bid - step);
      }
      at += 4_000 + random.exponential(30_000);
    }
    // The other side follows through the emptied level: the quote after the trade is then on the wrong side of it.
    const follows = levels > 0 && random.chance(0.65);
    if (follows && side > 0) book.setBid(book.ask - spreadBefore);
    if (follows && side < 0) book.setAsk(book.bid + spreadBefore);
    this.#fair.push(side * spreadBefore * (levels > 0 ? 0.3 + 0.3 * levels : 0.04));
    if (random.chance(RACES)) {
      quoting.overtake(side, spreadBefore, time);
      return;
    }
    quoting.afterTrade(time, at);
    if (levels > 0 && random.chance(0.25)) {
      quoting.requote(this.phase, at + 20_000 + random.exponential(400_000));
    }
  }

  /** The listing exchange's cross, and its official price: the same shares again, to be dropped. */
  #auction(at: number, which: 'open' | 'close'): void {
    const { random, instrument, path } = this;
    const nasdaq = instrument.tape === 3;
    const [cross, official] = which === 'open' ? [nasdaq ? 25 : 17, 16] : [nasdaq ? 8 : 19, 15];
    const share = (which === 'open' ? 0.012 : 0.065) * Math.exp(0.35 * random.normal());
    const time = at + Math.round(random.exponential(nasdaq ? 2e7 : 6e8)) + 1e6;
    const size = Math.max(100, Math.round(instrument.volume * path.activity * share));
    const price = Math.round(which === 'open' ? path.open : path.close) * 100;
    for (const code of [cross, official]) {
      this.#lit(time, price, size, 0, 'auction', false);
      const print = this.#prints.at(-1) as Print;
      print.exchange = instrument.primary;
      print.conditions = conditionList(code);
      print.sip = time + (code === official ? 95_000 : 60_000);
    }
  }
}
