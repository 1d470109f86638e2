import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../context.js';
import type { Sql } from '../db.js';
import { messageOf, VendorError } from '../errors.js';
import { type HttpResponse, type Limiter, RetryableError } from '../http.js';
import { createTokenSource, type TokenSource } from './access_token.js';
import { PAGE_LIMIT, type Partition, partitionName } from './weekly_partition.js';

/** A partition as it came: JSON arrays in files, in order. */
export interface Pages {
  readonly files: readonly string[];
  readonly rows: number;
  /** Of the pages' bytes. */
  readonly sha256: string;
  readonly folder: string;
}

/** Offsets end here (facts/finra.md, trap 2). */
const MAX_OFFSET = 500_000;
/** FINRA is publishing while we read: read again, but not for ever. */
const MAX_RESTARTS = 3;

class TotalChanged extends Error {
  override readonly name = 'TotalChanged';
}

/** The weeklySummary endpoint: reads a partition whole, page by page, into files. */
export class WeeklyService {
  readonly #ctx: Context;
  readonly #limiter: Limiter;
  readonly #reader: Sql;
  readonly #token: TokenSource;
  /** Sorting keeps pages from overlapping, but the service refuses it at times: then never again in this run. */
  #sorted = true;

  /** `reader`: a connection of its own, since a page that is no JSON would end a transaction of the main one. */
  constructor(ctx: Context, limiter: Limiter, reader: Sql) {
    this.#ctx = ctx;
    this.#limiter = limiter;
    this.#reader = reader;
    this.#token = createTokenSource(ctx, limiter);
  }

