import { type AskedRequest, FakePolygon, type Fault } from './fake_polygon.js';
import { DAY, ns } from './pipeline.js';

/** A minute's bar made by hand; New York time of day. */
export interface Minute {
  readonly date?: string;
  readonly at: string;
  readonly close: number;
  readonly volume: number;
}

/** What the vendor says to what a plan does not include. */
export const NOT_ENTITLED: Fault = {
  status: 403,
  body: '{"status":"NOT_AUTHORIZED","request_id":"made-up","message":"You are not entitled to this data. Please upgrade your plan."}',
};

/**
 * FakePolygon with minute bars and a plan: what is not in it is answered 403. Minute bars are answered for the range
 * asked, both ends included.
 */
export class FakeMinuteBars extends FakePolygon {
  readonly minutes = new Map<string, Minute[]>();
  readonly plan = { trades: false, quotes: false, minutes: true };
  /** Asked before anything else. */
  trouble: (request: AskedRequest) => Fault | undefined = () => undefined;

  constructor() {
    super();
    this.fault = (request) => this.trouble(request) ?? this.#refusal(request) ?? this.#minuteBars(request);
  }

  /** The ranges asked of minute bars, as `SYMBOL from to` in UTC. */
  get asked(): string[] {
    return this.requests.flatMap(({ path }) => {
      const range = rangeOf(path);
      if (range === undefined) return [];
      const utc = (ms: number) => new Date(ms).toISOString().slice(0, 16);
      return [`${range.symbol} ${utc(range.from)} ${utc(range.to)}`];
    });
  }

  #refusal({ path }: AskedRequest): Fault | undefined {
    const refused =
      (path.startsWith('/v3/trades/') && !this.plan.trades) ||
      (path.startsWith('/v3/quotes/') && !this.plan.quotes) ||
      (rangeOf(path) !== undefined && !this.plan.minutes);
    return refused ? NOT_ENTITLED : undefined;
  }

  #minuteBars({ path, url }: AskedRequest): Fault | undefined {
    const range = rangeOf(path);
    if (range === undefined) return undefined;
    if (url.searchParams.get('adjusted') !== 'false') return { status: 400, body: '{"status":"ERROR"}' };
    const rows = (this.minutes.get(range.symbol) ?? [])
      .map((minute) => ({ ...minute, ms: msOf(minute) }))
      .filter(({ ms }) => ms >= range.from && ms <= range.to)
      .sort((a, b) => a.ms - b.ms)
      .map(
        ({ ms, close, volume }) =>
          `{"v":${volume},"vw":${close},"o":${close},"c":${close},"h":${close},"l":${close},"t":${ms},"n":3}`,
      );
    const results = rows.length === 0 ? '' : `"results":[${rows.join(',')}],`;
    return {
      body: `{"ticker":"${range.symbol}","queryCount":${rows.length},"resultsCount":${rows.length},"adjusted":false,${results}"status":"DELAYED","request_id":"made-up","count":${rows.length}}`,
    };
  }
}

export function msOf(minute: Minute): number {
  return Number(ns(minute.date ?? DAY, minute.at) / 1_000_000n);
}

/** Closes from 09:30 on, a minute each, every bar with its volume. */
export function minutesOf(
  closes: readonly number[],
  volumes: readonly number[] | number,
  date = DAY,
): Minute[] {
  return closes.map((close, index) => ({
    date,
    at: `${String(9 + Math.floor((30 + index) / 60)).padStart(2, '0')}:${String((30 + index) % 60).padStart(2, '0')}`,
    close,
    volume: typeof volumes === 'number' ? volumes : (volumes[index] ?? 0),
  }));
}

function rangeOf(path: string): { symbol: string; from: number; to: number } | undefined {
  const [, symbol = '', from, to] =
    /^\/v2\/aggs\/ticker\/([^/]+)\/range\/1\/minute\/(\d+)\/(\d+)$/.exec(path) ?? [];
  return from === undefined
    ? undefined
    : { symbol: decodeURIComponent(symbol), from: Number(from), to: Number(to) };
}
