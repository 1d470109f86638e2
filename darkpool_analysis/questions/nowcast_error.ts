import type { Sql } from '../db.js';

/** How near a nowcast of FINRA's week was, over the symbols that have it. Errors are fractions of FINRA's number. */
export interface NowcastError {
  readonly week_start: string;
  readonly tier: string;
  /** `tape`, `regsho`, or `first`: the daily estimates as first made. */
  readonly nowcast: string;
  readonly symbols: number;
  readonly ratio_median: number;
  readonly ratio_p05: number;
  readonly ratio_p95: number;
  readonly within_1_pct: number;
  /** Of the `largest` (at most 100) symbols by FINRA's shares, those within 1 %. */
  readonly largest_within_1_pct: number;
  readonly largest: number;
  readonly volume_weighted_error: number;
  readonly largest_volume_weighted_error: number;
  /** Share of the whole absolute error that the twenty worst symbols carry. */
  readonly error_of_worst_20: number | null;
}

/** Where a nowcast strayed most, in shares. */
export interface NowcastMiss {
  readonly week_start: string;
  readonly symbol: string;
  readonly finra: number;
  readonly tape_nowcast: number;
  readonly tape_error: number;
}

/** What tape and Reg SHO said of published weeks before FINRA did, against what FINRA said. */
export async function nowcastError(
  sql: Sql,
  { week }: { week: string | null },
): Promise<{ weeks: NowcastError[]; misses: NowcastMiss[] }> {
  return {
    weeks: await sql.rowsOfFile<NowcastError>('questions/nowcast_error', { week }),
    misses: await sql.rows<NowcastMiss>(
      `select week_start::varchar as week_start, symbol, finra, tape_nowcast, tape_error from nowcast_error
       where tape_error is not null and ($week::date is null or week_start = $week::date)
       order by abs(tape_nowcast - finra) desc, week_start desc, symbol limit 10`,
      { week },
    ),
  };
}
