import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Agent, type Dispatcher, errors } from 'undici';
import { messageOf } from '../errors.js';
import type { HttpRequest, HttpResponse } from '../http.js';

/** What an attempt needs to know. */
export interface AttemptSettings {
  readonly maxBodyBytes: number;
  readonly nowMs: () => number;
}

/** An attempt that failed; `retry` when asking again may help. */
export interface Failure {
  readonly reason: string;
  readonly retry: boolean;
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}
export class AttemptFailed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.reason, { cause: failure.cause });
    this.failure = failure;
  }
}

const RETRIED_STATUSES = new Set([408, 425, 429]);
const MAX_REDIRECTS = 5;
const gunzipped = promisify(gunzip);

/** One attempt: redirects followed, body whole and uncompressed. @throws AttemptFailed */
export async function send(
  agent: Agent,
  settings: AttemptSettings,
  asked: HttpRequest,
): Promise<HttpResponse> {
  const first = withQuery(asked);
  let url = first;
  let headers: Record<string, string> = { 'accept-encoding': 'gzip', ...lowerCased(asked.headers) };
  for (let redirects = 0; ; redirects++) {
    const response = await sendOnce(agent, settings, asked, url, headers);
    const location = response.headers.location;
    if (response.status < 300 || response.status >= 400 || location === undefined) {
      return accepted(asked, response, settings.nowMs);
    }
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    const follow = asked.method !== 'POST' || response.status === 307 || response.status === 308;
    if (next === undefined || !follow || redirects >= MAX_REDIRECTS) {
      const where = next === undefined ? 'nowhere' : safeUrl(next);
      throw new AttemptFailed({
        reason: `redirects to ${where}`,
        retry: false,
        status: response.status,
      });
    }
    if (next.origin !== url.origin) {
      // A key is for the host it was given for, whatever that host says next.
      const { authorization: _, cookie: __, ...rest } = headers;
      headers = rest;
    }
    url = next;
  }
}

async function sendOnce(
  agent: Agent,
  settings: AttemptSettings,
  asked: HttpRequest,
  url: URL,
  headers: Record<string, string>,
): Promise<HttpResponse> {
  let answer: Dispatcher.ResponseData;
  try {
    answer = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: asked.method ?? 'GET',
      headers,
      ...(asked.body === undefined ? {} : { body: asked.body }),
    });
  } catch (error) {
    throw networkFailure(error);
  }
  const received: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) received[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const expected = Number(received['content-length'] ?? 0);
  const body = await readBody(answer.body, settings.maxBodyBytes, expected);
  return { status: answer.statusCode, headers: received, body: await unpacked(body, received, settings) };
}

/** The body in one buffer of its announced size: pieces kept until the end would double the memory of a page. */
async function readBody(
  stream: Dispatcher.ResponseData['body'],
  maxBytes: number,
  expected: number,
): Promise<Buffer> {
  let body = Buffer.allocUnsafe(Math.min(Math.max(expected || 0, 65_536), maxBytes));
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
      if (bytes + chunk.length > body.length) {
        const larger = Buffer.allocUnsafe(Math.min(maxBytes, 2 * (bytes + chunk.length)));
        body.copy(larger, 0, 0, bytes);
        body = larger;
      }
      chunk.copy(body, bytes);
      bytes += chunk.length;
    }
  } catch (error) {
    if (error instanceof AttemptFailed) throw error;
    throw networkFailure(error);
  }
  return body.subarray(0, bytes);
}

async function unpacked(
  body: Buffer,
  headers: Record<string, string>,
  settings: AttemptSettings,
): Promise<Buffer> {
  // Some proxies unpack and leave the header: the bytes decide.
  if (headers['content-encoding'] !== 'gzip' || body[0] !== 0x1f || body[1] !== 0x8b) return body;
  try {
    return await gunzipped(body, { maxOutputLength: settings.maxBodyBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(settings.maxBodyBytes);
    throw new AttemptFailed({ reason: 'sent a damaged gzip body', retry: true, cause: error });
  }
}

function tooLarge(maxBytes: number): AttemptFailed {
  return new AttemptFailed({ reason: `sent more than ${maxBytes} bytes`, retry: false });
}

function networkFailure(error: unknown): AttemptFailed {
  // An argument undici refuses (a header with a line break) will not get better by asking again.
  const retry = !(error instanceof errors.InvalidArgumentError);
  const code = (error as { code?: unknown }).code;
  const said = messageOf(error) || (typeof code === 'string' ? code : 'connection failed');
  return new AttemptFailed({ reason: `could not be reached or broke off (${said})`, retry, cause: error });
}

function accepted(asked: HttpRequest, response: HttpResponse, nowMs: () => number): HttpResponse {
  const { status } = response;
  if (status < 400 || asked.accept?.includes(status) === true) return response;
  const retryAfterMs = retryAfter(response.headers['retry-after'], nowMs);
  const said = withoutSecrets(asked, response.body.subarray(0, 300).toString('utf8').replace(/\s+/g, ' '));
  throw new AttemptFailed({
    reason: `answered ${status}${said === '' ? '' : `: ${said}`}`,
    retry: status >= 500 || RETRIED_STATUSES.has(status),
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Retry-After in ms: a number of seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined, nowMs: () => number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs());
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The address asked, with the query. */
export function withQuery({ url, query = {} }: HttpRequest): URL {
  const full = new URL(url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) full.searchParams.set(name, String(value));
  }
  return full;
}

/** A URL that may be shown: no user, no password, no value of a parameter that looks like a secret. */
export function safeUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  for (const name of new Set(shown.searchParams.keys())) {
    if (/key|token|secret|passw|sign|auth/i.test(name)) shown.searchParams.set(name, '***');
  }
  return shown.href;
}

/** Error bodies repeat what was sent at times; a key must not come back in a message. */
function withoutSecrets(asked: HttpRequest, text: string): string {
  const credentials = (lowerCased(asked.headers).authorization ?? '').split(' ').at(-1) ?? '';
  return (credentials === '' ? text : text.replaceAll(credentials, '***')).trim();
}
