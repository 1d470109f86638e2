/**
 * From a local server that answers like Polygon to stored and classified days: rows a second and memory.
 * Usage: npx tsx bench/rest_pages.ts [trades] [quotes]. The server runs in a process of its own and serves pages made
 * beforehand, so that the product alone is measured. Generated data; nothing is kept.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { loadConfig } from '../darkpool_analysis/config.js';
import { Database } from '../darkpool_analysis/db.js';
import { fetchPolygonEquity } from '../darkpool_analysis/fetch_polygon_equity.js';
import { createHttp } from '../darkpool_analysis/http.js';
import { inferBuySell } from '../darkpool_analysis/infer_buy_sell.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { sessionOn } from '../darkpool_analysis/market_calendar.js';
import { quoteJson, tradeJson } from '../test/support/fake_polygon.js';

const DATE = '2025-07-14';
const PAGE = 50_000;

/** A small deterministic generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function serve(trades: number, quotes: number): Promise<void> {
  const session = sessionOn(DATE);
  if (session === undefined) throw new Error('no session');
  const next = random(1);
  const pages = new Map<string, Buffer>();
  const span = Number(session.closeNs - session.openNs);
  const build = (kind: 'trades' | 'quotes', rows: number) => {
    let page: string[] = [];
    let number = 0;
    for (let i = 0; i < rows; i++) {
      const ns = session.openNs + BigInt(Math.floor((i * span) / rows));
      const mid = 100 + Math.sin(i / 5000);
      const cents = (value: number) => Math.round(value * 100) / 100;
      page.push(
        kind === 'trades'
          ? tradeJson({
              ns,
              price: cents(mid + (next() < 0.5 ? -0.01 : 0.01)),
              size: 1 + Math.floor(next() * 300),
              sequence: i + 1,
              exchange: next() < 0.4 ? 4 : 11,
              conditions: next() < 0.4 ? [14, 37] : [14],
              participantNs: ns - BigInt(Math.floor(next() * 500_000)),
              trfId: 202,
            }).json
          : quoteJson({ ns, bid: cents(mid - 0.01), ask: cents(mid + 0.01), sequence: i + 1 }).json,
      );
      if (page.length === PAGE || i === rows - 1) {
        const more =
          i < rows - 1 ? `,"next_url":"https://api.polygon.io/v3/${kind}/BENCH?cursor=${number + 1}"` : '';
        pages.set(`${kind} ${number}`, Buffer.from(`{"results":[${page.join(',')}],"status":"OK"${more}}`));
        page = [];
        number += 1;
      }
    }
  };
  build('trades', trades);
  build('quotes', quotes);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://bench');
    const body = pages.get(`${url.pathname.split('/')[2]} ${url.searchParams.get('cursor') ?? '0'}`);
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(body ?? '{"status":"NOT_FOUND"}');
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
}

async function measure(trades: number, quotes: number): Promise<void> {
  const child = fork(process.argv[1] ?? '', ['serve', String(trades), String(quotes)]);
  const port = await new Promise<number>((resolve) =>
    child.once('message', (value) => resolve(value as number)),
  );
  const folder = await mkdtemp(path.join(tmpdir(), 'darkpool-bench-'));
  try {
    const config = loadConfig({
      env: {
        DATA_SOURCE: 'live',
        POLYGON_API_KEY: 'bench',
        POLYGON_BASE_URL: `http://127.0.0.1:${port}`,
        POLYGON_QUOTES: quotes > 0 ? 'on' : 'off',
        TICKERS: 'BENCH',
        DATA_DIR: folder,
        ...(process.env.DUCKDB_MEMORY_LIMIT === undefined
          ? {}
          : { DUCKDB_MEMORY_LIMIT: process.env.DUCKDB_MEMORY_LIMIT }),
      },
      cwd: folder,
    });
    const db = await Database.open({ dataDir: config.DATA_DIR, memoryLimit: config.DUCKDB_MEMORY_LIMIT });
    const http = createHttp({});
    const session = sessionOn(DATE);
    if (session === undefined) throw new Error('no session');
    const ctx = {
      config,
      db,
      http,
      log: SILENT_LOG,
      clock: { now: () => DateTime.fromISO('2025-07-15T12:00Z') },
    };
    const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);
    const peaks = [peak()];
    const start = performance.now();
    const fetched = await fetchPolygonEquity(ctx, { sessions: [session], tickers: ['BENCH'] });
    for (const gap of fetched.gaps) if (gap.source === 'polygon_trades') throw new Error(gap.reason);
    const stored = (performance.now() - start) / 1000;
    peaks.push(peak());
    await inferBuySell(ctx);
    peaks.push(peak());
    const classified = (performance.now() - start) / 1000;
    const count = await db.row<{ n: number }>('select count(*)::double as n from polygon_trades');
    const rows = count?.n ?? 0;
    process.stdout.write(
      `${rows} trades, ${quotes} quotes: stored ${stored.toFixed(2)} s = ${Math.round(rows / stored)} trades/s (${Math.round((rows + quotes) / stored)} rows/s), ` +
        `classified ${classified.toFixed(2)} s = ${Math.round(rows / classified)} trades/s, peak memory before, after storing, after classifying: ${peaks.join(', ')} MB\n`,
    );
    await http.close();
    db.close();
  } finally {
    child.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

const [first = '1000000', second = '0', third] = process.argv.slice(2);
if (first === 'serve') await serve(Number(second), Number(third));
else await measure(Number(first), Number(second));
