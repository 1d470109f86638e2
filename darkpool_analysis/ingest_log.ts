import type { DateTime } from 'luxon';
import type { Sql } from './db.js';

export interface IngestEntry {
  readonly source: string;
  readonly period: string;
  readonly subject: string;
  readonly status: 'ok' | 'absent' | 'error';
  readonly rows: number;
  readonly sha256: string | null;
  /** UTC, `yyyy-MM-dd HH:mm:ss`. */
  readonly fetchedAt: string;
  readonly message: string | null;
}

/** An instant as text for a TIMESTAMP: UTC, to the second. */
export function sqlTime(instant: DateTime): string {
  return instant.toUTC().toFormat('yyyy-MM-dd HH:mm:ss');
}

/** Replaces the state of one piece of source data. */
export async function logIngest(sql: Sql, entry: IngestEntry): Promise<void> {
  const params = { ...entry };
  await sql.run(
    `delete from ingest_log where source = $source and period = $period and symbol_or_tier = $subject;
     insert into ingest_log values ($source, $period, $subject, $status, $rows, $sha256, $fetchedAt::timestamp, $message)`,
    params,
  );
}

/** The state of a source by (period, symbol or tier). */
export async function ingestState(
  sql: Sql,
  source: string,
): Promise<Map<string, { status: string; sha256: string | null }>> {
  const rows = await sql.rows<{ key: string; status: string; sha256: string | null }>(
    `select period || ' ' || symbol_or_tier as key, status, sha256 from ingest_log where source = $source`,
    { source },
  );
  return new Map(rows.map(({ key, status, sha256 }) => [key, { status, sha256 }]));
}
