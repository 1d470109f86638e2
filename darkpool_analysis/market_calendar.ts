/**
 * The US equity market's calendar, 2009 to 2030: sessions, early closes, weeks, and when FINRA is due to publish.
 * Rules plus a dated table of special closures (NYSE Rule 7.2 and the NYSE's yearly holiday notices). Dates are ISO
 * strings (YYYY-MM-DD, New York calendar days), instants are UTC epoch nanoseconds. New York time lives here alone.
 */
import { DateTime, IANAZone } from 'luxon';
import { ConfigError } from './errors.js';

/** One trading day of the US equity market. Instants are UTC epoch nanoseconds; ends are exclusive. */
export interface Session {
  readonly date: string;
  /** Monday of the session's week. */
  readonly weekStart: string;
  /** New York midnight at which the day starts. */
  readonly dayStartNs: bigint;
  /** New York midnight at which it ends. */
  readonly dayEndNs: bigint;
  /** Opening of regular hours, 09:30 New York. */
  readonly openNs: bigint;
  /** Close of regular hours, 16:00 New York, 13:00 on an early close. */
  readonly closeNs: bigint;
  readonly earlyClose: boolean;
}

/** The zone sessions are defined in, whatever MARKET_TZ says. */
export const MARKET_TZ_DEFAULT = 'America/New_York';

const FIRST_YEAR = 2009;
const LAST_YEAR = 2030;

// Closures no rule foretells, each with its reason. A new one (they are announced days ahead) is a line here.
const SPECIAL_CLOSURES: ReadonlyMap<string, string> = new Map([
  // New York was being evacuated: the first two-day closing for weather since 1888.
  ['2012-10-29', 'Hurricane Sandy'],
  ['2012-10-30', 'Hurricane Sandy'],
  // Presidents' funerals: the exchanges follow the proclaimed national day of mourning.
  ['2018-12-05', 'National Day of Mourning for George H. W. Bush'],
  ['2025-01-09', 'National Day of Mourning for Jimmy Carter'],
]);

const NS_PER_MS = 1_000_000n;
const NS_PER_MINUTE = 60_000_000_000n;
const NS_PER_DAY = 86_400_000_000_000n;
const OPEN_MINUTE = 9n * 60n + 30n;
const CLOSE_MINUTE = 16n * 60n;
const EARLY_CLOSE_MINUTE = 13n * 60n;

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const MONDAY = 0;
const THURSDAY = 3;
const FRIDAY = 4;
const SATURDAY = 5;
const SUNDAY = 6;

/**
 * Days since 1970-01-01 of a proleptic Gregorian date. H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * days_from_civil: exact integers, so that neither `Date` nor the process's zone can take part.
 */
function dayNumberOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** ISO date of a day number: Hinnant's civil_from_days, the inverse of `dayNumberOf`. */
function isoDateOf(dayNumber: number): string {
  const z = dayNumber + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** Day number of an ISO date; a ConfigError for anything that is no calendar date ('2023-02-29', '2023-2-9'). */
function parseDate(date: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(date)) {
    const dayNumber = dayNumberOf(Number(date.slice(0, 4)), Number(date.slice(5, 7)), Number(date.slice(8)));
    if (isoDateOf(dayNumber) === date) return dayNumber;
  }
  throw new ConfigError(`"${date}" is not a calendar date: write it YYYY-MM-DD, for example 2025-07-14.`);
}

/** 0 for Monday to 6 for Sunday; day 0, 1970-01-01, was a Thursday. */
function weekdayOf(dayNumber: number): number {
  return (((dayNumber + THURSDAY) % 7) + 7) % 7;
}

/** The nth given weekday of a month; n = -1 is its last. */
function nthWeekday(year: number, month: number, weekday: number, n: number): number {
  if (n < 0) {
    const last = dayNumberOf(year, month + 1, 1) - 1;
    return last - ((weekdayOf(last) - weekday + 7) % 7);
  }
  const first = dayNumberOf(year, month, 1);
  return first + ((weekday - weekdayOf(first) + 7) % 7) + (n - 1) * 7;
}

/** Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dayNumberOf(year, Math.floor(n / 31), (n % 31) + 1);
}

/** Weekday closures of a year, day number to name. */
function closuresOf(year: number): Map<number, string> {
  const closures = new Map<number, string>([
    [nthWeekday(year, 1, MONDAY, 3), 'Martin Luther King Jr. Day'],
    [nthWeekday(year, 2, MONDAY, 3), "Washington's Birthday"],
    [easterSunday(year) - 2, 'Good Friday'],
    [nthWeekday(year, 5, MONDAY, -1), 'Memorial Day'],
    [nthWeekday(year, 9, MONDAY, 1), 'Labor Day'],
    [nthWeekday(year, 11, THURSDAY, 4), 'Thanksgiving Day'],
  ]);
  const addObserved = (month: number, day: number, name: string): void => {
    const actual = dayNumberOf(year, month, day);
    const weekday = weekdayOf(actual);
    if (weekday === SATURDAY) closures.set(actual - 1, `${name} (observed)`);
    else if (weekday === SUNDAY) closures.set(actual + 1, `${name} (observed)`);
    else closures.set(actual, name);
  };
  // NYSE Rule 7.2 keeps the Friday open when it ends a month or year: a Saturday 1 January closes nothing.
  if (weekdayOf(dayNumberOf(year, 1, 1)) !== SATURDAY) addObserved(1, 1, "New Year's Day");
  // A federal holiday since June 2021, too late that year; the exchanges close for it since 2022.
  if (year >= 2022) addObserved(6, 19, 'Juneteenth');
  addObserved(7, 4, 'Independence Day');
  addObserved(12, 25, 'Christmas Day');
  for (const [date, reason] of SPECIAL_CLOSURES) {
    if (date.startsWith(`${year}-`)) closures.set(parseDate(date), reason);
  }
  return closures;
}

/** Days of a year that close at 13:00. */
function earlyClosesOf(year: number): Set<number> {
  const earlyCloses = new Set([nthWeekday(year, 11, THURSDAY, 4) + 1]);
  // On a Friday both are the observed holiday itself; at a weekend no day takes their place (2011-12-23 ran to 16:00).
  for (const eve of [dayNumberOf(year, 7, 3), dayNumberOf(year, 12, 24)]) {
    if (weekdayOf(eve) < FRIDAY) earlyCloses.add(eve);
  }
  return earlyCloses;
}

interface YearTable {
  /** Ascending. */
  readonly sessions: readonly Session[];
  readonly sessionByDate: ReadonlyMap<string, Session>;
  readonly closureByDate: ReadonlyMap<string, string>;
}

// Memo: a year's table is a pure function of the year.
const yearTables = new Map<number, YearTable>();

function yearTable(year: number): YearTable {
  const known = yearTables.get(year);
  if (known !== undefined) return known;
  if (year < FIRST_YEAR || year > LAST_YEAR) {
    throw new ConfigError(
      `The market calendar has no year ${year}: it covers ${FIRST_YEAR} to ${LAST_YEAR}. Choose dates within those years.`,
    );
  }
  const zone = IANAZone.create(MARKET_TZ_DEFAULT);
  const closures = closuresOf(year);
  const earlyCloses = earlyClosesOf(year);
  const sessions: Session[] = [];
  let offsetMinutes: bigint | undefined;
  for (let day = dayNumberOf(year, 1, 1); day < dayNumberOf(year + 1, 1, 1); day++) {
    const weekday = weekdayOf(day);
    // Clocks change on Sundays, so Monday to Friday share one UTC offset and one slow look-up at noon UTC.
    if (offsetMinutes === undefined || weekday === MONDAY) {
      offsetMinutes = BigInt(zone.offset(day * 86_400_000 + 43_200_000));
    }
    if (weekday >= SATURDAY || closures.has(day)) continue;
    const dayStartNs = BigInt(day) * NS_PER_DAY - offsetMinutes * NS_PER_MINUTE;
    const earlyClose = earlyCloses.has(day);
    sessions.push({
      date: isoDateOf(day),
      weekStart: isoDateOf(day - weekday),
      dayStartNs,
      dayEndNs: dayStartNs + NS_PER_DAY,
      openNs: dayStartNs + OPEN_MINUTE * NS_PER_MINUTE,
      closeNs: dayStartNs + (earlyClose ? EARLY_CLOSE_MINUTE : CLOSE_MINUTE) * NS_PER_MINUTE,
      earlyClose,
    });
  }
  const table: YearTable = {
    sessions,
    sessionByDate: new Map(sessions.map((session) => [session.date, session])),
    closureByDate: new Map([...closures].map(([day, name]) => [isoDateOf(day), name])),
  };
  yearTables.set(year, table);
  return table;
}

