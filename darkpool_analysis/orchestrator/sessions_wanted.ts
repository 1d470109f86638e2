import type { Config } from '../config.js';
import type { Clock } from '../context.js';
import { ConfigError } from '../errors.js';
import {
  addDays,
  holidayName,
  isClosed,
  nyDate,
  type Session,
  sessionOn,
  sessionsBack,
  sessionsBetween,
  weekStartOf,
} from '../market_calendar.js';

/** The sessions to process: closed ones only, by the mode or by an explicit range. */
export function sessionsWanted(
  config: Config,
  clock: Clock,
  range: { readonly from?: string; readonly to?: string } = {},
): { sessions: Session[]; notes: string[] } {
  const now = clock.now();
  const today = nyDate(now);
  const target = range.to ?? config.TARGET_DATE ?? today;
  if (range.from !== undefined && range.from > target) {
    throw new ConfigError(`--from ${range.from} is after ${target}: give the earlier day first.`);
  }
  const notes: string[] = [];
  const session = sessionOn(target);
  if (session === undefined) {
    notes.push(`${target} has no session (${holidayName(target) ?? 'closed'}).`);
  } else if (!isClosed(session, now)) {
    notes.push(
      `${target} is ${target > today ? 'still to come' : 'not over yet'}: its session is not processed.`,
    );
  }
  const wanted =
    range.from !== undefined
      ? sessionsBetween(range.from, target)
      : config.RUN_MODE === 'weekly'
        ? sessionsBetween(addDays(weekStartOf(target), -7 * (config.BACKFILL_WEEKS - 1)), target)
        : sessionsBack(target, config.DAILY_LOOKBACK ?? 10);
  return { sessions: wanted.filter((candidate) => isClosed(candidate, now)), notes };
}
