import type { Book } from './book.js';
import type { DayPath } from './daily_path.js';
import { MARKET_DAY_VOLATILITY } from './daily_path.js';
import type { Quoted, Side } from './prints.js';
import type { Random } from './random.js';
import { businessTime, NS_PER_SECOND, type Phase } from './rhythm.js';

/** How long an order's push on the price lasts. */
const IMPACT_LIFE = 90 * NS_PER_SECOND;

/**
 * The efficient price in cents: a Brownian bridge in business time between two prices of the day's path, and the
 * passing push of orders on top.
 */
export class FairPrice {
  #phase: Phase;
  #volatility = 0;
  #latent: number;
  #target: number;
  #impact = 0;
  #last = 0;
  #elapsed = 0;

  constructor(
    readonly random: Random,
    phase: Phase,
    start: number,
  ) {
    this.#phase = phase;
    this.#latent = start;
    this.#target = start;
  }

  /** Standard deviation in cents of a regular session's path. */
  static volatilityOf({ close, volatility }: DayPath, own: number, beta: number): number {
    const market = MARKET_DAY_VOLATILITY * beta;
    return close * Math.sqrt(own * own * volatility * volatility + market * market);
  }

  get cents(): number {
    return this.#latent + this.#impact;
  }

  begin(phase: Phase, from: number, to: number, volatility: number): void {
    this.#phase = phase;
    this.#latent = from;
    this.#target = to;
    this.#volatility = volatility;
    this.#last = phase.start;
    this.#elapsed = 0;
  }

  advance(time: number): void {
    const business = businessTime(this.#phase, time);
    const step = business - this.#elapsed;
    const rest = 1 - this.#elapsed;
    if (rest > 1e-9) {
      const variance = (step * Math.max(0, rest - step)) / rest;
      this.#latent +=
        ((this.#target - this.#latent) * step) / rest +
        this.#volatility * Math.sqrt(variance) * this.random.normal();
    }
    this.#impact *= Math.exp((this.#last - time) / IMPACT_LIFE);
    this.#elapsed = business;
    this.#last = time;
  }

  push(cents: number): void {
    this.#impact += cents;
  }
}

/** How the book follows the fair price, and the rows it leaves. */
export class Quoting {
  #targetSpread = 1;
  readonly #bids: number[] = [];
  readonly #asks: number[] = [];

  constructor(
    readonly book: Book,
    readonly fair: FairPrice,
  ) {}

  /** 04:00: one side is there before the other. */
  open(start: number): void {
    const { book } = this;
    const middle = Math.round(this.fair.cents);
    book.setBid(middle - 40);
    book.setAsk(middle + 40);
    const askFirst = book.random.chance(0.5);
    book.emitAs(start + 1.9e7, askFirst ? 0 : book.bid, askFirst ? book.ask : 0);
    book.emitAs(start + 2.3e7, askFirst ? 0 : book.bid - 15, askFirst ? book.ask + 15 : 0);
    book.emit(start + 6e7);
  }

  /** Keeps the present quote for `past`. */
  remember(): void {
    this.#bids.push(this.book.bid);
    this.#asks.push(this.book.ask);
  }

  /** The quote of some events ago, at most `most`. */
  past(most: number): Quoted {
    const at = this.#bids.length - this.book.random.int(1, Math.max(1, Math.min(most, this.#bids.length)));
    const [bid, ask] = [this.#bids[at], this.#asks[at]];
    return bid === undefined || ask === undefined ? this.book : { bid, ask };
  }

  /** Where the fair price lies against the middle of the quote, in spreads: −1 to 1. */
  get staleness(): number {
    const { bid, ask, spread } = this.book;
    return Math.max(-1, Math.min(1, (this.fair.cents - (bid + ask) / 2) / spread));
  }

  /** An event without a trade: mostly sizes, now and then a price that flickers, or a new quote. */
  event(phase: Phase, time: number): void {
    const { book } = this;
    const { random } = book;
    if (random.chance(0.3)) {
      this.requote(phase, time);
      return;
    }
    const flicker = random.uniform();
    if (flicker < 0.05 && book.spread > 1) {
      if (random.chance(0.5)) book.setBid(book.bid + 1);
      else book.setAsk(book.ask - 1);
    } else if (flicker < 0.07) {
      if (random.chance(0.5)) book.setBid(book.bid - 1);
      else book.setAsk(book.ask + 1);
    } else book.refresh();
    book.emit(time);
  }

  /** Moves the quote to where the fair price and the usual spread want it; leaves it while it is near enough. */
  requote(phase: Phase, time: number): void {
    const { book } = this;
    const { random } = book;
    if (random.chance(0.05)) {
      const opening = time - phase.start < 600 * NS_PER_SECOND ? 1.5 : 1;
      this.#targetSpread = Math.round(random.pick(book.instrument.spread) * phase.widening * opening);
    }
    const target = Math.max(1, this.#targetSpread);
    const off = this.fair.cents - (book.bid + book.ask) / 2;
    const near = Math.abs(off) <= 0.5 * Math.max(target, book.spread) + 0.4;
    if (near && (book.spread === target || random.chance(0.65))) {
      book.refresh();
      book.emit(time);
      return;
    }
    const bid = Math.round(this.fair.cents - target / 2);
    const ask = bid + target;
    const bidMoves = bid !== book.bid;
    const askMoves = ask !== book.ask;
    if (bidMoves && askMoves && random.chance(0.5)) {
      book.setBid(bid);
      book.setAsk(ask);
      book.emit(time);
      return;
    }
    // The side that makes way goes first, or the quote would cross itself.
    const askFirst = ask > book.ask;
    if (askFirst ? askMoves : bidMoves) {
      if (askFirst) book.setAsk(ask);
      else book.setBid(bid);
      book.emit(time);
    }
    if (askFirst ? bidMoves : askMoves) {
      if (askFirst) book.setBid(bid);
      else book.setAsk(ask);
      book.emit(time + 3_000 + random.exponential(150_000));
    }
  }

  /**
   * The row after a trade. It bears a later time; or the very same nanosecond, where one matching engine stamps both
   * (so a match on "not later" sees the book after the trade); or a slightly earlier one, since exchanges' clocks
   * differ.
   */
  afterTrade(first: number, last: number): void {
    const { random } = this.book;
    const which = random.uniform();
    if (which < 0.4) this.book.emit(first);
    else if (which < 0.43) this.book.emit(first - 2_000 - random.exponential(30_000));
    else this.book.emit(last + 4_000 + random.exponential(60_000));
  }

  /**
   * A stale order was hit in a race: by the clocks the market had moved past its price just before the trade. No rule
   * signs such a trade right, and real tapes have their share of them.
   */
  overtake(side: Side, cents: number, time: number): void {
    const { book } = this;
    book.setBid(book.bid + side * cents);
    book.setAsk(book.ask + side * cents);
    this.fair.push(side * cents);
    book.emit(time - 1_000 - book.random.exponential(25_000));
  }

  /** For some microseconds one venue's bid meets (or passes) another's offer. */
  lockedInstant(time: number): void {
    const { book } = this;
    const over = book.random.chance(0.3) ? 1 : 0;
    book.emitAs(time + 5_000, book.ask + over, book.ask);
    book.emit(time + 25_000 + book.random.exponential(2e6));
  }
}