/** Year of a date that has been checked to be one. */
function yearOf(date: string): number {
  parseDate(date);
  return Number(date.slice(0, 4));
}

function instantNs(now: DateTime): bigint {
  if (!now.isValid) throw new RangeError(`invalid DateTime: ${now.invalidExplanation ?? 'no reason given'}`);
  return BigInt(Math.floor(now.toMillis())) * NS_PER_MS;
}

/**
 * The session on a date, undefined when the market is closed all day (weekend, holiday, special closure).
 * Throws ConfigError when `date` is no date or outside 2009 to 2030.
 */
export function sessionOn(date: string): Session | undefined {
  return yearTable(yearOf(date)).sessionByDate.get(date);
}

/**
 * Why a date has no session ('Thanksgiving Day', 'Christmas Day (observed)', 'weekend (Saturday)'), undefined when
 * it has one. A holiday that falls on a weekend is a weekend here; the day it is observed on bears its name.
 * Throws ConfigError when `date` is no date or outside 2009 to 2030.
 */
export function holidayName(date: string): string | undefined {
  const weekday = weekdayOf(parseDate(date));
  const { closureByDate } = yearTable(yearOf(date));
  return weekday >= SATURDAY ? `weekend (${WEEKDAYS[weekday]})` : closureByDate.get(date);
}

/**
 * Sessions from `from` to `to`, both included, ascending; none when `from` is later than `to`.
 * Throws ConfigError when either is no date or outside 2009 to 2030.
 */
export function sessionsBetween(from: string, to: string): Session[] {
  const [firstYear, lastYear] = [yearOf(from), yearOf(to)];
  yearTable(firstYear);
  yearTable(lastYear);
  const found: Session[] = [];
  for (let year = firstYear; year <= lastYear; year++) {
    for (const session of yearTable(year).sessions) {
      if (session.date >= from && session.date <= to) found.push(session);
    }
  }
  return found;
}

/**
 * The last `count` sessions on or before `to`, ascending: exactly `count` of them.
 * Throws ConfigError when that reaches outside 2009 to 2030 or `count` is no whole number ≥ 0.
 */
export function sessionsBack(to: string, count: number): Session[] {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new ConfigError(`${count} is not a number of sessions: give a whole number, 0 or more.`);
  }
  const found: Session[] = [];
  let year = yearOf(to);
  let { sessions } = yearTable(year);
  let index = sessions.findLastIndex((session) => session.date <= to);
  while (found.length < count) {
    const session = sessions[index];
    if (session === undefined) {
      year -= 1;
      ({ sessions } = yearTable(year));
      index = sessions.length - 1;
    } else {
      found.push(session);
      index -= 1;
    }
  }
  return found.reverse();
}

/**
 * Sessions of the Monday-to-Sunday week that holds `weekStart` (any day of it will do): three to five of them.
 * Throws ConfigError when any day of the week is outside 2009 to 2030, since a part of a week is no week.
 */
export function sessionsOfWeek(weekStart: string): Session[] {
  const monday = weekStartOf(weekStart);
  return sessionsBetween(monday, weekEndingOf(monday));
}

/** First session strictly after `date`. Throws ConfigError when `date` or that session is outside 2009 to 2030. */
export function nextSession(date: string): Session {
  for (let year = yearOf(date); ; year++) {
    const next = yearTable(year).sessions.find((session) => session.date > date);
    if (next !== undefined) return next;
  }
}

/** Last session strictly before `date`. */
function sessionBefore(date: string): Session {
  for (let year = yearOf(date); ; year--) {
    const previous = yearTable(year).sessions.findLast((session) => session.date < date);
    if (previous !== undefined) return previous;
  }
}

/**
 * The newest session whose close is at or before `now`: on a trading day before its close, the session before.
 * Throws ConfigError when that is outside 2009 to 2030.
 */
export function lastClosedSession(now: DateTime): Session {
  const date = nyDate(now);
  const today = sessionOn(date);
  return today !== undefined && isClosed(today, now) ? today : sessionBefore(date);
}