  /**
   * All rows of a partition, or of the whole data set at the address when none is given (GET, which takes no filter).
   * Returns undefined when FINRA has none (204 or an empty array).
   * @throws VendorError when the service refuses, stays away, or does not send the rows it announces.
   */
  async read(partition: Partition | undefined): Promise<Pages | undefined> {
    const what = partition === undefined ? 'the data set' : partitionName(partition);
    const folder = path.join(this.#ctx.db.paths.staging, 'finra_weekly', what.replaceAll(' ', '_'));
    for (let restart = 0; ; restart++) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      try {
        return await this.#readPages(partition, what, folder);
      } catch (error) {
        if (!(error instanceof TotalChanged)) throw error;
        if (restart < MAX_RESTARTS) continue;
        throw this.#error(
          `FINRA ${what}: ${error.message}, ${restart + 1} times over; it seems to be publishing. Wait and run again: what is stored is whole.`,
        );
      }
    }
  }

  async #readPages(partition: Partition | undefined, what: string, folder: string) {
    const files: string[] = [];
    const hash = createHash('sha256');
    let total: number | undefined;
    let rows = 0;
    let previous: Buffer | undefined;
    for (;;) {
      if (rows > MAX_OFFSET) {
        throw this.#error(
          `FINRA ${what} has more than ${MAX_OFFSET} rows, which its offsets cannot reach: name TICKERS instead of ALL, and use POST.`,
        );
      }
      const file = path.join(folder, `page_${String(files.length + 1).padStart(4, '0')}.json`);
      const page = await this.#page(partition, rows, file);
      const announced = page.total;
      if (files.length > 0 && announced !== undefined && announced !== total) {
        throw new TotalChanged(`Record-Total went from ${total} to ${announced} between two pages`);
      }
      total = announced ?? total;
      if (page.rows === 0) {
        if (total !== undefined && rows < total) {
          throw this.#error(
            `FINRA ${what} announces ${total} rows and sends nothing after ${rows}. Wait and run again: nothing of it is stored.`,
          );
        }
        break;
      }
      if (previous?.equals(page.body) === true) {
        throw this.#error(
          `FINRA ${what}: the same page came twice, so ${this.#ctx.config.FINRA_OTC_URL} ignores the offset. Nothing of it is stored.`,
        );
      }
      previous = page.body;
      files.push(file);
      hash.update(page.body);
      rows += page.rows;
      if (total !== undefined && rows > total) {
        throw new TotalChanged(`${rows} rows came where Record-Total says ${total}`);
      }
      // A short page is not the last one: pages are also cut at 3 MB. Only the total tells, or an empty page.
      if (rows === total) break;
    }
    return rows === 0 ? undefined : { files, rows, sha256: hash.digest('hex'), folder };
  }

  async #page(partition: Partition | undefined, offset: number, file: string) {
    const token = await this.#token.header();
    let response = await this.#ask(partition, offset, file);
    if (response.status === 401) {
      const renewed = await this.#token.renewed(token);
      if (renewed) response = await this.#ask(partition, offset, file);
      if (response.status === 401) {
        throw this.#error(
          renewed
            ? 'FINRA refuses the access token even after a new one (401): check FINRA_API_KEY and FINRA_API_SECRET.'
            : 'FINRA asks for a key (401): set FINRA_API_KEY and FINRA_API_SECRET.',
          401,
        );
      }
    }
    if (response.status === 400) {
      // The rows' order changes with this, so pages read so far no longer fit.
      this.#sorted = false;
      if (offset > 0) throw new TotalChanged('sorting was refused between two pages');
      response = await this.#ask(partition, offset, file);
    }
    const header = response.headers['record-total'];
    const total = header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
    const rows = response.status === 204 ? 0 : await this.#countRows(file);
    return { rows, total, body: response.body };
  }

  async #ask(partition: Partition | undefined, offset: number, file: string): Promise<HttpResponse> {
    const { config, http } = this.#ctx;
    const get = config.FINRA_REQUEST_METHOD === 'GET';
    const sorted = this.#sorted && partition !== undefined && !get;
    const body = requestBody(config.FINRA_REQUEST_JSON ?? {}, partition, offset, sorted);
    const authorization = await this.#token.header();
    return http.request({
      method: config.FINRA_REQUEST_METHOD,
      url: config.FINRA_OTC_URL,
      headers: {
        accept: 'application/json',
        ...(get ? {} : { 'content-type': 'application/json' }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      query: {
        ...(get ? { limit: PAGE_LIMIT, offset } : {}),
        ...(config.FINRA_REQUEST_PARAMS as Record<string, string> | undefined),
        ...(get ? { offset } : {}),
      },
      ...(get ? {} : { body: JSON.stringify(body) }),
      accept: sorted ? [400, 401] : [401],
      limiter: this.#limiter,
      check: (response) => this.#checkPage(response, file),
    });
  }

  /** Puts a page into its file once it is known to be a whole JSON array. */
  async #checkPage({ status, body }: HttpResponse, file: string): Promise<void> {
    if (status === 204) return;
    const start = body.subarray(0, 200).toString('utf8').trimStart();
    if (!start.startsWith('[')) {
      const what = start.startsWith('<') ? 'a web page' : start === '' ? 'an empty body' : 'no JSON array';
      throw new RetryableError(`answered ${status} with ${what} where rows should be`);
    }
    await writeFile(file, body);
    try {
      await this.#countRows(file);
    } catch (error) {
      throw new RetryableError(`sent JSON that cannot be read (${messageOf(error).split('\n')[0]})`, {
        cause: error,
      });
    }
  }

  async #countRows(file: string): Promise<number> {
    const counted = await this.#reader.row<{ n: number }>(
      `select count(*)::integer as n from read_json_objects($file, format = 'array')`,
      { file },
    );
    return counted?.n ?? 0;
  }

  #error(message: string, status?: number): VendorError {
    return new VendorError(message, {
      method: this.#ctx.config.FINRA_REQUEST_METHOD,
      url: this.#ctx.config.FINRA_OTC_URL,
      ...(status === undefined ? {} : { status }),
    });
  }
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const equal = (fieldName: string, fieldValue: string) => ({ compareType: 'EQUAL', fieldName, fieldValue });

/** The body of one page: the partition pinned, what the user adds by FINRA_REQUEST_JSON beside it. */
export function requestBody(
  extra: Readonly<Record<string, unknown>>,
  partition: Partition | undefined,
  offset: number,
  sorted: boolean,
): Record<string, unknown> {
  const { compareFilters, domainFilters, ...rest } = extra;
  const pins =
    partition === undefined
      ? []
      : [
          equal('weekStartDate', partition.weekStart),
          equal('tierIdentifier', partition.tier),
          equal('summaryTypeCode', partition.cut),
        ];
  const symbols = partition?.symbols?.map(({ raw }) => raw);
  const domains = [
    ...(symbols === undefined ? [] : [{ fieldName: 'issueSymbolIdentifier', values: symbols }]),
    ...list(domainFilters),
  ];
  return {
    limit: PAGE_LIMIT,
    ...(sorted ? { sortFields: ['issueSymbolIdentifier', 'MPID'] } : {}),
    ...rest,
    compareFilters: [...pins, ...list(compareFilters)],
    ...(domains.length === 0 ? {} : { domainFilters: domains }),
    offset,
  };
}
