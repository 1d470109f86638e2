import type { Clock, Context } from '../context.js';
import { sqlTime } from '../ingest_log.js';
import type { Session } from '../market_calendar.js';

export const PROGRAM_VERSION = '0.1.0';

/** What the ledger keeps of a run's outcome. */
interface LedgerOutcome {
  readonly dates: readonly string[];
  readonly weeks: readonly string[];
  readonly gaps: readonly unknown[];
  readonly failures: readonly string[];
}

/** Opens the run's row in `pipeline_runs`; a row that is never closed tells of a run that died. */
export async function openLedger(ctx: Context, systemClock: Clock, sessions: readonly Session[]) {
  const { config, db } = ctx;
  const start = systemClock.now();
  const version = `${start.toUTC().toFormat("yyyyMMdd'T'HHmmssSSS")}-${process.pid}`;
  await db.run(
    `insert into pipeline_runs (run_id, started_at, pid, data_source, run_mode, first_date, last_date, tickers, version)
     values ($version, $started::timestamp, $pid, $source, $mode, $first::date, $last::date, $tickers, $program)`,
    {
      version,
      started: sqlTime(start),
      pid: process.pid,
      source: config.DATA_SOURCE,
      mode: config.RUN_MODE,
      first: sessions[0]?.date ?? null,
      last: sessions[sessions.length - 1]?.date ?? null,
      tickers: config.allTickers ? 'ALL' : config.TICKERS.join(','),
      program: PROGRAM_VERSION,
    },
  );
  return {
    version,
    close: (exitCode: number, outcome: LedgerOutcome, seconds: number) =>
      db.run(
        `update pipeline_runs set ended_at = $ended::timestamp, exit_code = $exit, gaps = $gaps, message = $message,
           seconds = $seconds, peak_memory_mb = $peak where run_id = $version`,
        {
          version,
          ended: sqlTime(systemClock.now()),
          exit: exitCode,
          gaps: outcome.gaps.length,
          message:
            outcome.failures[0] ??
            (outcome.dates.length === 0 && outcome.weeks.length === 0
              ? 'nothing new'
              : `${outcome.dates.length} days and ${outcome.weeks.length} weeks computed`),
          seconds,
          peak: process.resourceUsage().maxRSS / 1024,
        },
      ),
  };
}
