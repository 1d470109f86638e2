import type { Sql } from '../db.js';

/** One line of what the database holds of a source. */
export interface SourceStatus {
  readonly source: string;
  readonly first: string | null;
  readonly last: string | null;
  readonly ok: number;
  readonly absent: number;
  readonly error: number;
  readonly rows: number;
}

/** A piece of a source that is not there: asked and absent, or failed. */
export interface MissingPiece {
  readonly source: string;
  readonly period: string;
  readonly subject: string;
  readonly status: string;
  readonly message: string | null;
}

/** A week of a tier that the database has, or when FINRA is due to publish it. */
export interface WeekStatus {
  readonly week_start: string;
  readonly tier: string;
  readonly state: 'complete' | 'partial' | 'due' | 'not yet due' | 'not asked';
  /** ISO date FINRA is due to publish it by its clock. */
  readonly due: string;
}

export interface RunStatus {
  readonly run_id: string;
  readonly started_at: string;
  readonly exit_code: number | null;
  readonly message: string | null;
  readonly seconds: number | null;
}

export interface Status {
  readonly origin: string;
  readonly sources: readonly SourceStatus[];
  readonly missing: readonly MissingPiece[];
  readonly weeks: readonly WeekStatus[];
  readonly runs: readonly RunStatus[];
}

/**
 * What the database holds, what is missing and when it comes.
 * @param weeks the weeks to tell about with the day each tier of them is due, newest first (from the calendar)
 * @param today ISO date in New York
 */
export async function status(
  sql: Sql,
  what: { weeks: readonly { week_start: string; tier: string; due: string }[]; today: string },
): Promise<Status> {
  const origin = await sql.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
  const sources = await sql.rows<SourceStatus>(
    `select source, min(period) as first, max(period) as last,
       count(*) filter (status = 'ok')::integer as ok, count(*) filter (status = 'absent')::integer as absent,
       count(*) filter (status = 'error')::integer as error, sum(rows)::double as rows
     from ingest_log group by source order by source`,
  );
  const missing = await sql.rows<MissingPiece>(
    `select source, period, symbol_or_tier as subject, status, message from ingest_log
     where status <> 'ok' order by period desc, source, subject limit 200`,
  );
  const loaded = await sql.rows<{ week_start: string; tier: string; cuts: number }>(
    `select week_start::varchar as week_start, tier, count(distinct summary_type)::integer as cuts
     from finra_cuts_loaded where summary_type in ('ATS_W_SMBL', 'OTC_W_SMBL') group by all`,
  );
  const cuts = new Map(loaded.map((row) => [`${row.week_start} ${row.tier}`, row.cuts]));
  const first = await sql.row<{ week: string | null }>(
    `select least(
       (select min(week_start) from finra_cuts_loaded),
       (select min(s.week_start) from darkpool_daily_summary d join market_sessions s on s.date = d.date)
     )::varchar as week`,
  );
  const firstWanted = first?.week ?? '9999-12-31';
  const runs = await sql.rows<RunStatus>(
    `select run_id, started_at::varchar as started_at, exit_code, message, seconds
     from pipeline_runs order by run_id desc limit 5`,
  );
  return {
    origin: origin?.value ?? 'empty',
    sources,
    missing,
    weeks: what.weeks.map((week) => {
      const count = cuts.get(`${week.week_start} ${week.tier}`) ?? 0;
      const overdue = week.week_start < firstWanted ? 'not asked' : 'due';
      const state =
        count >= 2 ? 'complete' : count === 1 ? 'partial' : week.due <= what.today ? overdue : 'not yet due';
      return { ...week, state };
    }),
    runs,
  };
}
