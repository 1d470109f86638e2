import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FinraRow = Record<string, string | number | null>;

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly json: Record<string, unknown>;
}

interface Filter {
  readonly fieldName: string;
  readonly fieldValue?: string;
  readonly values?: string[];
}

/** Answers one request in place of the service; true when it did. */
export type Intervention = (asked: Asked, response: ServerResponse, count: number) => boolean;

/** S3's answer for a file that is not there. */
export const ACCESS_DENIED =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';

/**
 * Plays FINRA: POST (or GET) /weeklySummary with filters, clamp and Record-Total; POST /token; GET /regsho/{file}. What
 * a test wants to go wrong, it does in `intervene`.
 */
export class FakeFinra {
  rows: FinraRow[] = [];
  /** Rows a page has at most: the 3 MB cut, and the clamp. */
  pageRows = 5000;
  sendTotals = true;
  /** An empty answer: 204, or 200 with []. */
  emptyAs: 204 | 200 = 204;
  /** Reg SHO files by name. */
  readonly files = new Map<string, string>();
  /** Set: requests need this token. */
  token: string | undefined;
  tokensGiven = 0;
  intervene: Intervention = () => false;
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#answer(request, Buffer.concat(chunks).toString('utf8'), response));
    });
  }

  static async start(): Promise<FakeFinra> {
    const fake = new FakeFinra();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests to the weekly endpoint. */
  get weeklyAsked(): Asked[] {
    return this.asked.filter(({ url }) => url.pathname === '/weeklySummary');
  }

  get regshoAsked(): string[] {
    return this.asked
      .filter(({ url }) => url.pathname.startsWith('/regsho/'))
      .map(({ url }) => url.pathname.slice('/regsho/'.length));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const asked: Asked = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', this.url),
      headers: request.headers,
      json: body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {},
    };
    this.asked.push(asked);
    if (this.intervene(asked, response, this.asked.length)) return;
    const { pathname } = asked.url;
    if (pathname === '/token') {
      this.#giveToken(response);
    } else if (pathname.startsWith('/regsho/')) {
      this.#regsho(pathname.slice('/regsho/'.length), response);
    } else if (pathname !== '/weeklySummary') {
      response.writeHead(404).end();
    } else if (this.token !== undefined && asked.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end('{"message":"token"}');
    } else {
      this.#weekly(asked, response);
    }
  }

  #giveToken(response: ServerResponse): void {
    this.tokensGiven += 1;
    this.token = `token-${this.tokensGiven}`;
    response.end(JSON.stringify({ access_token: this.token, expires_in: '1800', token_type: 'Bearer' }));
  }

  #regsho(name: string, response: ServerResponse): void {
    const text = this.files.get(name);
    if (text === undefined) response.writeHead(403, { 'content-type': 'application/xml' }).end(ACCESS_DENIED);
    else response.end(text);
  }

  #weekly({ method, url, json }: Asked, response: ServerResponse): void {
    const get = method === 'GET';
    const compare = (json.compareFilters ?? []) as Filter[];
    const domains = (json.domainFilters ?? []) as Filter[];
    const matching = this.rows.filter(
      (row) =>
        compare.every(({ fieldName, fieldValue }) => row[fieldName] === fieldValue) &&
        domains.every(({ fieldName, values }) => values?.includes(String(row[fieldName]))),
    );
    const sort = (json.sortFields ?? []) as string[];
    const key = (row: FinraRow) => sort.map((field) => String(row[field])).join('|');
    const sorted =
      sort.length === 0
        ? matching
        : [...matching].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    const offset = Number(get ? (url.searchParams.get('offset') ?? 0) : (json.offset ?? 0));
    const limit = Number(get ? (url.searchParams.get('limit') ?? 1000) : (json.limit ?? 1000));
    const page = sorted.slice(offset, offset + Math.min(limit, this.pageRows));
    if (this.sendTotals) {
      response.setHeader('Record-Total', String(matching.length));
      response.setHeader('Record-Max-Limit', '5000');
    }
    if (page.length === 0 && this.emptyAs === 204) {
      response.writeHead(204).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(page));
  }
}

/** A weeklySummary row under the API's names. */
export function weeklyRow(row: {
  week: string;
  tier?: string;
  cut?: string;
  symbol: string | null;
  shares: number | string;
  trades?: number;
  notional?: number;
  mpid?: string;
  crd?: number;
  firm?: string;
  name?: string;
  published?: string;
  updated?: string;
}): FinraRow {
  return {
    issueSymbolIdentifier: row.symbol,
    totalWeeklyShareQuantity: row.shares,
    totalWeeklyTradeCount: row.trades ?? 10,
    totalNotionalSum: row.notional ?? 1000,
    weekStartDate: row.week,
    tierIdentifier: row.tier ?? 'T1',
    tierDescription: 'NMS Tier 1',
    summaryTypeCode: row.cut ?? 'ATS_W_SMBL',
    issueName: row.name ?? `${row.symbol} Inc.`,
    MPID: row.mpid ?? null,
    firmCRDNumber: row.crd ?? null,
    marketParticipantName: row.firm ?? null,
    productTypeCode: 'UTP',
    initialPublishedDate: row.published ?? null,
    lastUpdateDate: row.updated ?? row.published ?? null,
    lastReportedDate: null,
  };
}

/** A Reg SHO daily file: header, rows, trailer. */
export function regshoFile(
  date: string,
  rows: readonly (readonly [symbol: string, short: number, exempt: number, total: number, market?: string])[],
  lineEnd = '\r\n',
): string {
  const day = date.replaceAll('-', '');
  return [
    'Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market',
    ...rows.map(([symbol, short, exempt, total, market = 'B,Q,N']) =>
      [day, symbol, short, exempt, total, market].join('|'),
    ),
    String(rows.length),
    '',
  ].join(lineEnd);
}
