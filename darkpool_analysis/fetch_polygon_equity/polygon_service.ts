import type { Context } from '../context.js';
import { VendorError } from '../errors.js';
import { createLimiter, type HttpResponse, type Limiter, RetryableError } from '../http.js';
import { type Page, takeApart } from './page.js';

/** The plan does not have this (403 NOT_AUTHORIZED). What follows from it is the caller's to decide. */
export class NotInPlanError extends VendorError {}

/**
 * Polygon's REST service: the key in the header and only to the configured host, the plan's rate kept, answers
 * checked. One per run, so that the rate is one for all of its calls.
 */
export class PolygonService {
  readonly #ctx: Context;
  readonly #limiter: Limiter;
  readonly #base: URL;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#base = new URL(ctx.config.POLYGON_BASE_URL);
    const perMinute = ctx.config.POLYGON_REQUESTS_PER_MINUTE;
    this.#limiter = createLimiter(perMinute === undefined ? { concurrency: 8 } : { perMinute });
  }

  /** An address of the service: a path with its query, or a `next_url`, whose host is always replaced by ours. */
  address(pathOrUrl: string, query: Readonly<Record<string, string>> = {}): string {
    const asked = new URL(pathOrUrl, this.#base);
    // Host, user and port are ours whatever the vendor says; a base address may have a path of its own (a proxy).
    const url = new URL(this.#base);
    const prefix = this.#base.pathname.replace(/\/+$/, '');
    url.pathname = asked.pathname.startsWith(`${prefix}/`) ? asked.pathname : prefix + asked.pathname;
    url.search = asked.search;
    // A cursor needs no key, and one that the vendor put there would end up in logs.
    for (const [name, value] of asked.searchParams) {
      if (name.toLowerCase() === 'apikey' || value === this.#ctx.config.POLYGON_API_KEY) {
        url.searchParams.delete(name);
      }
    }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url.toString();
  }

  /**
   * One answer, whole: its rows apart from what stands around them.
   * @throws NotInPlanError on 403, VendorError on a wrong key and on whatever does not mend itself in time.
   */
  async get(url: string): Promise<Page> {
    let page: Page | undefined;
    const response = await this.#ask(url, (answer) => {
      page = this.#wholePage(answer);
    });
    return (
      page ?? {
        envelope: { status: 'NOT_FOUND', message: this.#wordsOf(response), nextUrl: undefined },
        rows: undefined,
      }
    );
  }

  /** One answer as text; `{"status":"NOT_FOUND"}` on 404. Throws like `get`. */
  async text(url: string): Promise<string> {
    const response = await this.#ask(url, (answer) => this.#wholePage(answer));
    return response.status === 404 ? '{"status":"NOT_FOUND"}' : response.body.toString('utf8');
  }

  async #ask(url: string, check: (answer: HttpResponse) => void): Promise<HttpResponse> {
    const response = await this.#ctx.http.request({
      method: 'GET',
      url,
      headers: {
        Accept: 'application/json',
        Authorization: `Bearer ${this.#ctx.config.POLYGON_API_KEY ?? ''}`,
      },
      accept: [401, 403, 404],
      limiter: this.#limiter,
      check: (answer) => {
        if (answer.status === 200) check(answer);
      },
    });
    if (response.status === 200 || response.status === 404) return response;
    const about = { method: 'GET', url, status: response.status };
    const said = this.#wordsOf(response);
    if (response.status === 401) {
      throw new VendorError(
        `Polygon refuses the key (401: ${said}). Check POLYGON_API_KEY in .env.local.`,
        about,
      );
    }
    throw new NotInPlanError(`Polygon's plan does not include this (403: ${said}).`, about);
  }

  #wholePage(answer: HttpResponse): Page {
    let page: Page;
    try {
      page = takeApart(answer.body);
    } catch (error) {
      const head = this.#withoutKey(answer.body.toString('utf8', 0, 200).replaceAll(/\s+/g, ' ')).slice(
        0,
        60,
      );
      throw new RetryableError(
        `the answer is not whole JSON (${answer.body.length} bytes, beginning ${JSON.stringify(head)})`,
        { cause: error },
      );
    }
    // The text of a 429 has been seen in a 200.
    if (page.envelope.status === 'ERROR') {
      const said = this.#withoutKey(page.envelope.message ?? 'without a reason');
      throw new RetryableError(`the vendor answers an error: ${said}`);
    }
    return page;
  }

  #wordsOf(response: HttpResponse): string {
    const body = this.#withoutKey(response.body.toString('utf8'));
    try {
      const { message, error } = JSON.parse(body) as Record<string, unknown>;
      return String(message ?? error ?? 'no reason given').slice(0, 200);
    } catch {
      return body.slice(0, 80) || 'no reason given';
    }
  }

  /** Vendors repeat what they were sent at times; a key must not come back in a message. */
  #withoutKey(text: string): string {
    const key = this.#ctx.config.POLYGON_API_KEY ?? '';
    return key === '' ? text : text.replaceAll(key, '***');
  }
}
