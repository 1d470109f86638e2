import type { DateTime } from 'luxon';
import type { Config } from './config.js';
import type { Database } from './db.js';
import type { Http } from './http.js';
import type { Log } from './log.js';

/** Tells the time. Steps never read the machine's clock themselves, so that tests and the sample can fix it. */
export interface Clock {
  now(): DateTime;
}

/** What every step is given. */
export interface Context {
  readonly config: Config;
  readonly db: Database;
  readonly http: Http;
  readonly log: Log;
  readonly clock: Clock;
}

/** Something that was due and did not come: it makes the run end with exit code 3, and is named at its end. */
export interface Gap {
  readonly source: string;
  /** A date, or the Monday of a week. */
  readonly period: string;
  readonly subject: string;
  readonly reason: string;
}

/** What a fetching step did. */
export interface FetchResult {
  /** Rows newly stored, by table. */
  readonly stored: Readonly<Record<string, number>>;
  readonly gaps: readonly Gap[];
  /** Things worth a line to the user that are neither gaps nor failures. */
  readonly notes: readonly string[];
  /** What the service refused as not in the plan, where it was asked. */
  readonly plan?: 'no trades' | 'no quotes';
}
