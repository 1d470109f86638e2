import type { Instrument } from './instruments.js';
import { LIT_VENUES } from './instruments.js';
import { type Random, type Weighted, weighted } from './random.js';

/** NBBO rows in columns; times are whole nanoseconds after New York midnight (below 2^47), prices whole cents. */
export class QuoteTape {
  readonly participant: number[] = [];
  readonly sip: number[] = [];
  readonly bid: number[] = [];
  readonly ask: number[] = [];
  readonly bidLots: number[] = [];
  readonly askLots: number[] = [];
  readonly bidExchange: number[] = [];
  readonly askExchange: number[] = [];

  get length(): number {
    return this.sip.length;
  }

  /** Row numbers in the order of the file: by publication, rows of one instant as they were made. */
  order(): Uint32Array {
    const { sip } = this;
    const rows = Uint32Array.from(sip, (_, i) => i);
    return rows.sort((a, b) => (sip[a] as number) - (sip[b] as number) || a - b);
  }
}

/**
 * The best bid and offer of one symbol, its shares and who shows them. Every change is a row on the tape; a row that
 * repeats both prices is a change of size or venue, as most of the real NBBO's are.
 */
export class Book {
  bid = 0;
  ask = 0;
  bidShares = 0;
  askShares = 0;
  readonly tape = new QuoteTape();
  readonly #venues: Weighted<number>;
  #bidExchange = 0;
  #askExchange = 0;

  constructor(
    readonly instrument: Instrument,
    readonly random: Random,
  ) {
    this.#venues = weighted(...LIT_VENUES, [instrument.primary, 0.2] as const);
  }

  get spread(): number {
    return this.ask - this.bid;
  }

  venue(): number {
    return this.random.pick(this.#venues);
  }

  /** Shares at a fresh price level. */
  #shares(): number {
    return 1 + Math.floor(this.random.exponential(this.instrument.depth));
  }

  setBid(bid: number): void {
    this.bid = bid;
    this.bidShares = this.#shares();
    this.#bidExchange = this.venue();
  }

  setAsk(ask: number): void {
    this.ask = ask;
    this.askShares = this.#shares();
    this.#askExchange = this.venue();
  }

  /** Liquidity comes or goes at the present prices. */
  refresh(): void {
    if (this.random.chance(0.5)) this.setBid(this.bid);
    else this.setAsk(this.ask);
  }

  /** Writes the present NBBO; `participant` is the quoting exchange's clock. Most reach the tape in 10 to 60 µs. */
  emit(participant: number): void {
    this.emitAs(participant, this.bid, this.ask);
  }

  /** Writes a row with prices of its own: one-sided (0), locked and crossed instants. */
  emitAs(participant: number, bid: number, ask: number): void {
    const { tape, random } = this;
    const late = random.chance(0.01) ? random.exponential(400_000) : 0;
    const at = Math.round(participant);
    tape.participant.push(at);
    tape.sip.push(at + Math.round(12_000 + random.exponential(18_000) + late));
    tape.bid.push(bid);
    tape.ask.push(ask);
    tape.bidLots.push(bid === 0 ? 0 : Math.max(1, Math.round(this.bidShares / 100)));
    tape.askLots.push(ask === 0 ? 0 : Math.max(1, Math.round(this.askShares / 100)));
    tape.bidExchange.push(this.#bidExchange);
    tape.askExchange.push(this.#askExchange);
  }
}
