/** Axes laid out here rather than by Vega, so that labels can be placed by the same scales that draw the data. */
import { textWidth } from './inter.js';

export const DAY_MS = 86_400_000;

/** Midnight UTC of an ISO date in ms: the pictures' x. Days are New York calendar days and have no clock time. */
export function dayMs(date: string): number {
  return Date.parse(`${date}T00:00:00Z`);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** "Jul 14, 2025". */
export function longDate(date: string): string {
  return `${shortDate(date)}, ${date.slice(0, 4)}`;
}

/** "Jul 14". */
export function shortDate(date: string): string {
  return `${MONTHS[Number(date.slice(5, 7)) - 1]} ${Number(date.slice(8))}`;
}

/** "Jul 14 – 18, 2025", with as much of month and year as is needed. */
export function dateSpan(first: string, last: string): string {
  if (first === last) return longDate(first);
  if (first.slice(0, 4) !== last.slice(0, 4)) return `${longDate(first)} – ${longDate(last)}`;
  const end = first.slice(0, 7) === last.slice(0, 7) ? String(Number(last.slice(8))) : shortDate(last);
  return `${shortDate(first)} – ${end}, ${last.slice(0, 4)}`;
}

/** A linear scale: domain to pixels. */
export function linear(domain: readonly [number, number], range: readonly [number, number]) {
  const slope = (range[1] - range[0]) / (domain[1] - domain[0]);
  return (value: number) => range[0] + (value - domain[0]) * slope;
}

/** Round values at steps of 1, 2 or 5 × 10ⁿ inside [low, high], about `count` of them. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    // Products like 3 × 0.05 carry a binary tail that would stand in the specification.
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

export interface DateTicks {
  readonly values: number[];
  /** Vega expression of a tick's label; the year stands under the first tick and wherever it changes. */
  readonly labelExpr: string;
}

/**
 * Ticks for dates: the finest of every date, first of each week, of each month, quarter or year whose labels do not
 * touch. `dates` are sorted ISO dates; `labelOf` puts a tick elsewhere than at its date (weeks: mid-week).
 */
export function dateTicks(dates: readonly string[], x: (ms: number) => number, shiftMs = 0): DateTicks {
  const firstOf = (key: (date: string) => string) =>
    dates.filter((date, i) => i === 0 || key(date) !== key(dates[i - 1] ?? ''));
  const day = '%b %-d';
  const plans: { dates: string[]; format: string }[] = [
    { dates: [...dates], format: day },
    { dates: firstOf(mondayOf), format: day },
    { dates: firstOf((date) => String(Math.floor(dayMs(mondayOf(date)) / DAY_MS / 14))), format: day },
    { dates: firstOf((date) => date.slice(0, 7)), format: '%b' },
    {
      dates: firstOf((date) => `${date.slice(0, 4)}${Math.floor((Number(date.slice(5, 7)) - 1) / 3)}`),
      format: '%b',
    },
    { dates: firstOf((date) => date.slice(0, 4)), format: '%b' },
  ];
  const needed = textWidth('Mmm 00', 13) + 12;
  const roomy = (ticks: readonly string[]) =>
    ticks.every((date, i) => i === 0 || x(dayMs(date)) - x(dayMs(ticks[i - 1] ?? date)) >= needed);
  const monthly = plans.slice(3).map((plan) => ({
    ...plan,
    // History seldom starts with a month: a first tick for its rest would touch the next one's.
    dates: plan.dates.filter((date, i) => i > 0 || plan.dates.length === 1 || Number(date.slice(8)) <= 7),
  }));
  const plan =
    [...plans.slice(0, 3), ...monthly].find(({ dates: ticks }) => roomy(ticks)) ??
    (monthly.at(-1) as (typeof plans)[0]);
  const withYear = plan.dates.filter(
    (date, i) => i === 0 || date.slice(0, 4) !== (plan.dates[i - 1] ?? '').slice(0, 4),
  );
  const ms = (date: string) => dayMs(date) + shiftMs;
  const text = `utcFormat(datum.value - ${shiftMs}, '${plan.format}')`;
  return {
    values: plan.dates.map(ms),
    labelExpr: `indexof([${withYear.map(ms).join(', ')}], +datum.value) < 0 ? ${text} : [${text}, utcFormat(datum.value - ${shiftMs}, '%Y')]`,
  };
}

function mondayOf(date: string): string {
  const days = dayMs(date) / DAY_MS;
  // Day 0, 1970-01-01, was a Thursday.
  return new Date((days - ((days + 3) % 7)) * DAY_MS).toISOString().slice(0, 10);
}

/** "12.3 M", "980 K", "1.24 B": shares for people, three significant digits. */
export function humanShares(shares: number): string {
  const units = [
    { from: 999.5e6, by: 1e9, name: ' B' },
    { from: 999.5e3, by: 1e6, name: ' M' },
    { from: 999.5, by: 1e3, name: ' K' },
  ];
  const unit = units.find(({ from }) => shares >= from) ?? { by: 1, name: '' };
  const value = shares / unit.by;
  const digits = unit.name === '' ? 0 : value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${unit.name}`;
}
