import fc from 'fast-check';
import { DateTime } from 'luxon';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../darkpool_analysis/errors.js';
import {
  addDays,
  finraDueDate,
  holidayName,
  isBusinessDay,
  isClosed,
  lastClosedSession,
  MARKET_TZ_DEFAULT,
  nextSession,
  nyDate,
  regularHoursNs,
  type Session,
  sessionOn,
  sessionsBack,
  sessionsBetween,
  sessionsOfWeek,
  weekEndingOf,
  weekStartOf,
} from '../darkpool_analysis/market_calendar.js';

const HOUR_NS = 3_600_000_000_000n;

/** A session that must exist. */
function session(date: string): Session {
  const found = sessionOn(date);
  if (found === undefined) throw new Error(`no session on ${date}: ${holidayName(date)}`);
  return found;
}

/** Nanoseconds of an instant written with its UTC offset. */
function ns(iso: string): bigint {
  return BigInt(DateTime.fromISO(iso).toMillis()) * 1_000_000n;
}

function ny(wallClock: string): DateTime {
  return DateTime.fromISO(wallClock, { zone: 'America/New_York' });
}

const datesOf = (sessions: Session[]): string[] => sessions.map((one) => one.date);

// Every weekday without a session, month and day, from another implementation: exchange_calendars 4.13.2 (XNYS),
// which agrees with pandas_market_calendars 5.5.0 (NYSE) on every open and close of these years. From 2027 on both
// foretell by rule, as we do; 2025 and 2026 are in the NYSE's notices.
const WEEKDAY_CLOSURES: [year: number, days: string][] = [
  [2009, '01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25'],
  [2010, '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24'],
  [2011, '01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26'],
  [2012, '01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25'],
  [2013, '01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25'],
  [2014, '01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25'],
  [2015, '01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25'],
  [2016, '01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26'],
  [2017, '01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25'],
  [2018, '01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25'],
  [2019, '01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25'],
  [2020, '01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25'],
  [2021, '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24'],
  [2022, '01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26'],
  [2023, '01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25'],
  [2024, '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25'],
  [2025, '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25'],
  [2026, '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25'],
  [2027, '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24'],
  [2028, '01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25'],
  [2029, '01-01 01-15 02-19 03-30 05-28 06-19 07-04 09-03 11-22 12-25'],
  [2030, '01-01 01-21 02-18 04-19 05-27 06-19 07-04 09-02 11-28 12-25'],
];

// Same sources.
const EARLY_CLOSES = [
  ...['2009-11-27', '2009-12-24', '2010-11-26', '2011-11-25', '2012-07-03', '2012-11-23', '2012-12-24'],
  ...['2013-07-03', '2013-11-29', '2013-12-24', '2014-07-03', '2014-11-28', '2014-12-24', '2015-11-27'],
  ...['2015-12-24', '2016-11-25', '2017-07-03', '2017-11-24', '2018-07-03', '2018-11-23', '2018-12-24'],
  ...['2019-07-03', '2019-11-29', '2019-12-24', '2020-11-27', '2020-12-24', '2021-11-26', '2022-11-25'],
  ...['2023-07-03', '2023-11-24', '2024-07-03', '2024-11-29', '2024-12-24', '2025-07-03', '2025-11-28'],
  ...['2025-12-24', '2026-11-27', '2026-12-24', '2027-11-26', '2028-07-03', '2028-11-24', '2029-07-03'],
  ...['2029-11-23', '2029-12-24', '2030-07-03', '2030-11-29', '2030-12-24'],
];

