import path from 'node:path';
import { disclaimerFor, SIMULATED } from '../disclaimer.js';
import type { RunResult, RunRow } from '../orchestrator.js';
import { ratio, shares, table, text, wrap } from '../terminal.js';

/** Rows of the closing table a person still reads; the rest is in the tables. */
const MOST_ROWS = 40;

/** The closing words of a run: what was done per ticker and day, what is missing, and where the files are. */
export function describeRun(result: RunResult, cwd: string): string {
  const parts: string[] = [];
  const range = result.firstDate === undefined ? 'no session' : `${result.firstDate} to ${result.lastDate}`;
  parts.push(
    `darkpool ${result.simulated ? `(${SIMULATED}) ` : ''}· ${range} · ${result.seconds.toFixed(1)} s`,
  );
  if (result.rows.length > 0) {
    const shown = result.rows.slice(-MOST_ROWS);
    parts.push(table(shown, COLUMNS));
    if (shown.length < result.rows.length) {
      parts.push(`… and ${result.rows.length - shown.length} earlier rows, in darkpool_daily_summary.`);
    }
  }
  if (result.weeks.length > 0) {
    parts.push(
      `FINRA weeks computed: ${result.weeks.length > 6 ? `${result.weeks.length} weeks, ${result.weeks[0]} to ${result.weeks.at(-1)}` : result.weeks.join(', ')}`,
    );
  }
  if (result.rows.length === 0 && result.weeks.length === 0)
    parts.push('Nothing new: everything asked for is computed.');
  for (const note of result.notes) parts.push(wrap(note, 80, '  ').replace(/^ {2}/, '· '));
  if (result.gaps.length > 0) {
    parts.push(`Missing, though due (${result.gaps.length}):`);
    for (const gap of result.gaps.slice(0, 20)) {
      parts.push(wrap(`${gap.period} ${gap.subject} ${gap.source}: ${gap.reason}`, 80, '  '));
    }
    if (result.gaps.length > 20) parts.push(`  … and ${result.gaps.length - 20} more: darkpool status`);
  }
  for (const failure of result.failures) parts.push(wrap(`Failed: ${failure}`, 80, '  ').trimStart());
  const near = (file: string) => {
    const relative = path.relative(cwd, file);
    return relative.startsWith('..') ? file : relative;
  };
  const folders = [...new Set(result.written.map((file) => near(path.dirname(file))))];
  parts.push(
    `Database: ${near(result.database)}${folders.length > 0 ? `\nWritten: ${result.written.length} files in ${folders.join(', ')}` : ''}`,
  );
  if (result.rows.length > 0)
    parts.push(wrap(disclaimerFor(result.rows.map((row) => row.inference_version))));
  return parts.join('\n');
}

/** A week's total is no day's volume, and says so. */
function volume(row: RunRow): string {
  return `${shares(row.total_off_exchange_volume)}${row.volume_basis === 'week_total' ? '/week' : ''}`;
}

const COLUMNS = [
  { title: 'date', value: (row: RunRow) => row.date },
  { title: 'ticker', value: (row: RunRow) => row.symbol },
  { title: 'method', value: (row: RunRow) => text(row.method) },
  { title: 'off-exch.', value: volume, right: true },
  { title: 'basis', value: (row: RunRow) => text(row.volume_basis) },
  { title: 'bought', value: (row: RunRow) => shares(row.estimated_bought), right: true },
  { title: 'sold', value: (row: RunRow) => shares(row.estimated_sold), right: true },
  { title: 'ratio', value: (row: RunRow) => ratio(row.buy_ratio), right: true },
  { title: 'signal', value: (row: RunRow) => row.signal ?? '' },
];
