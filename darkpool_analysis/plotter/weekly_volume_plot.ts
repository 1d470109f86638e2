/** The rows of the weekly volume picture, and what its parts share. */
import { DAY_MS } from './axes.js';

/** A row of sql/plots/weekly_volume.sql. Shares; NULL is unknown, not zero. */
export interface VolumeWeek {
  readonly week_start: string;
  readonly ats_volume: number | null;
  readonly non_ats_volume: number | null;
  readonly total_volume: number | null;
  readonly ats_share_pct: number | null;
  readonly run: number | null;
}

export interface VolumeData {
  readonly symbol: string;
  readonly name: string | null;
  readonly weeks: readonly VolumeWeek[];
  readonly simulated: boolean;
}

// Not the colours of BOT and SELL: nothing here has a direction.
export const ATS = { fill: '#00664F', text: '#00553F', name: 'ATS (dark pools)' } as const;
export const OTHER = {
  fill: '#C98A0A',
  text: '#7A5200',
  name: 'non-ATS (wholesalers, other dealers)',
} as const;
export const SHARE_PANEL = { height: 92, above: 34 } as const;
export const HALF_WEEK = 3.5 * DAY_MS;
/** Bars stand at mid-week, on Wednesday. */
export const MIDDLE = 2 * DAY_MS;

export type Domain = readonly [number, number];
/** The weeks and the scales they are drawn by, in pixels of the plot area. */
export interface Placement {
  readonly weeks: readonly VolumeWeek[];
  readonly x: (ms: number) => number;
  readonly y: (shares: number) => number;
  /** Pixels of one week. */
  readonly slot: number;
  readonly xDomain: Domain;
  readonly yDomain: Domain;
  readonly barsHeight: number;
  /** Shares of the highest bar. */
  readonly most: number;
  readonly height: number;
}

/** At least one of the two cuts is loaded. */
export function isKnown(week: VolumeWeek): boolean {
  return week.ats_volume !== null || week.non_ats_volume !== null;
}
/** Just one of the two cuts is loaded: the total is unknown. */
export function isHalf(week: VolumeWeek): boolean {
  return (week.ats_volume === null) !== (week.non_ats_volume === null);
}
