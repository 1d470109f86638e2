import type { Sql } from './db.js';

/** The settings that derived tables rest on. */
export interface MartSettings {
  readonly versions: readonly string[];
  readonly minLit: number;
  readonly bot: number;
  readonly sell: number;
}

/**
 * Volumes, estimates and summaries for `affected_days` and `affected_weeks` (temporary tables of this connection), from
 * the directions and sources as this connection sees them: the stored ones in a run, those known on a past day behind
 * the point-in-time door. One definition serves both.
 * @param now UTC time of the estimates, as text for a TIMESTAMP
 */
export async function computeMarts(sql: Sql, settings: MartSettings, now: string): Promise<void> {
  const version = settings.versions[0] ?? 'OptionB_v1';
  const thresholds = { version, min_lit: settings.minLit, bot: settings.bot, sell: settings.sell };
  await sql.run('set variable inference_versions = $versions', { versions: settings.versions });
  await sql.runFile('marts/applied_ratios');
  await sql.runFile('marts/volume_reconciliation_weekly');
  await sql.runFile('marts/day_sources');
  await sql.runFile('marts/volume_factors');
  await sql.runFile('marts/off_exchange_volume_daily', { now });
  await sql.runFile('marts/darkpool_daily_summary', thresholds);
  await sql.runFile('marts/darkpool_weekly_summary', thresholds);
  await sql.runFile('marts/nowcast_error');
  await sql.runFile('marts/venue_share_weekly');
}
