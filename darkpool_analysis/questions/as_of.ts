import type { Sql } from '../db.js';
import { DataError } from '../errors.js';
import { computeMarts } from '../marts.js';

/**
 * Opens the point-in-time door on a connection: every question asked through it afterwards sees only what was known at
 * the end of `day`, with the derived tables as they would have been computed then. The published file is not touched.
 * @param day ISO date in New York
 * @throws DataError when nothing has been computed yet.
 */
export async function asOf(sql: Sql, day: string): Promise<void> {
  const state = await sql.row<{ value: string }>(
    "select value from pipeline_state where key = 'analytics_settings'",
  );
  if (state === undefined)
    throw new DataError('The database has no computed tables yet: run `darkpool run` first.');
  const [versions, minLit, bot, sell] = JSON.parse(state.value) as [string[], number, number, number];
  await sql.runFile('questions/as_of', { day });
  await computeMarts(sql, { versions, minLit, bot, sell }, `${day} 23:59:59`);
}
