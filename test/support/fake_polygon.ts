import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request may be answered with instead of the real thing. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Sends this many bytes of the real answer under its full Content-Length, then closes the connection. */
  readonly cutAfter?: number;
}

export interface AskedRequest {
  readonly path: string;
  readonly url: URL;
  readonly authorization: string | undefined;
}

/**
 * A local server that answers like Polygon's REST service: `/v3/trades`, `/v3/quotes`, daily bars and ticker details.
 * Rows are JSON texts, because their nanosecond stamps do not survive a JavaScript number.
 */
export class FakePolygon {
  /** `trades SYMBOL` and `quotes SYMBOL` to rows in time order; each row with its `sip_timestamp` beside it. */
  readonly ticks = new Map<string, { ns: bigint; json: string }[]>();
  /** `SYMBOL adjusted` to bars as JSON objects. */
  readonly bars = new Map<string, string[]>();
  readonly tickers = new Map<string, string>();
  readonly requests: AskedRequest[] = [];
  /** Most rows of a page, whatever `limit` says. */
  pageRows = 50_000;
  /** Asked for each request; undefined answers normally. */
  fault: (request: AskedRequest, count: number) => Fault | undefined = () => undefined;
  /** What `next_url` points to; the vendor's own host by default, which must never be asked. */
  nextUrl: (cursor: string, path: string) => string = (cursor, path) =>
    `https://api.polygon.io${path}?cursor=${cursor}`;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const asked = { path: url.pathname, url, authorization: request.headers.authorization };
    this.requests.push(asked);
    const fault = this.fault(asked, this.requests.length);
    const body = fault?.body ?? this.#body(url);
    if (fault?.cutAfter !== undefined) {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.write(body.slice(0, fault.cutAfter), () => response.destroy());
      return;
    }
    const status = fault?.status ?? (body === NOT_FOUND ? 404 : 200);
    response.writeHead(status, { 'content-type': 'application/json', ...fault?.headers });
    response.end(body);
  }

  #body(url: URL): string {
    const [, version, kind, symbol] = url.pathname.split('/').map(decodeURIComponent);
    if (version === 'v3' && (kind === 'trades' || kind === 'quotes')) {
      return this.#tickPage(url, `${kind} ${symbol}`);
    }
    if (url.pathname.startsWith('/v2/aggs/ticker/')) {
      const of = decodeURIComponent(url.pathname.split('/')[4] ?? '');
      const bars = this.bars.get(`${of} ${url.searchParams.get('adjusted')}`) ?? [];
      return `{"ticker":"${of}","status":"OK","results":[${bars.join(',')}]}`;
    }
    if (url.pathname.startsWith('/v3/reference/tickers/')) {
      return this.tickers.get(decodeURIComponent(url.pathname.split('/')[4] ?? '')) ?? NOT_FOUND;
    }
    return NOT_FOUND;
  }

  #tickPage(url: URL, key: string): string {
    const cursor = url.searchParams.get('cursor');
    const [from, start, end] =
      cursor === null
        ? [
            0,
            url.searchParams.get('timestamp.gte') ?? '0',
            url.searchParams.get('timestamp.lt') ?? '9'.repeat(19),
          ]
        : (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [number, string, string]);
    const rows = (this.ticks.get(key) ?? []).filter(({ ns }) => ns >= BigInt(start) && ns < BigInt(end));
    const page = rows.slice(from, from + this.pageRows);
    const next = from + page.length;
    const more =
      next < rows.length
        ? `,"next_url":"${this.nextUrl(Buffer.from(JSON.stringify([next, start, end])).toString('base64url'), url.pathname)}"`
        : '';
    const results = page.length === 0 ? '' : `"results":[${page.map(({ json }) => json).join(',')}],`;
    return `{${results}"status":"OK","request_id":"made-up"${more}}`;
  }
}

const NOT_FOUND = '{"status":"NOT_FOUND","message":"Ticker not found.","request_id":"made-up"}';

/** A `/v3/trades` row. Absent fields are left out, as the service does. */
export function tradeJson(row: {
  ns: bigint;
  price: number;
  size: number;
  sequence: number;
  exchange?: number;
  id?: string;
  participantNs?: bigint;
  conditions?: readonly number[];
  trfId?: number;
  decimalSize?: string;
  correction?: number;
}): { ns: bigint; json: string } {
  const fields = [
    row.conditions === undefined ? '' : `"conditions":[${row.conditions.join(',')}]`,
    row.correction === undefined ? '' : `"correction":${row.correction}`,
    row.decimalSize === undefined ? '' : `"decimal_size":"${row.decimalSize}"`,
    `"exchange":${row.exchange ?? 11}`,
    `"id":"${row.id ?? row.sequence}"`,
    `"participant_timestamp":${row.participantNs ?? row.ns}`,
    `"price":${row.price}`,
    `"sequence_number":${row.sequence}`,
    `"sip_timestamp":${row.ns}`,
    `"size":${row.size}`,
    '"tape":1',
    row.trfId === undefined ? '' : `"trf_id":${row.trfId}`,
  ];
  return { ns: row.ns, json: `{${fields.filter((field) => field !== '').join(',')}}` };
}

/** A `/v3/quotes` row; a price of undefined is left out. */
export function quoteJson(row: {
  ns: bigint;
  bid?: number;
  ask?: number;
  sequence: number;
  participantNs?: bigint;
}): { ns: bigint; json: string } {
  const fields = [
    row.ask === undefined ? '' : `"ask_exchange":11,"ask_price":${row.ask},"ask_size":2`,
    row.bid === undefined ? '' : `"bid_exchange":12,"bid_price":${row.bid},"bid_size":1`,
    `"participant_timestamp":${row.participantNs ?? row.ns}`,
    `"sequence_number":${row.sequence}`,
    `"sip_timestamp":${row.ns}`,
    '"tape":1',
  ];
  return { ns: row.ns, json: `{${fields.filter((field) => field !== '').join(',')}}` };
}
