import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VendorError } from '../darkpool_analysis/errors.js';
import { createHttp, createLimiter, type Http, RetryableError } from '../darkpool_analysis/http.js';

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

let server: Server;
let handler: Handler;
let count: number;
let http: Http;
let pauses: number[];
let nowMs: number;

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const failure = (request: Promise<unknown>) =>
  request.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as VendorError,
  );

beforeEach(async () => {
  count = 0;
  pauses = [];
  nowMs = Date.UTC(2025, 7, 5, 12);
  server = createServer((request, response) => handler(request, response, ++count));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  http = createHttp({
    timeoutMs: 2000,
    maxBodyBytes: 1000,
    nowMs: () => nowMs,
    sleep: async (ms) => {
      pauses.push(ms);
      nowMs += ms;
    },
  });
});

afterEach(async () => {
  await http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('retries', () => {
  test('5xx for a while', async () => {
    handler = (_, response, n) => response.writeHead(n < 4 ? 503 : 200).end('fine');
    expect((await http.request({ url: url() })).body.toString()).toBe('fine');
    expect(pauses).toEqual([500, 1000, 2000]);
  });

  test('5xx for ever ends, and says what was asked and what to do', async () => {
    handler = (_, response) => response.writeHead(503).end('overloaded');
    const error = await failure(
      http.request({
        method: 'POST',
        url: `${url()}/a?apiKey=hush&x=1`,
        headers: { authorization: 'Bearer hush' },
      }),
    );
    expect(error).toBeInstanceOf(VendorError);
    expect(error).toMatchObject({ method: 'POST', status: 503 });
    expect(error.message).toMatch(/POST .*\/a\?apiKey=\*\*\*&x=1 answered 503: overloaded, 6 times/);
    expect(error.message).toMatch(/Wait and run again: what is stored is whole/);
    expect(error.message).not.toContain('hush');
    expect(count).toBe(6);
  });

  test.each([
    ['seconds', '7', 7000],
    ['a date', 'Tue, 05 Aug 2025 12:00:09 GMT', 9000],
  ])('429 waits as Retry-After says, in %s', async (_, retryAfter, expected) => {
    handler = (_request, response, n) =>
      n === 1 ? response.writeHead(429, { 'retry-after': retryAfter }).end() : response.end('fine');
    await http.request({ url: url() });
    expect(pauses).toEqual([expected]);
  });

  test('429 without Retry-After waits longer than an overload does', async () => {
    handler = (_, response, n) => response.writeHead(n < 3 ? 429 : 200).end();
    await http.request({ url: url() });
    expect(pauses).toEqual([2000, 4000]);
  });

  test('a Retry-After beyond all patience fails at once and passes it on', async () => {
    handler = (_, response) => response.writeHead(429, { 'retry-after': '3600' }).end();
    const error = await failure(http.request({ url: url() }));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(error.message).toContain('It asks to wait 3600 s');
    expect(count).toBe(1);
  });

  test('a body shorter than promised, and one cut in its chunks', async () => {
    handler = (_, response, n) => {
      if (n > 2) return response.end('whole');
      if (n === 1) response.writeHead(200, { 'content-length': '100' });
      response.write('cut');
      setTimeout(() => response.destroy(), 20);
    };
    expect((await http.request({ url: url() })).body.toString()).toBe('whole');
    expect(count).toBe(3);
  });

  test('what the check refuses', async () => {
    handler = (_, response, n) => response.end(n === 1 ? '<html>' : '[]');
    const response = await http.request({
      url: url(),
      check: ({ body }) => {
        if (body.toString().startsWith('<')) throw new RetryableError('answered with a web page');
      },
    });
    expect(response.body.toString()).toBe('[]');
    handler = (_, answer) => answer.end('<html>');
    const error = await failure(
      http.request({
        url: url(),
        check: () => {
          throw new RetryableError('answered with a web page');
        },
      }),
    );
    expect(error).toBeInstanceOf(VendorError);
    expect(error.message).toContain('answered with a web page, 6 times');
  });

  test('nobody there', async () => {
    const gone = url();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(http.request({ url: gone }));
    expect(error.message).toMatch(/could not be reached/);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
});

describe('answers', () => {
  test('4xx is final, unless accepted', async () => {
    handler = (_, response) => response.writeHead(403).end('{"message":"no"}');
    const error = await failure(http.request({ url: url() }));
    expect(error.message).toMatch(/answered 403: \{"message":"no"\}\. Check the key/);
    expect((await http.request({ url: url(), accept: [403] })).status).toBe(403);
    expect(count).toBe(2);
  });

  test('a body too large is an error, gzipped or not, and not asked for again', async () => {
    handler = (_, response) => response.end(Buffer.alloc(2000));
    expect((await failure(http.request({ url: url() }))).message).toContain('more than 1000 bytes');
    handler = (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5000)));
    expect((await failure(http.request({ url: url() }))).message).toContain('more than 1000 bytes');
    expect(count).toBe(2);
  });

  test('gzip is unpacked, and a header that lies about it does no harm', async () => {
    handler = (request, response, n) => {
      expect(request.headers['accept-encoding']).toBe('gzip');
      response.writeHead(200, { 'content-encoding': 'gzip', 'X-Two': ['a', 'b'] });
      response.end(n === 1 ? gzipSync('packed') : 'plain');
    };
    const first = await http.request({ url: url() });
    expect(first.body.toString()).toBe('packed');
    expect(first.headers['x-two']).toBe('a, b');
    expect((await http.request({ url: url() })).body.toString()).toBe('plain');
  });

  test('query values are added', async () => {
    handler = (request, response) => response.end(request.url);
    const { body } = await http.request({ url: `${url()}/p?a=1`, query: { b: 'x y', c: undefined } });
    expect(body.toString()).toBe('/p?a=1&b=x+y');
  });

  test('a redirect to another host goes without the key', async () => {
    let seen: string | undefined = 'nothing';
    const other = createServer((request, response) => {
      seen = request.headers.authorization;
      response.end('other');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    handler = (_, response) =>
      response
        .writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` })
        .end();
    const headers = { Authorization: 'Bearer hush' };
    expect((await http.request({ url: url(), headers })).body.toString()).toBe('other');
    expect(seen).toBeUndefined();
    expect((await failure(http.request({ method: 'POST', url: url(), headers }))).message).toContain(
      'redirects to',
    );
    other.closeAllConnections();
    other.close();
  });
});

describe('limiter', () => {
  test('starts no more than the vendor allows in any window', async () => {
    vi.useFakeTimers();
    try {
      const limiter = createLimiter({ perMinute: 5 });
      const starts: number[] = [];
      const begin = Date.now();
      const all = Promise.all(
        Array.from({ length: 12 }, () => limiter.run(async () => starts.push(Date.now() - begin))),
      );
      await vi.advanceTimersByTimeAsync(130_000);
      await all;
      for (let i = 5; i < starts.length; i++) {
        expect((starts[i] as number) - (starts[i - 5] as number)).toBeGreaterThanOrEqual(60_000);
      }
      expect(starts).toHaveLength(12);
    } finally {
      vi.useRealTimers();
    }
  });

  test('waiting for the limiter does not use up patience, and every retry counts', async () => {
    handler = (_, response, n) => response.writeHead(n === 1 ? 500 : 200).end();
    const runs: number[] = [];
    const limiter = {
      run: <T>(task: () => Promise<T>) => {
        nowMs += 1_000_000;
        runs.push(nowMs);
        return task();
      },
    };
    await http.request({ url: url(), limiter });
    expect(runs).toHaveLength(2);
  });
});
