import type { Session } from '../market_calendar.js';
import { FIRMS } from './instruments.js';
import { counts, effectOf, OFF_EXCHANGE } from './prints.js';
import type { SymbolDay } from './simulate_day.js';

/** Shares, trades and dollars. */
export interface Volume {
  shares: number;
  trades: number;
  notional: number;
}

/** What bars, Reg SHO and FINRA's weeks are made from, of one symbol-day. */
export interface DayTotals {
  readonly symbol: string;
  readonly session: Session;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly all: Volume;
  /** By index into FIRMS: what each reported off exchange. */
  readonly byFirm: readonly Volume[];
  readonly shortShares: number;
  readonly shortExemptShares: number;
  readonly mediaReportedShares: number;
  /** Reg SHO letters of the facilities, of the media-reported prints. */
  readonly facilities: ReadonlySet<string>;
}

const FACILITY_LETTERS = new Map([
  [201, 'N'],
  [202, 'Q'],
  [203, 'B'],
]);

export const noVolume = (): Volume => ({ shares: 0, trades: 0, notional: 0 });

/** Sums a symbol-day by the vendor's rules: what must be dropped is dropped, and conditions say what counts for what. */
export function totalsOf({ instrument, prints }: SymbolDay, session: Session): DayTotals {
  const all = noVolume();
  const byFirm = FIRMS.map(noVolume);
  const facilities = new Set<string>();
  let [open, high, low, close] = [0, 0, Number.POSITIVE_INFINITY, 0];
  let [shortShares, shortExemptShares, mediaReportedShares] = [0, 0, 0];
  for (const print of prints) {
    if (!counts(print)) continue;
    const dollars = (print.price / 10_000) * print.size;
    const effect = effectOf(print.conditions);
    if (effect.openClose) {
      if (open === 0) open = print.price;
      close = print.price;
    }
    if (effect.highLow) {
      high = Math.max(high, print.price);
      low = Math.min(low, print.price);
    }
    add(all, print.size, dollars);
    if (print.exchange !== OFF_EXCHANGE) continue;
    add(byFirm[print.firm] as Volume, print.size, dollars);
    if (!print.mediaReported) continue;
    mediaReportedShares += print.size;
    facilities.add(FACILITY_LETTERS.get(print.trfId) as string);
    if (print.short) shortShares += print.size;
    if (print.shortExempt) shortExemptShares += print.size;
  }
  return {
    symbol: instrument.symbol,
    session,
    open: open / 10_000,
    high: high / 10_000,
    low: low / 10_000,
    close: close / 10_000,
    all,
    byFirm,
    shortShares,
    shortExemptShares,
    mediaReportedShares,
    facilities,
  };
}

function add(volume: Volume, shares: number, dollars: number): void {
  volume.shares += shares;
  volume.trades += 1;
  volume.notional += dollars;
}

/** The daily bars' file: raw rows, and the same as adjusted, since the sample has no splits and dividends. */
export function barsText(days: readonly DayTotals[]): string {
  const rows = days.flatMap(({ symbol, session, open, high, low, close, all }) => {
    const prices = [open, high, low, close].map(Number).join();
    const vwap = (all.notional / all.shares).toFixed(4);
    return [false, true].map(
      (adjusted) => `${symbol},${session.date},${adjusted},${prices},${all.shares},${vwap},${all.trades}\n`,
    );
  });
  return `symbol,date,adjusted,open,high,low,close,volume,vwap,trades\n${rows.join('')}`;
}

const REGSHO_HEADER = 'Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\r\n';

/** A session's Reg SHO file of NMS stocks, as FINRA lays it out: CRLF, and the number of records as last line. */
export function regshoText(days: readonly DayTotals[], regshoSymbol: (symbol: string) => string): string {
  const rows = days.map(
    (day) =>
      `${day.session.date.replaceAll('-', '')}|${regshoSymbol(day.symbol)}|${day.shortShares}|${
        day.shortExemptShares
      }|${day.mediaReportedShares}|${[...day.facilities].sort().join()}\r\n`,
  );
  return `${REGSHO_HEADER}${rows.join('')}${rows.length}\r\n`;
}
