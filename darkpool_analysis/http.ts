import { setTimeout as wait } from 'node:timers/promises';
import PQueue from 'p-queue';
import { Agent } from 'undici';
import { VendorError } from './errors.js';
import { AttemptFailed, type Failure, safeUrl, send, withQuery } from './http/attempt.js';

/** An answer that came whole but cannot be used (JSON cut in the middle, a web page): worth asking again. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly url: string;
  /** Secrets go here and nowhere else: headers never reach an error or a log. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to what the URL has; undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: string | Buffer;
  /** Statuses of 400 and above to return like any other, without retry. */
  readonly accept?: readonly number[];
  readonly limiter?: Limiter;
  /** Looks at an answer below 400. A `RetryableError` asks again, anything else goes to the caller. */
  readonly check?: (response: HttpResponse) => void | Promise<void>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Uncompressed. */
  readonly body: Buffer;
}

export interface Http {
  /**
   * One request with its retries: connection failures, cut bodies, 408, 425, 429, 5xx and what `check` refuses.
   * @throws VendorError with method, URL, status and Retry-After, saying what to do.
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Requests at most, the first included. */
  readonly attempts?: number;
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Silence allowed while connecting, before the headers, and between pieces of the body. */
  readonly timeoutMs?: number;
  /** Time for one request with all its retries and pauses; waiting for the limiter is not counted. */
  readonly patienceMs?: number;
  readonly maxBodyBytes?: number;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly nowMs?: () => number;
}

const DEFAULTS = {
  attempts: 6,
  baseDelayMs: 500,
  maxDelayMs: 30_000,
  timeoutMs: 60_000,
  patienceMs: 300_000,
  maxBodyBytes: 64 * 1024 * 1024,
  sleep: async (ms: number): Promise<void> => {
    await wait(ms);
  },
  nowMs: Date.now,
};
type Settings = typeof DEFAULTS;

/** A rate limit counts in minutes, an overload in seconds: 429 without Retry-After waits this much longer. */
const RATE_LIMIT_PATIENCE = 4;
/** HTTP with one retry loop for the whole product. */
export function createHttp(options: HttpOptions = {}): Http {
  const settings: Settings = { ...DEFAULTS, ...options };
  const agent = new Agent({
    connect: { timeout: settings.timeoutMs },
    headersTimeout: settings.timeoutMs,
    bodyTimeout: settings.timeoutMs,
  });

  async function request(asked: HttpRequest): Promise<HttpResponse> {
    const limiter = asked.limiter ?? UNLIMITED;
    let spentMs = 0;
    for (let attempt = 1; ; attempt++) {
      let startedMs = 0;
      try {
        const response = await limiter.run(() => {
          startedMs = settings.nowMs();
          return send(agent, settings, asked);
        });
        if (response.status < 400) await asked.check?.(response);
        return response;
      } catch (error) {
        const failure = failureOf(error);
        if (failure === undefined) throw error;
        spentMs += settings.nowMs() - startedMs;
        const delayMs = pause(settings, attempt, failure);
        if (!failure.retry || attempt >= settings.attempts || spentMs + delayMs > settings.patienceMs) {
          throw vendorError(asked, failure, attempt);
        }
        await settings.sleep(delayMs);
        spentMs += delayMs;
      }
    }
  }
  return { request, close: () => agent.destroy() };
}

function failureOf(error: unknown): Failure | undefined {
  if (error instanceof AttemptFailed) return error.failure;
  if (error instanceof RetryableError) return { reason: error.message, retry: true, cause: error };
  return undefined;
}

/** Doubling from the base, no jitter: one client, so there is no herd, and runs can be told again exactly. */
function pause(settings: Settings, attempt: number, failure: Failure): number {
  if (failure.retryAfterMs !== undefined) return Math.max(failure.retryAfterMs, settings.baseDelayMs);
  const slower = failure.status === 429 ? RATE_LIMIT_PATIENCE : 1;
  return Math.min(settings.maxDelayMs, settings.baseDelayMs * slower * 2 ** (attempt - 1));
}

function vendorError(asked: HttpRequest, failure: Failure, attempts: number): VendorError {
  const method = asked.method ?? 'GET';
  const url = safeUrl(withQuery(asked));
  const { status, retryAfterMs } = failure;
  const times = attempts > 1 ? `, ${attempts} times` : '';
  const asksToWait =
    retryAfterMs === undefined ? '' : ` It asks to wait ${Math.ceil(retryAfterMs / 1000)} s.`;
  return new VendorError(`${method} ${url} ${failure.reason}${times}.${asksToWait} ${advice(failure)}`, {
    method,
    url,
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: failure.cause,
  });
}

function advice({ retry, status }: Failure): string {
  if (retry) return 'Wait and run again: what is stored is whole.';
  if (status === 401 || status === 403) return 'Check the key, and what its plan allows.';
  return 'Check the address and the request settings; what is stored is whole.';
}

/** Lets tasks start no faster than a vendor allows. */
export interface Limiter {
  run<T>(task: () => Promise<T>): Promise<T>;
}
const UNLIMITED: Limiter = { run: (task) => task() };

export interface LimiterOptions {
  readonly perSecond?: number;
  readonly perMinute?: number;
  /** Tasks going at once. */
  readonly concurrency?: number;
}

/** A limiter that counts over a sliding window, so that no two bursts meet at a window's edge. */
export function createLimiter({ perSecond, perMinute, concurrency }: LimiterOptions): Limiter {
  const rate =
    perSecond !== undefined
      ? { intervalCap: perSecond, interval: 1000, strict: true }
      : perMinute !== undefined
        ? { intervalCap: perMinute, interval: 60_000, strict: true }
        : {};
  const queue = new PQueue({ ...rate, ...(concurrency === undefined ? {} : { concurrency }) });
  return { run: (task) => queue.add(task) };
}