/** Monday-to-Friday days of a year, counted by luxon. */
function weekdaysOf(year: number): string[] {
  const days: string[] = [];
  for (let day = DateTime.utc(year, 1, 1); day.year === year; day = day.plus({ days: 1 })) {
    if (day.weekday <= 5) days.push(day.toFormat('yyyy-MM-dd'));
  }
  return days;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

describe('sessions of a year', () => {
  // The number of trading days as the exchanges and vendors give it: weekdays of the year (260 to 262) less nine
  // holidays (ten since Juneteenth, 2022), one fewer when 1 January is a Saturday (2011, 2022, 2028), less closures:
  // 2012 = 261 - 9 - 2 Sandy, 2018 = 261 - 9 - 1 Bush, 2025 = 261 - 10 - 1 Carter.
  it.each([
    [2009, 252],
    [2010, 252],
    [2011, 252],
    [2012, 250],
    [2013, 252],
    [2014, 252],
    [2015, 252],
    [2016, 252],
    [2017, 251],
    [2018, 251],
    [2019, 252],
    [2020, 253],
    [2021, 252],
    [2022, 251],
    [2023, 250],
    [2024, 252],
    [2025, 250],
    [2026, 251],
    [2027, 251],
    [2028, 251],
    [2029, 251],
    [2030, 251],
  ])('%i has %i', (year, count) => {
    expect(sessionsBetween(`${year}-01-01`, `${year}-12-31`)).toHaveLength(count);
  });

  it.each(WEEKDAY_CLOSURES)('%i closes on the weekdays another implementation has', (year, days) => {
    const closed = weekdaysOf(year).filter((date) => sessionOn(date) === undefined);
    expect(closed.map((date) => date.slice(5)).join(' ')).toBe(days);
    expect(closed.map(holidayName)).not.toContain(undefined);
  });

  it('closes early on the days another implementation has, and on no other', () => {
    const early = sessionsBetween('2009-01-01', '2030-12-31').filter((one) => one.earlyClose);
    expect(datesOf(early)).toEqual(EARLY_CLOSES);
  });
});

describe('closures', () => {
  it.each([
    ['2012-10-29', 'Hurricane Sandy'],
    ['2012-10-30', 'Hurricane Sandy'],
    ['2018-12-05', 'National Day of Mourning for George H. W. Bush'],
    ['2025-01-09', 'National Day of Mourning for Jimmy Carter'],
    ['2025-01-01', "New Year's Day"],
    ['2023-01-02', "New Year's Day (observed)"],
    ['2025-01-20', 'Martin Luther King Jr. Day'],
    ['2025-02-17', "Washington's Birthday"],
    ['2024-03-29', 'Good Friday'],
    ['2025-05-26', 'Memorial Day'],
    ['2022-06-20', 'Juneteenth (observed)'],
    ['2025-06-19', 'Juneteenth'],
    ['2020-07-03', 'Independence Day (observed)'],
    ['2021-07-05', 'Independence Day (observed)'],
    ['2025-09-01', 'Labor Day'],
    ['2025-11-27', 'Thanksgiving Day'],
    ['2021-12-24', 'Christmas Day (observed)'],
    ['2022-12-26', 'Christmas Day (observed)'],
    ['2025-07-12', 'weekend (Saturday)'],
    ['2025-07-13', 'weekend (Sunday)'],
    ['2022-01-01', 'weekend (Saturday)'],
  ])('%s: %s', (date, name) => {
    expect(holidayName(date)).toBe(name);
    expect(sessionOn(date)).toBeUndefined();
  });

  it.each([
    ['2010-12-31', 'the Friday before a Saturday New Year'],
    ['2021-12-31', 'the Friday before a Saturday New Year'],
    ['2027-12-31', 'the Friday before a Saturday New Year'],
    ['2021-06-18', 'Juneteenth a day after it became law'],
    ['2020-06-19', 'Juneteenth before it was a holiday'],
    ['2024-10-14', 'Columbus Day, federal only'],
    ['2024-11-11', 'Veterans Day, federal only'],
    ['2012-10-31', 'the reopening after Sandy'],
  ])('%s is a session: %s', (date) => {
    expect(session(date).date).toBe(date);
    expect(holidayName(date)).toBeUndefined();
  });

  it.each([
    ['2008', '2008-12-31'],
    ['2031', '2031-01-01'],
  ])('outside the table it names the year %s', (year, date) => {
    for (const ask of [
      sessionOn,
      holidayName,
      isBusinessDay,
      nextSession,
      (day: string) => sessionsBack(day, 1),
    ]) {
      expect(() => ask(date)).toThrow(ConfigError);
      expect(() => ask(date)).toThrow(new RegExp(`no year ${year}: it covers 2009 to 2030`));
    }
    expect(() => sessionsBetween(date, date)).toThrow(ConfigError);
    expect(() => nextSession('2030-12-31')).toThrow(/no year 2031/);
    expect(() => sessionsBack('2009-01-05', 3)).toThrow(/no year 2008/);
  });

  it.each(['2023-02-29', '2025-13-01', '2025-7-14', '20250714', '', '2025-07-14T00:00:00Z'])(
    '"%s" is no date',
    (text) => {
      expect(() => sessionOn(text)).toThrow(ConfigError);
      expect(() => addDays(text, 1)).toThrow(/is not a calendar date/);
    },
  );
});

describe('hours', () => {
  it('opens 09:30 and closes 16:00 New York, the day running from midnight to midnight', () => {
    expect(session('2025-07-14')).toEqual({
      date: '2025-07-14',
      weekStart: '2025-07-14',
      dayStartNs: ns('2025-07-14T00:00:00-04:00'),
      dayEndNs: ns('2025-07-15T00:00:00-04:00'),
      openNs: ns('2025-07-14T09:30:00-04:00'),
      closeNs: ns('2025-07-14T16:00:00-04:00'),
      earlyClose: false,
    });
  });

  it.each([
    ['2012-07-03', 'Tuesday before Independence Day', '-04:00'],
    ['2013-07-03', 'Wednesday, the first such year', '-04:00'],
    ['2014-07-03', 'Thursday', '-04:00'],
    ['2017-07-03', 'Monday', '-04:00'],
    ['2025-11-28', 'day after Thanksgiving', '-05:00'],
    ['2009-12-24', 'Thursday before Christmas', '-05:00'],
    ['2018-12-24', 'Monday before Christmas', '-05:00'],
  ])('%s closes at 13:00: %s', (date, _why, offset) => {
    expect(session(date).earlyClose).toBe(true);
    expect(session(date).closeNs).toBe(ns(`${date}T13:00:00${offset}`));
  });

  it.each([
    ['2009-07-02', 'the holiday is observed on Friday the 3rd'],
    ['2015-07-02', 'the holiday is observed on Friday the 3rd'],
    ['2020-07-02', 'the holiday is observed on Friday the 3rd'],
    ['2010-07-02', '3 July is a Saturday'],
    ['2022-07-01', '3 July is a Sunday'],
    ['2013-07-05', 'the Friday after, early only before 2009'],
    ['2011-12-23', '24 December is a Saturday'],
    ['2010-12-23', 'Christmas is observed on Friday the 24th'],
    ['2014-12-26', 'no rule, whatever the federal offices did'],
    ['2024-12-31', "no early close on New Year's Eve"],
  ])('%s closes at 16:00: %s', (date) => {
    expect(session(date).earlyClose).toBe(false);
    expect(session(date).closeNs - session(date).openNs).toBe((13n * HOUR_NS) / 2n);
  });

  // Clocks change at 02:00 on the second Sunday of March and the first of November.
  it.each([
    ['2025-03-07', '-05:00'],
    ['2025-03-10', '-04:00'],
    ['2025-10-31', '-04:00'],
    ['2025-11-03', '-05:00'],
    ['2009-03-06', '-05:00'],
    ['2009-03-09', '-04:00'],
    ['2030-11-01', '-04:00'],
    ['2030-11-04', '-05:00'],
    ['2024-01-02', '-05:00'],
  ])('%s is at UTC%s', (date, offset) => {
    expect(session(date).dayStartNs).toBe(ns(`${date}T00:00:00${offset}`));
    expect(session(date).openNs).toBe(ns(`${date}T09:30:00${offset}`));
  });

  it('agrees with luxon on every session', () => {
    for (const one of sessionsBetween('2009-01-01', '2030-12-31')) {
      const midnight = DateTime.fromISO(one.date, { zone: MARKET_TZ_DEFAULT });
      expect(one.dayStartNs).toBe(BigInt(midnight.toMillis()) * 1_000_000n);
      expect(one.dayEndNs).toBe(BigInt(midnight.plus({ days: 1 }).toMillis()) * 1_000_000n);
    }
  });

  it.each(['Asia/Tokyo', 'America/Los_Angeles'])('is the same when the process runs in %s', async (tz) => {
    const inUtc = sessionsBetween('2025-01-01', '2025-12-31');
    vi.resetModules();
    vi.stubEnv('TZ', tz);
    expect(new Date(2025, 0, 1).getTimezoneOffset()).not.toBe(0);
    const fresh = await import('../darkpool_analysis/market_calendar.js');
    expect(fresh.sessionsBetween('2025-01-01', '2025-12-31')).toEqual(inUtc);
    expect(fresh.nyDate(DateTime.fromISO('2025-07-15T03:59:59Z'))).toBe('2025-07-14');
    expect(fresh.regularHoursNs(session('2025-07-14'), '09:30', '16:00', 'US/Eastern').startNs).toBe(
      session('2025-07-14').openNs,
    );
  });
});

describe('regularHoursNs', () => {
  it('is the session itself under the default settings, every day', () => {
    for (const one of sessionsBetween('2024-01-01', '2025-12-31')) {
      expect(regularHoursNs(one, '09:30', '16:00', 'US/Eastern')).toEqual({
        startNs: one.openNs,
        endNs: one.closeNs,
      });
    }
  });

  it('takes the times of the settings in their zone, also wider than the session', () => {
    expect(regularHoursNs(session('2025-07-14'), '04:00', '20:00', MARKET_TZ_DEFAULT)).toEqual({
      startNs: ns('2025-07-14T04:00:00-04:00'),
      endNs: ns('2025-07-14T20:00:00-04:00'),
    });
    expect(regularHoursNs(session('2025-07-14'), '08:30', '15:00', 'America/Chicago')).toEqual({
      startNs: session('2025-07-14').openNs,
      endNs: session('2025-07-14').closeNs,
    });
  });

  it('ends no later than an early close, and is empty when it would start after it', () => {
    const friday = session('2025-11-28');
    expect(regularHoursNs(friday, '09:30', '20:00', 'US/Eastern').endNs).toBe(friday.closeNs);
    expect(regularHoursNs(friday, '09:30', '12:00', 'US/Eastern').endNs).toBe(
      ns('2025-11-28T12:00:00-05:00'),
    );
    const late = regularHoursNs(friday, '14:00', '16:00', 'US/Eastern');
    expect(late.endNs).toBe(late.startNs);
  });

  it.each([
    ['9:30', '16:00', 'US/Eastern', /RTH_START=9:30/],
    ['09:30', '24:00', 'US/Eastern', /RTH_END=24:00/],
    ['09:30', '09:30', 'US/Eastern', /RTH_END=09:30: must be later than RTH_START=09:30/],
    ['09:30', '16:00', 'US/Estern', /MARKET_TZ=US\/Estern/],
    ['09:30', '16:00', 'local', /MARKET_TZ=local/],
  ])('refuses %s to %s in %s', (start, end, tz, message) => {
    const ask = () => regularHoursNs(session('2025-07-14'), start, end, tz);
    expect(ask).toThrow(ConfigError);
    expect(ask).toThrow(message);
  });
});

describe('ranges and neighbours', () => {
  it('sessionsBetween includes both ends and is empty when reversed', () => {
    expect(datesOf(sessionsBetween('2024-12-30', '2025-01-10'))).toEqual([
      ...['2024-12-30', '2024-12-31', '2025-01-02', '2025-01-03', '2025-01-06', '2025-01-07', '2025-01-08'],
      '2025-01-10',
    ]);
    expect(sessionsBetween('2025-07-12', '2025-07-13')).toEqual([]);
    expect(sessionsBetween('2025-07-14', '2025-07-11')).toEqual([]);
    expect(sessionsBetween('2025-07-14', '2024-07-11')).toEqual([]);
  });

  it('sessionsBack counts sessions over weekends, holidays and the year', () => {
    expect(datesOf(sessionsBack('2025-01-10', 3))).toEqual(['2025-01-07', '2025-01-08', '2025-01-10']);
    expect(datesOf(sessionsBack('2025-01-05', 3))).toEqual(['2024-12-31', '2025-01-02', '2025-01-03']);
    expect(sessionsBack('2025-01-05', 0)).toEqual([]);
    expect(() => sessionsBack('2025-01-05', -1)).toThrow(ConfigError);
    expect(() => sessionsBack('2025-01-05', 1.5)).toThrow(ConfigError);
  });

  it('nextSession is strictly after', () => {
    expect(nextSession('2025-07-11').date).toBe('2025-07-14');
    expect(nextSession('2025-07-12').date).toBe('2025-07-14');
    expect(nextSession('2024-12-31').date).toBe('2025-01-02');
    expect(nextSession('2012-10-26').date).toBe('2012-10-31');
  });

  it.each([
    ['2025-07-14T15:59:59.999', '2025-07-11'],
    ['2025-07-14T16:00:00', '2025-07-14'],
    ['2025-07-14T00:00:00', '2025-07-11'],
    ['2025-07-12T12:00:00', '2025-07-11'],
    ['2025-11-28T12:59:59', '2025-11-26'],
    ['2025-11-28T13:00:00', '2025-11-28'],
    ['2026-01-01T12:00:00', '2025-12-31'],
    ['2025-01-02T09:00:00', '2024-12-31'],
    ['2009-01-02T16:00:00', '2009-01-02'],
  ])('at %s New York the last closed session is %s', (now, date) => {
    expect(lastClosedSession(ny(now)).date).toBe(date);
    expect(lastClosedSession(ny(now).toUTC()).date).toBe(date);
    expect(isClosed(session(date), ny(now))).toBe(true);
    expect(isClosed(nextSession(date), ny(now))).toBe(false);
  });

  it('nyDate is the New York day, whatever the zone of the instant', () => {
    expect(nyDate(DateTime.fromISO('2025-07-15T03:59:59Z'))).toBe('2025-07-14');
    expect(nyDate(DateTime.fromISO('2025-07-15T04:00:00Z'))).toBe('2025-07-15');
    expect(nyDate(DateTime.fromISO('2025-01-15T04:59:59Z'))).toBe('2025-01-14');
    expect(nyDate(DateTime.fromISO('2025-07-15T09:00:00', { zone: 'Asia/Tokyo' }))).toBe('2025-07-14');
    expect(() => nyDate(DateTime.invalid('test'))).toThrow(RangeError);
  });
});

describe('weeks', () => {
  it.each([
    ['2025-07-14', '2025-07-14', '2025-07-20'],
    ['2025-07-20', '2025-07-14', '2025-07-20'],
    ['2025-01-01', '2024-12-30', '2025-01-05'],
    ['2024-02-29', '2024-02-26', '2024-03-03'],
    ['2009-01-01', '2008-12-29', '2009-01-04'],
    ['2030-12-31', '2030-12-30', '2031-01-05'],
  ])('%s is in the week %s to %s', (date, monday, sunday) => {
    expect(weekStartOf(date)).toBe(monday);
    expect(weekEndingOf(monday)).toBe(sunday);
  });

  it.each([
    ['2025-07-14', ['2025-07-14', '2025-07-15', '2025-07-16', '2025-07-17', '2025-07-18']],
    ['2025-11-24', ['2025-11-24', '2025-11-25', '2025-11-26', '2025-11-28']],
    ['2012-10-29', ['2012-10-31', '2012-11-01', '2012-11-02']],
    ['2024-12-30', ['2024-12-30', '2024-12-31', '2025-01-02', '2025-01-03']],
  ])('the sessions of %s', (monday, dates) => {
    expect(datesOf(sessionsOfWeek(monday))).toEqual(dates);
    expect(sessionsOfWeek(monday).every((one) => one.weekStart === monday)).toBe(true);
  });

  it('a week that reaches outside the table is refused, not cut', () => {
    expect(() => sessionsOfWeek('2030-12-30')).toThrow(/no year 2031/);
    expect(() => sessionsOfWeek('2009-01-01')).toThrow(/no year 2008/);
  });

  it.each([
    ['2024-02-28', 2, '2024-03-01'],
    ['2023-02-28', 1, '2023-03-01'],
    ['2025-01-01', -1, '2024-12-31'],
    ['2025-03-08', 2, '2025-03-10'],
    ['2025-07-14', 0, '2025-07-14'],
  ])('%s plus %i days is %s', (date, days, result) => {
    expect(addDays(date, days)).toBe(result);
  });
});

describe('finraDueDate', () => {
  // initialPublishedDate of rows FINRA sent (AAPL 2022-2023, BRK.B 2025-2026): all that fell on a holiday, some others.
  it.each([
    ['2022-06-27', '2022-07-18'],
    ['2023-05-08', '2023-05-30'],
    ['2023-05-29', '2023-06-20'],
    ['2023-06-12', '2023-07-03'],
    ['2023-08-14', '2023-09-05'],
    ['2023-10-23', '2023-11-13'],
    ['2023-12-11', '2024-01-02'],
    ['2025-12-29', '2026-01-20'],
    ['2026-05-04', '2026-05-26'],
    ['2026-08-17', '2026-09-08'],
  ])('Tier 1 of the week %s came on %s', (weekStart, published) => {
    expect(finraDueDate(weekStart, 'T1')).toBe(published);
  });

  it.each([
    ['2025-12-01', 'T1', '2025-12-22'],
    ['2025-12-01', 'T2', '2026-01-05'],
    ['2025-12-15', 'T1', '2026-01-05'],
    ['2025-12-15', 'T2', '2026-01-20'],
    ['2025-12-15', 'OTCE', '2026-01-20'],
    ['2025-12-15', 'NA', '2026-01-20'],
    ['2022-11-21', 'T2', '2022-12-27'],
    ['2025-09-22', 'T1', '2025-10-13'],
    ['2024-10-07', 'T2', '2024-11-11'],
    ['2025-07-16', 'T1', '2025-08-04'],
  ])('the week %s, tier %s, is due on %s', (weekStart, tier, due) => {
    expect(finraDueDate(weekStart, tier)).toBe(due);
  });

  it('a week whose publication is past the table is refused', () => {
    expect(() => finraDueDate('2030-12-16', 'T1')).toThrow(/no year 2031/);
  });
});

describe('properties', () => {
  const firstDay = '2009-01-01';
  const anyDate = fc.integer({ min: 0, max: 8034 }).map((days) => addDays(firstDay, days));

  it('dates count as luxon counts them', () => {
    expect(addDays(firstDay, 8034)).toBe('2030-12-31');
    fc.assert(
      fc.property(anyDate, fc.integer({ min: -40_000, max: 40_000 }), (date, days) => {
        const expected = DateTime.fromISO(date, { zone: 'utc' }).plus({ days }).toISODate();
        expect(addDays(date, days)).toBe(expected);
      }),
    );
  });

  it('weekStartOf is a Monday at most six days before, the same for the whole week', () => {
    fc.assert(
      fc.property(anyDate, fc.integer({ min: 0, max: 6 }), (date, day) => {
        const monday = weekStartOf(date);
        expect(DateTime.fromISO(monday, { zone: 'utc' }).weekday).toBe(1);
        expect(monday <= date && date <= weekEndingOf(monday)).toBe(true);
        expect(weekStartOf(addDays(monday, day))).toBe(monday);
      }),
    );
  });

  it('a day has a session or a name, never both', () => {
    fc.assert(
      fc.property(anyDate, (date) => {
        expect((sessionOn(date) === undefined) !== (holidayName(date) === undefined)).toBe(true);
        expect(isBusinessDay(date)).toBe(sessionOn(date) !== undefined);
      }),
    );
  });

  it('sessionsBack gives as many as asked, ascending, without a hole', () => {
    const count = fc.integer({ min: 1, max: 300 });
    const later = fc.integer({ min: 500, max: 8034 }).map((days) => addDays(firstDay, days));
    fc.assert(
      fc.property(later, count, (to, wanted) => {
        const back = sessionsBack(to, wanted);
        expect(back).toHaveLength(wanted);
        const first = back[0]?.date ?? '';
        expect(back).toEqual(sessionsBetween(first, to));
      }),
    );
  });

  it('a full week has three to five sessions and is published on a session, three to five weeks on', () => {
    const monday = fc.integer({ min: 7, max: 7900 }).map((days) => weekStartOf(addDays(firstDay, days)));
    fc.assert(
      fc.property(monday, fc.constantFrom('T1', 'T2', 'OTCE'), (weekStart, tier) => {
        const { length } = sessionsOfWeek(weekStart);
        expect(length >= 3 && length <= 5).toBe(true);
        const due = finraDueDate(weekStart, tier);
        expect(sessionOn(due)).toBeDefined();
        // Sandy is the one closure of a Monday and the Tuesday after it.
        expect(due <= addDays(weekStart, tier === 'T1' ? 23 : 37)).toBe(true);
        expect(due >= addDays(weekStart, tier === 'T1' ? 21 : 35)).toBe(true);
      }),
    );
  });
});