/** Whether regular hours of the session are over at `now`; the close itself is over. Late prints may still follow. */
export function isClosed(session: Session, now: DateTime): boolean {
  return instantNs(now) >= session.closeNs;
}

/** Monday of the Monday-to-Sunday week of a date: FINRA's weekStartDate. Calendar arithmetic, any year. */
export function weekStartOf(date: string): string {
  const day = parseDate(date);
  return isoDateOf(day - weekdayOf(day));
}

/** The Sunday that ends the week of `weekStart` (any day of it will do). Calendar arithmetic, any year. */
export function weekEndingOf(weekStart: string): string {
  return addDays(weekStartOf(weekStart), 6);
}

/** The date `days` calendar days later, earlier when negative. Calendar arithmetic, any year. */
export function addDays(date: string, days: number): string {
  if (!Number.isSafeInteger(days)) throw new RangeError(`${days} is not a whole number of days`);
  return isoDateOf(parseDate(date) + days);
}

/**
 * Whether FINRA publishes on this day: a day is a business day when the market has a session.
 *
 * facts/finra.md speaks of "a US holiday" without saying whose. All recorded late publications fall on days that are
 * market and federal holidays alike, and FINRA's facilities close on "market holidays" by its own notices. The two
 * calendars part on Columbus Day and Veterans Day (federal only) and Good Friday (market only); publication days
 * are Mondays, so only the first two matter, and no recorded row falls on one. Should FINRA keep them, this is one day
 * early on those weeks. Throws ConfigError when `date` is no date or outside 2009 to 2030.
 */
export function isBusinessDay(date: string): boolean {
  return sessionOn(date) !== undefined;
}

/**
 * The day FINRA is due to publish a week (facts/finra.md, "Publication clock"): the week's Monday + 21 days for tier
 * T1, + 35 for T2, OTCE and any other, and the next business day when that is none.
 * Throws ConfigError when that day is outside 2009 to 2030.
 */
export function finraDueDate(weekStart: string, tier: string): string {
  let due = addDays(weekStartOf(weekStart), tier === 'T1' ? 21 : 35);
  while (!isBusinessDay(due)) due = addDays(due, 1);
  return due;
}

/** New York calendar date of an instant, whatever zone `now` is expressed in. */
export function nyDate(now: DateTime): string {
  const date = now.setZone(MARKET_TZ_DEFAULT).toISODate();
  if (date === null) throw new RangeError(`invalid DateTime: ${now.invalidExplanation ?? 'no reason given'}`);
  return date;
}

/** Instant of a wall-clock time 'HH:MM' on a date in a zone. */
function wallClockNs(date: string, setting: string, time: string, tz: string): bigint {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(time)) {
    throw new ConfigError(`${setting}=${time}: write the time HH:MM, for example 09:30.`);
  }
  return instantNs(DateTime.fromISO(`${date}T${time}`, { zone: IANAZone.create(tz) }));
}

/**
 * The regular hours to use on a session: settings RTH_START and RTH_END ('HH:MM') on its date in zone `tz` (MARKET_TZ),
 * start ≤ t < end. On an early close the end is never later than the close, and a start after that gives an empty
 * interval (startNs = endNs). Throws ConfigError, naming the setting, for a time or zone that cannot be read or an end
 * not after the start.
 */
export function regularHoursNs(
  session: Session,
  rthStart: string,
  rthEnd: string,
  tz: string,
): { startNs: bigint; endNs: bigint } {
  // luxon's own names 'local' and 'system' would bring in the process's zone; an IANA check keeps them out.
  if (!IANAZone.isValidZone(tz)) {
    throw new ConfigError(`MARKET_TZ=${tz}: not an IANA time zone; write for example ${MARKET_TZ_DEFAULT}.`);
  }
  const startNs = wallClockNs(session.date, 'RTH_START', rthStart, tz);
  const settingEndNs = wallClockNs(session.date, 'RTH_END', rthEnd, tz);
  if (settingEndNs <= startNs) {
    throw new ConfigError(`RTH_END=${rthEnd}: must be later than RTH_START=${rthStart}, for example 16:00.`);
  }
  if (!session.earlyClose || settingEndNs <= session.closeNs) return { startNs, endNs: settingEndNs };
  if (session.closeNs <= startNs) return { startNs, endNs: startNs };
  return { startNs, endNs: session.closeNs };
}
