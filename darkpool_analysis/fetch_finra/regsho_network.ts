import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DateTime } from 'luxon';
import type { Context, FetchResult, Gap } from '../context.js';
import { DataError, VendorError } from '../errors.js';
import { type HttpResponse, type Limiter, RetryableError } from '../http.js';
import { ingestState, logIngest, sqlTime } from '../ingest_log.js';
import { MARKET_TZ_DEFAULT, type Session } from '../market_calendar.js';
import { inOrder } from './in_order.js';
import { auditRegsho, REGSHO_SOURCE, type RegshoFamily, storeRegshoFile } from './regsho_daily.js';
import { makeMacros } from './weekly_staging.js';

/** The families that figures come from. */
const FETCHED_FAMILIES: readonly RegshoFamily[] = ['CNMS', 'FORF'];
const CNMS_SINCE = '2018-08-01';
/** New York hour by which FINRA posts a day's files. */
const POSTED_HOUR = 18;
const REQUESTS_AHEAD = 4;
/** Fewer days than this without a file may be FINRA's delay; when none of more has one, it is a refusal. */
const REFUSAL_DAYS = 3;
const MAX_FAILURES = 5;

interface Wanted {
  readonly family: RegshoFamily;
  readonly date: string;
  readonly url: string;
  /** A day before the range: what scores look back on. It is nice to have, and its absence no gap. */
  readonly history: boolean;
}

/**
 * Reg SHO daily files of CNMS and FORF for the sessions not stored yet. A day before 18:00 New York is not due; a due day
 * that answers 403 is a gap. `history` days are asked once, after them, and never missed.
 * @throws VendorError when the host refuses (403 that is not S3's AccessDenied, or for every session).
 */
export async function fetchRegshoService(
  ctx: Context,
  sessions: readonly Session[],
  limiter: Limiter,
  history: readonly Session[] = [],
): Promise<FetchResult> {
  const state = await ingestState(ctx.db, REGSHO_SOURCE);
  const isHistory = new Set(history.map(({ date }) => date));
  const isStored = (date: string, family: string) => state.get(`${date} ${family}`)?.status === 'ok';
  const wanted: Wanted[] = [...sessions, ...history]
    .filter(({ date }) => isPosted(date, ctx.clock.now()))
    .flatMap(({ date }) =>
      FETCHED_FAMILIES.filter((family) => !(family === 'CNMS' && date < CNMS_SINCE))
        .filter((family) => !isStored(date, family))
        .filter((family) => !(isHistory.has(date) && state.get(`${date} ${family}`)?.status === 'absent'))
        .map((family) => ({ family, date, url: fileUrl(ctx, family, date), history: isHistory.has(date) })),
    );
  const gaps: Gap[] = [];
  let stored = 0;
  let failures = 0;
  const seen = { files: 0, absent: new Set<string>() };
  const folder = path.join(ctx.db.paths.staging, 'finra_regsho');
  await mkdir(folder, { recursive: true });
  await makeMacros(ctx.db);
  const progress = ctx.log.progress('Reg SHO daily', wanted.length);
  try {
    for await (const { item, outcome } of inOrder(wanted, REQUESTS_AHEAD, (one) =>
      failures >= MAX_FAILURES ? Promise.resolve(undefined) : download(ctx, one, limiter),
    )) {
      progress.advance();
      const { family, date, url } = item;
      const gap = (reason: string) => {
        if (!item.history) gaps.push({ source: REGSHO_SOURCE, period: date, subject: family, reason });
      };
      try {
        if ('error' in outcome) throw outcome.error;
        const response = outcome.value;
        if (response === undefined) {
          gap(`not asked, after ${MAX_FAILURES} failures`);
        } else if (response.status >= 400) {
          refuseUnlessAbsent(url, response);
          if (!item.history) seen.absent.add(date);
          gap('was due by 18:00 New York on the day and is not there yet');
          await logMissing(ctx, item, 'absent', 'not posted yet');
        } else {
          const sha256 = createHash('sha256').update(response.body).digest('hex');
          const file = path.join(folder, path.basename(new URL(url).pathname));
          await writeFile(file, response.body);
          stored += await storeRegshoFile(ctx, {
            family,
            date,
            path: file,
            sha256,
            source: url,
            shownAs: url,
          });
          await rm(file);
          seen.files += 1;
          failures = 0;
        }
      } catch (error) {
        if (!(error instanceof VendorError || error instanceof DataError)) throw error;
        failures += 1;
        const refused = error instanceof VendorError && error.status !== undefined && error.status < 500;
        if (seen.files === 0 && (refused || failures >= REFUSAL_DAYS)) throw error;
        gap(error.message);
        await logMissing(ctx, item, 'error', error.message);
      }
    }
  } finally {
    progress.done();
    await rm(folder, { recursive: true, force: true });
  }
  const anyStored = sessions.some(({ date }) => FETCHED_FAMILIES.some((family) => isStored(date, family)));
  if (seen.files === 0 && !anyStored && seen.absent.size >= REFUSAL_DAYS) {
    throw new VendorError(
      `${ctx.config.FINRA_REGSHO_URL} answers 403 for every one of ${seen.absent.size} sessions: it refuses, or FINRA_REGSHO_URL is wrong. What is stored is whole.`,
      { method: 'GET', url: ctx.config.FINRA_REGSHO_URL, status: 403 },
    );
  }
  return {
    stored: { [REGSHO_SOURCE]: stored },
    gaps,
    notes: stored > 0 ? await auditRegsho(ctx) : [],
  };
}

function isPosted(date: string, now: DateTime): boolean {
  return now >= DateTime.fromISO(date, { zone: MARKET_TZ_DEFAULT }).set({ hour: POSTED_HOUR });
}

function fileUrl(ctx: Context, family: RegshoFamily, date: string): string {
  return `${ctx.config.FINRA_REGSHO_URL}/${family}shvol${date.replaceAll('-', '')}.txt`;
}

function download(ctx: Context, { url }: Wanted, limiter: Limiter): Promise<HttpResponse> {
  return ctx.http.request({
    url,
    accept: [403, 404],
    limiter,
    check: ({ body }) => {
      const start = body.subarray(0, 100).toString('utf8').trimStart();
      if (start === '' || start.startsWith('<')) {
        throw new RetryableError(
          `sent ${start === '' ? 'an empty body' : 'a web page'} where the file should be`,
        );
      }
    },
  });
}

/** The host says 403 for a day it has no file for, in S3's words; any other 403 is a refusal. */
function refuseUnlessAbsent(url: string, { status, body }: HttpResponse): void {
  if (status === 404 || body.includes('<Code>AccessDenied</Code>')) return;
  throw new VendorError(
    `GET ${url} is refused (${status}), not just missing. Wait and run again, or give FINRA_REGSHO_FILE; what is stored is whole.`,
    { method: 'GET', url, status },
  );
}

async function logMissing(
  ctx: Context,
  { family, date }: Wanted,
  status: 'absent' | 'error',
  message: string,
) {
  await ctx.db.transaction(() =>
    logIngest(ctx.db, {
      source: REGSHO_SOURCE,
      period: date,
      subject: family,
      status,
      rows: 0,
      sha256: null,
      fetchedAt: sqlTime(ctx.clock.now()),
      message,
    }),
  );
}
