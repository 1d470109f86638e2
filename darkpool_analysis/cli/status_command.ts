import type { DateTime } from 'luxon';
import type { Config } from '../config.js';
import { PublishedDatabase } from '../db.js';
import { SIMULATED } from '../disclaimer.js';
import { addDays, finraDueDate, nyDate, weekStartOf } from '../market_calendar.js';
import { asOf } from '../questions/as_of.js';
import { type Status, status, type WeekStatus } from '../questions/status.js';
import { shares, table, text } from '../terminal.js';

/** Weeks back that `status` tells about: the five that may be unpublished and the eight that may be restated. */
const WEEKS = 13;
const TIERS = ['T1', 'T2', 'OTCE'];

/** Asks the published database what it holds; with `past` (ISO date) what was known at the end of that day. */
export async function askStatus(config: Config, now: DateTime, past?: string): Promise<Status> {
  const db = await PublishedDatabase.open(config.DATA_DIR);
  try {
    // A sample lives on its own days, so its weeks are counted from its last one.
    const newest = await db.row<{ date: string | null }>(
      'select max(date)::varchar as date from darkpool_daily_summary',
    );
    const origin = await db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
    const today = origin?.value === 'sample' && newest?.date != null ? addDays(newest.date, 1) : nyDate(now);
    if (past !== undefined) await asOf(db, past);
    const thisWeek = weekStartOf(past ?? today);
    const weeks = Array.from({ length: WEEKS }, (_, i) => addDays(thisWeek, -7 * i)).flatMap((week_start) =>
      TIERS.map((tier) => ({ week_start, tier, due: finraDueDate(week_start, tier) })),
    );
    return await status(db, { weeks, today: past ?? today });
  } finally {
    db.close();
  }
}

/** One screen: sources, what is missing, FINRA's weeks and when they come, the last runs. */
export function describeStatus(result: Status): string {
  const parts = [`darkpool status${result.origin === 'sample' ? ` (${SIMULATED})` : ''}`];
  parts.push(
    table(result.sources, [
      { title: 'source', value: (row) => row.source },
      { title: 'first', value: (row) => text(row.first).slice(0, 18) },
      { title: 'last', value: (row) => text(row.last).slice(0, 18) },
      { title: 'ok', value: (row) => String(row.ok), right: true },
      { title: 'absent', value: (row) => String(row.absent), right: true },
      { title: 'error', value: (row) => String(row.error), right: true },
      { title: 'rows', value: (row) => shares(row.rows), right: true },
    ]),
  );
  const weeks = [...new Set(result.weeks.map((week) => week.week_start))];
  const cell = (week: string, tier: string) => {
    const found = result.weeks.find((row) => row.week_start === week && row.tier === tier);
    return found === undefined ? '–' : words(found);
  };
  parts.push(
    'FINRA weeks',
    table(weeks, [
      { title: 'week of', value: (week) => week },
      ...TIERS.map((tier) => ({ title: tier, value: (week: string) => cell(week, tier) })),
    ]),
  );
  if (result.missing.length > 0) {
    parts.push(
      `Not there (${result.missing.length})`,
      table(result.missing.slice(0, 12), [
        { title: 'period', value: (row) => row.period.slice(0, 12) },
        { title: 'source', value: (row) => row.source },
        { title: 'of', value: (row) => row.subject.slice(0, 20) },
        { title: 'why', value: (row) => text(row.message).slice(0, 30) },
      ]),
    );
  }
  parts.push(
    'Last runs (UTC)',
    table(result.runs, [
      { title: 'started', value: (row) => row.started_at.slice(0, 19) },
      {
        title: 'exit',
        value: (row) => (row.exit_code === null ? 'died' : String(row.exit_code)),
        right: true,
      },
      {
        title: 'seconds',
        value: (row) => (row.seconds === null ? '–' : row.seconds.toFixed(1)),
        right: true,
      },
      { title: 'what', value: (row) => text(row.message).slice(0, 44) },
    ]),
  );
  return parts.join('\n');
}

function words(week: WeekStatus): string {
  if (week.state === 'complete') return 'here';
  if (week.state === 'partial') return 'half here';
  if (week.state === 'not asked') return '–';
  return week.state === 'due' ? `due since ${week.due}` : `due ${week.due}`;
}
