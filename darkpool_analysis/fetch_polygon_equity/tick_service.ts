import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DateTime } from 'luxon';
import PQueue from 'p-queue';
import type { Context, FetchResult, Gap } from '../context.js';
import { messageOf, VendorError } from '../errors.js';
import { ingestState } from '../ingest_log.js';
import type { Session } from '../market_calendar.js';
import { PageStager } from './page_stager.js';
import { NotInPlanError, type PolygonService } from './polygon_service.js';
import { storeDay } from './store_day.js';
import { stageTickPages } from './tick_pages.js';

/** The tape closes at 20:00 New York; a quarter of an hour later the day is whole. */
const TAPE_CLOSE_AFTER_MIDNIGHT_NS = (20n * 60n + 15n) * 60_000_000_000n;

/** When a session's trades are all there to be asked for. */
export function tapeDueAt(session: Session): DateTime {
  return DateTime.fromMillis(Number((session.dayStartNs + TAPE_CLOSE_AFTER_MIDNIGHT_NS) / 1_000_000n));
}

/** Symbol-days on their way at the same time: while one is stored, the next is being fetched. */
const AT_ONCE = 2;
/** After so many symbol-days failed in a row, each with all its retries, the rest of the run would only wait. */
const PATIENCE_UNITS = 4;

/**
 * Trades and quotes from the service for every (symbol, day) not yet stored. A day that fails is a gap; the others
 * go on. Without trades in the plan nothing is fetched; without quotes the days are stored without NBBO; `plan` tells.
 * @throws VendorError when the service refuses the key, or quotes that `POLYGON_QUOTES=on` demands.
 */
export async function fetchTickService(
  ctx: Context,
  service: PolygonService,
  what: { sessions: readonly Session[]; tickers: readonly string[] },
): Promise<FetchResult> {
  const { config, db } = ctx;
  const state = await ingestState(db, 'polygon_trades');
  const fingerprint = sha256(
    `service clock=${config.MATCH_CLOCK} lag=${config.QUOTE_LAG_NS} quotes=${config.POLYGON_QUOTES === 'off' ? 'off' : 'on'}`,
  );
  const now = ctx.clock.now();
  const units = what.sessions
    .filter((session) => tapeDueAt(session) <= now)
    .flatMap((session) => what.tickers.map((symbol) => ({ symbol, session })))
    .filter(({ symbol, session }) => {
      const known = state.get(`${session.date} ${symbol}`);
      return known?.status !== 'ok' || known.sha256 !== fingerprint;
    });
  if (units.length === 0) return { stored: {}, gaps: [], notes: [] };

  const gaps: Gap[] = [];
  let quotesInPlan = config.POLYGON_QUOTES !== 'off';
  let tradesInPlan = true;
  let rows = 0;
  let refusal: unknown;
  let failuresInRow = 0;
  const progress = ctx.log.progress('fetching trades and quotes', units.length);
  const storing = new PQueue({ concurrency: 1 });
  const stager = await PageStager.open(db);

  const fetchUnit = async ({ symbol, session }: (typeof units)[number]) => {
    const folder = path.join(
      db.paths.staging,
      'pages',
      // The symbol also by its hash: TPC and TpC are one folder where the file system does not tell case.
      `${encodeURIComponent(symbol)}_${session.date}_${sha256(`${symbol} ${fingerprint}`).slice(0, 12)}`,
    );
    const quotes = async () => {
      if (!quotesInPlan) return undefined;
      try {
        return await stageTickPages(ctx, service, stager, { kind: 'quotes', symbol, session, folder });
      } catch (error) {
        if (!(error instanceof NotInPlanError)) throw error;
        if (config.POLYGON_QUOTES === 'on') {
          throw new VendorError(
            `POLYGON_QUOTES=on, but the plan has no quotes (${error.message}) Set POLYGON_QUOTES=auto to go on by the tick rule.`,
            { status: 403, cause: error },
          );
        }
        quotesInPlan = false;
        return undefined;
      }
    };
    const [trades, nbbo] = await settleBoth(
      stageTickPages(ctx, service, stager, { kind: 'trades', symbol, session, folder }),
      quotes(),
    );
    const stored = await storing.add(() =>
      storeDay(ctx, db, {
        date: session.date,
        symbols: [symbol],
        tradeFiles: trades,
        quoteFiles: nbbo ?? [],
        fingerprint,
        withoutQuotes: quotesInPlan
          ? 'the service has no quotes of this day'
          : config.POLYGON_QUOTES === 'off'
            ? 'POLYGON_QUOTES=off'
            : 'the plan has no quotes',
      }),
    );
    await rm(folder, { recursive: true, force: true });
    const count = stored?.get(symbol) ?? 0;
    rows += count;
    if (count === 0) {
      gaps.push({
        source: 'polygon_trades',
        period: session.date,
        subject: symbol,
        reason: 'Polygon has no trades of this day (yet); is the symbol right?',
      });
    }
  };

  const queue = new PQueue({ concurrency: AT_ONCE });
  for (const [i, unit] of units.entries()) {
    // The first alone: what the key and the plan allow is asked once.
    if (i === 1) await queue.onIdle();
    void queue.add(async () => {
      if (refusal !== undefined || !tradesInPlan) return;
      try {
        if (failuresInRow >= PATIENCE_UNITS) {
          throw new VendorError(
            'not asked any more: the service failed on the days before it. Run again later.',
          );
        }
        await fetchUnit(unit);
        failuresInRow = 0;
      } catch (error) {
        if (error instanceof NotInPlanError) {
          tradesInPlan = false;
        } else if (error instanceof VendorError && !isRefusal(error)) {
          failuresInRow += 1;
          gaps.push({
            source: 'polygon_trades',
            period: unit.session.date,
            subject: unit.symbol,
            reason: messageOf(error),
          });
        } else {
          refusal ??= error;
        }
      } finally {
        progress.advance();
      }
    });
  }
  await queue.onIdle();
  progress.done();
  stager.close();
  if (refusal !== undefined) throw refusal;
  const result = { stored: { polygon_trades: rows }, gaps: gaps.sort(byPeriod), notes: [] };
  if (!tradesInPlan) return { ...result, plan: 'no trades' };
  return quotesInPlan || config.POLYGON_QUOTES === 'off' ? result : { ...result, plan: 'no quotes' };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A wrong key, or quotes demanded that the plan does not have: no other day would fare better. */
function isRefusal(error: VendorError): boolean {
  return error.status === 401 || error.status === 403;
}

/** Both results, or the first failure once both have ended, so that nothing goes on behind a thrown error. */
async function settleBoth<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

function byPeriod(a: Gap, b: Gap): number {
  return a.period.localeCompare(b.period) || a.subject.localeCompare(b.subject);
}
