import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context, FetchResult, Gap } from '../context.js';
import { literal } from '../db.js';
import { messageOf, VendorError } from '../errors.js';
import { ingestState, logIngest, sqlTime } from '../ingest_log.js';
import { addDays, nyDate, regularHoursNs, type Session } from '../market_calendar.js';
import { firstLine } from '../tabular_file.js';
import { type Page, takeApart } from './page.js';
import type { PolygonClient } from './polygon_client.js';
import { NotInPlanError } from './polygon_service.js';
import { tapeDueAt } from './tick_service.js';

/** Days a request spans: four weeks are 20 sessions of at most 960 minutes, far below the 50,000 of an answer. */
const RANGE_DAYS = 28;
/** After so many requests failed in a row, each with all its retries, the rest of the run would only wait. */
const PATIENCE_RANGES = 4;

/** A session's regular hours under the settings, start ≤ t < end. */
interface Hours {
  readonly date: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * Minute bars of regular hours from the service, unadjusted, for every (symbol, day) that has neither trades nor bars:
 * what bulk volume classification works on where the plan has no trades. When `BVC_v1` is among INFERENCE_VERSION, days
 * with trades get theirs too. A range that fails is a gap for its days; the others go on. Newest days come first:
 * plans reach back a fixed time, so what is refused (403) ends the way back.
 * @throws VendorError when the service refuses the key.
 */
export async function fetchMinuteBars(
  ctx: Context,
  client: PolygonClient,
  what: { readonly sessions: readonly Session[]; readonly tickers: readonly string[] },
): Promise<FetchResult> {
  const { config, db } = ctx;
  const now = ctx.clock.now();
  // The last corrections of a day are in its bars when they are in its trades.
  const hours = what.sessions
    .filter((session) => tapeDueAt(session) <= now)
    .map((session): Hours => {
      const regular = regularHoursNs(session, config.RTH_START, config.RTH_END, config.MARKET_TZ);
      return { date: session.date, ...regular };
    })
    .filter(({ startNs, endNs }) => startNs < endNs);
  const fingerprint = `service hours=${config.RTH_START}-${config.RTH_END} ${config.MARKET_TZ}`;
  const state = await ingestState(db, 'polygon_bars_minute');
  const traded = config.INFERENCE_VERSION.includes('BVC_v1') ? new Set<string>() : await tradedDays(ctx);
  const ranges = what.tickers.flatMap((symbol) =>
    newestFirst(
      hours.filter(({ date }) => {
        const known = state.get(`${date} ${symbol}`);
        return !traded.has(`${date} ${symbol}`) && (known?.status !== 'ok' || known.sha256 !== fingerprint);
      }),
    ).map((days) => ({ symbol, days })),
  );

  const today = nyDate(now);
  const gaps: Gap[] = [];
  let stored = 0;
  /** No day up to this one is in the plan. */
  let beyond = '';
  let todayInPlan = true;
  let failuresInRow = 0;
  const progress = ctx.log.progress('fetching minute bars', ranges.length);

  const fetchRange = async (symbol: string, range: readonly Hours[]): Promise<void> => {
    const days = range.filter(({ date }) => date > beyond && (todayInPlan || date !== today));
    const newest = days[0]?.date;
    if (newest === undefined) return;
    try {
      if (failuresInRow >= PATIENCE_RANGES) {
        throw new VendorError(
          'not asked any more: the service failed on the ranges before it. Run again later.',
        );
      }
      const counts = await storeRange(ctx, client, symbol, days, fingerprint);
      failuresInRow = 0;
      for (const { date } of days) {
        const minutes = counts.get(date) ?? 0;
        stored += minutes;
        if (minutes > 0) continue;
        gaps.push({
          source: 'polygon_bars_minute',
          period: date,
          subject: symbol,
          reason: 'Polygon has no minute bars of this day (yet); is the symbol right?',
        });
      }
    } catch (error) {
      if (!(error instanceof VendorError) || error.status === 401) throw error;
      if (error instanceof NotInPlanError) {
        // End-of-day plans refuse any range that reaches into the day itself.
        if (newest === today) {
          todayInPlan = false;
          return fetchRange(symbol, range);
        }
        beyond = newest;
        return;
      }
      failuresInRow += 1;
      const reason = messageOf(error);
      for (const { date } of days)
        gaps.push({ source: 'polygon_bars_minute', period: date, subject: symbol, reason });
    }
  };

  try {
    for (const { symbol, days } of ranges) {
      await fetchRange(symbol, days);
      progress.advance();
    }
  } finally {
    progress.done();
  }
  const reaches = beyond !== '' && hours.some(({ date }) => date > beyond);
  return {
    stored: { polygon_bars_minute: stored },
    gaps: gaps.sort((a, b) => a.period.localeCompare(b.period) || a.subject.localeCompare(b.subject)),
    notes: reaches ? [`The plan's minute bars do not reach back to ${beyond} and before.`] : [],
  };
}

/** `date symbol` of the days whose trades are stored. */
async function tradedDays(ctx: Context): Promise<Set<string>> {
  const rows = await ctx.db.rows<{ key: string }>(
    "select date::varchar || ' ' || symbol as key from tape_totals_daily where source = 'trades'",
  );
  return new Set(rows.map(({ key }) => key));
}

/** Days cut into ranges that one request can span, newest first within and among them. */
function newestFirst(days: readonly Hours[]): Hours[][] {
  const ranges: Hours[][] = [];
  for (const day of [...days].sort((a, b) => b.date.localeCompare(a.date))) {
    const open = ranges[ranges.length - 1];
    const newest = open?.[0];
    if (open === undefined || newest === undefined || day.date <= addDays(newest.date, -RANGE_DAYS)) {
      ranges.push([day]);
    } else {
      open.push(day);
    }
  }
  return ranges;
}

/**
 * Asks one range of a symbol and replaces its days, each with its state in `ingest_log`, in one transaction.
 * @param days newest first.
 * @returns minutes stored by day.
 * @throws VendorError when the answer cannot be right; nothing of it is stored.
 */
async function storeRange(
  ctx: Context,
  client: PolygonClient,
  symbol: string,
  days: readonly Hours[],
  fingerprint: string,
): Promise<Map<string, number>> {
  const { db } = ctx;
  const first = days[days.length - 1]?.startNs ?? 0n;
  const end = days[0]?.endNs ?? 0n;
  // To the last instant asked for: whether the end of a range belongs to it is not documented.
  const page = takeApart(
    Buffer.from(await client.minuteBars(symbol, first / 1_000_000n, end / 1_000_000n - 1n)),
  );
  await stageMinutes(ctx, symbol, page, days);
  return db.transaction(async () => {
    await db.runFile('staging/polygon_store_minute_bars', { symbol });
    const rows = await db.rows<{ date: string; n: number }>(
      `select d.date::varchar as date, count(b.symbol)::double as n
       from minute_days d
       left join polygon_bars_minute b on b.symbol = $symbol and b.date = d.date
       group by d.date`,
      { symbol },
    );
    const fetchedAt = sqlTime(ctx.clock.now());
    for (const { date, n } of rows) {
      await logIngest(db, {
        source: 'polygon_bars_minute',
        period: date,
        subject: symbol,
        status: n > 0 ? 'ok' : 'absent',
        rows: n,
        sha256: fingerprint,
        fetchedAt,
        message: n > 0 ? null : 'the source has no minute bars of this day',
      });
    }
    return new Map(rows.map(({ date, n }) => [date, n]));
  });
}

/** An answer's bars as staged_minutes, its days as minute_days; checked. */
async function stageMinutes(ctx: Context, symbol: string, page: Page, days: readonly Hours[]): Promise<void> {
  const { db } = ctx;
  const where = `Polygon's minute bars of ${symbol} from ${days[days.length - 1]?.date} to ${days[0]?.date}`;
  const { status, message, nextUrl } = page.envelope;
  if (status !== undefined && !['OK', 'DELAYED', 'NOT_FOUND'].includes(status)) {
    throw new VendorError(
      `${where} did not come (${status}: ${message ?? 'no reason given'}). Nothing of them was stored.`,
    );
  }
  if (nextUrl !== undefined) {
    throw new VendorError(
      `${where} are cut: the answer points to a further page. Nothing of them was stored.`,
    );
  }
  await db.run(
    `create or replace temp table minute_days as
     select unnest(from_json($days, '[{"date":"DATE","start_ns":"BIGINT","end_ns":"BIGINT"}]'), recursive := true);
     create or replace temp table staged_minutes (t bigint, close double, volume double)`,
    {
      days: JSON.stringify(
        days.map(({ date, startNs, endNs }) => ({ date, start_ns: String(startNs), end_ns: String(endNs) })),
      ),
    },
  );
  if (page.rows !== undefined) {
    const file = path.join(db.paths.staging, 'minute_bars.json');
    await writeFile(file, page.rows);
    try {
      await db.run(
        `insert into staged_minutes
         select t, c, v from read_json(${literal(file)}, format = 'array', columns = {t: 'BIGINT', c: 'DOUBLE', v: 'DOUBLE'})`,
      );
    } catch (error) {
      throw new VendorError(`${where} cannot be read: ${firstLine(error)}. Nothing of them was stored.`, {
        cause: error,
      });
    }
  }
  const bad = await db.row<{ at: string | null }>(
    `select make_timestamp(t * 1000)::varchar as at from staged_minutes
     where t is null or t % 60000 <> 0 or close is null or not (close > 0 and isfinite(close))
       or volume is null or not (volume >= 0 and isfinite(volume))
     union all
     select make_timestamp(t * 1000)::varchar from staged_minutes group by t having count(*) > 1
     limit 1`,
  );
  if (bad !== undefined) {
    throw new VendorError(
      `${where} hold a bar that cannot be right (at ${bad.at ?? 'no time'} UTC: not at a whole minute, twice there, a close not above 0, or no volume). Nothing of them was stored.`,
    );
  }
}
