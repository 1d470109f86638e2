import type { NowcastError, NowcastMiss } from '../questions/nowcast_error.js';
import { shares, table } from '../terminal.js';

const percent = (value: number | null, digits = 2) =>
  value === null ? '–' : `${(100 * value).toFixed(digits)} %`;

/** One screen: how near tape and Reg SHO were to FINRA, week by week, and where they strayed. */
export function describeNowcast(result: { weeks: NowcastError[]; misses: NowcastMiss[] }): string {
  if (result.weeks.length === 0) {
    return 'No published week has tape or Reg SHO for every session yet, so there is nothing to compare.';
  }
  return [
    'FINRA ÷ what was said before FINRA published, and the error of it',
    table(result.weeks, [
      { title: 'week of', value: (row) => row.week_start },
      { title: 'tier', value: (row) => row.tier },
      { title: 'from', value: (row) => row.nowcast },
      { title: 'symbols', value: (row) => String(row.symbols), right: true },
      { title: 'median', value: (row) => row.ratio_median.toFixed(4), right: true },
      { title: 'p5', value: (row) => row.ratio_p05.toFixed(4), right: true },
      { title: 'p95', value: (row) => row.ratio_p95.toFixed(4), right: true },
      { title: '±1 %', value: (row) => percent(row.within_1_pct / row.symbols, 1), right: true },
      { title: 'error', value: (row) => percent(row.volume_weighted_error), right: true },
    ]),
    ...result.weeks.map(
      (row) =>
        `${row.week_start} ${row.tier} ${row.nowcast}: ${row.largest_within_1_pct} of the ${row.largest} largest within 1 %, their error ${percent(row.largest_volume_weighted_error)}; the 20 worst of all carry ${percent(row.error_of_worst_20, 0)} of it`,
    ),
    'error: sum of |said − FINRA| ÷ sum of FINRA, over shares',
    ...(result.misses.length === 0
      ? []
      : [
          'Strayed most (tape)',
          table(result.misses, [
            { title: 'week of', value: (row) => row.week_start },
            { title: 'symbol', value: (row) => row.symbol },
            { title: 'FINRA', value: (row) => shares(row.finra), right: true },
            { title: 'tape', value: (row) => shares(row.tape_nowcast), right: true },
            { title: 'error', value: (row) => percent(row.tape_error), right: true },
          ]),
        ]),
  ].join('\n');
}
