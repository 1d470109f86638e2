import type { Session } from '../market_calendar.js';
import type { Print } from './prints.js';
import { NS_PER_SECOND } from './rhythm.js';
import type { SymbolDay } from './simulate_day.js';
import { TextBuffer } from './text_buffer.js';

// The vendor's flat-file columns, in their order (facts/polygon.md).
const TRADES_HEADER =
  'ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp\n';
const QUOTES_HEADER =
  'ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp\n';
const TRUTH_HEADER = 'symbol,date,sequence_number,exchange,true_side,venue_kind,retail\n';

/** Condition codes as the flat files write them: nothing, `37`, or quoted `"12,37"`. */
function conditionText(conditions: readonly number[]): string {
  return conditions.length > 1 ? `"${conditions.join()}"` : conditions.join();
}

/** Writes the texts of one session after the other, in buffers that are used again. */
export class DayFiles {
  readonly #trades = new TextBuffer(2 ** 21);
  readonly #quotes = new TextBuffer(2 ** 22);
  readonly #truth = new TextBuffer(2 ** 20);
  readonly #conditions = new Map<readonly number[], string>();

  /** Begins the truth's file, which runs over all sessions. */
  constructor() {
    this.#truth.text(TRUTH_HEADER);
  }

  /**
   * The trades and quotes of all symbols of a session, each one file, and the session's part of the truth.
   * `days` in the order of their tickers, as the vendor sorts.
   */
  write(session: Session, days: readonly SymbolDay[]): { trades: Buffer; quotes: Buffer; truth: Buffer } {
    const midnight = Number(session.dayStartNs / BigInt(NS_PER_SECOND));
    this.#trades.text(TRADES_HEADER);
    this.#quotes.text(QUOTES_HEADER);
    for (const day of days) {
      const { symbol } = day.instrument;
      for (const print of day.prints) {
        for (let copy = 0; copy < print.copies; copy++) this.#trade(day, midnight, print);
        this.#truth.text(
          `${symbol},${session.date},${print.sequence},${print.exchange},${print.side},${print.kind},${print.retail}\n`,
        );
      }
      this.#quoteRows(day, midnight);
    }
    return { trades: this.#trades.take(), quotes: this.#quotes.take(), truth: this.#truth.take() };
  }

  #trade({ instrument }: SymbolDay, midnight: number, print: Print): void {
    const out = this.#trades;
    let conditions = this.#conditions.get(print.conditions);
    if (conditions === undefined) {
      conditions = conditionText(print.conditions);
      this.#conditions.set(print.conditions, conditions);
    }
    out.text(instrument.symbol);
    out.comma();
    out.text(conditions);
    out.comma();
    out.int(print.correction);
    out.comma();
    out.int(print.exchange);
    out.comma();
    out.int(print.id);
    out.comma();
    stamp(out, midnight, print.participant);
    out.comma();
    out.price(print.price);
    out.comma();
    out.int(print.sequence);
    out.comma();
    stamp(out, midnight, print.sip);
    out.comma();
    out.int(print.size);
    out.comma();
    out.int(instrument.tape);
    out.comma();
    out.int(print.trfId);
    out.comma();
    if (print.trf === 0) out.int(0);
    else stamp(out, midnight, print.trf);
    out.newline();
  }

  #quoteRows({ instrument, quotes }: SymbolDay, midnight: number): void {
    const out = this.#quotes;
    const { symbol } = instrument;
    let sequence = 900;
    for (const row of quotes.order()) {
      // Uneven steps without a random number: quotes are numbered on the tape's own channel, among other symbols'.
      sequence += 1 + ((row * 7919) % 23);
      out.text(symbol);
      out.comma();
      out.int(quotes.askExchange[row] as number);
      out.comma();
      out.price((quotes.ask[row] as number) * 100);
      out.comma();
      out.int(quotes.askLots[row] as number);
      out.comma();
      out.int(quotes.bidExchange[row] as number);
      out.comma();
      out.price((quotes.bid[row] as number) * 100);
      out.comma();
      out.int(quotes.bidLots[row] as number);
      out.text(',1,,');
      stamp(out, midnight, quotes.participant[row] as number);
      out.comma();
      out.int(sequence);
      out.comma();
      stamp(out, midnight, quotes.sip[row] as number);
      out.comma();
      out.int(instrument.tape);
      out.text(',0\n');
    }
  }
}

/** Epoch nanoseconds of a time of day: `midnight` in epoch seconds, `time` in nanoseconds after it. */
function stamp(out: TextBuffer, midnight: number, time: number): void {
  const seconds = Math.floor(time / NS_PER_SECOND);
  out.stamp(midnight + seconds, time - seconds * NS_PER_SECOND);
}
