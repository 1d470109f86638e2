/** The rows of the buy ratio picture, and what its parts share. */

/** A row of sql/plots/buy_ratio_days.sql. */
export interface RatioDay {
  readonly date: string;
  readonly present: boolean;
  readonly buy_ratio: number | null;
  readonly signal: string | null;
  readonly finra_period_type: string | null;
  readonly volume_basis: string | null;
  readonly inference_version: string | null;
  readonly segment: number | null;
}

/** A row of sql/plots/buy_ratio_weeks.sql. */
export interface RatioWeek {
  readonly week_start: string;
  readonly first_session: string;
  readonly last_session: string;
  readonly buy_ratio: number;
  readonly signal: string | null;
  readonly inference_version: string | null;
}

export interface RatioData {
  readonly symbol: string;
  readonly name: string | null;
  readonly days: readonly RatioDay[];
  readonly weeks: readonly RatioWeek[];
  readonly simulated: boolean;
  /** Thresholds on bought / sold. */
  readonly botThreshold: number;
  readonly sellThreshold: number;
}

/** What the parts of the picture share: scales in plot pixels, and the rows sorted by how they are drawn. */
export interface RatioPlot {
  readonly data: RatioData;
  readonly bot: number;
  readonly sell: number;
  readonly width: number;
  readonly height: number;
  readonly xDomain: readonly [number, number];
  readonly yDomain: readonly [number, number];
  readonly x: (ms: number) => number;
  readonly y: (ratio: number) => number;
  /** Days with a ratio on daily volume. */
  readonly daily: readonly (RatioDay & { buy_ratio: number })[];
  /** Days with a ratio on nothing but a week's total volume: never joined with the others. */
  readonly onWeekTotal: readonly (RatioDay & { buy_ratio: number })[];
  /** Stretches of days without a ratio, in ms. */
  readonly gaps: readonly { from: number; to: number }[];
  /** Where the rule changes between two days, in ms. */
  readonly versionChanges: readonly { at: number; version: string }[];
}

/** The strip of volume bases, under the plot area. */
export const STRIP = { top: 8, height: 10 } as const;
