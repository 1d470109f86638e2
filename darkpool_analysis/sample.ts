/**
 * The sample: a simulated market and its feeds, as files in the vendors' own formats, which the real fetchers then
 * read. Five symbols, 29 sessions, about 1 : 125 of the real shares; the same bytes on every machine. See ARCHITECTURE.md.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DateTime } from 'luxon';
import { addDays, MARKET_TZ_DEFAULT } from './market_calendar.js';
import { generateSample } from './sample/generate.js';
import { FIRST_DATE, INSTRUMENTS, LAST_DATE } from './sample/instruments.js';
import { readManifest, SAMPLE_LABEL } from './sample/manifest.js';

export { SAMPLE_LABEL };

/** Where the sample's files are (absolute when `dir` is), and what they hold. */
export interface SampleFiles {
  /** Glob: one csv.gz a session, Polygon's flat-file columns. */
  readonly tradesFiles: string;
  readonly quotesFiles: string;
  readonly barsFile: string;
  /** API columns; only what FINRA had published by `lastDate`. */
  readonly finraWeeklyFile: string;
  /** CNMSshvolYYYYMMDD.txt and FORFshvolYYYYMMDD.txt of each session. */
  readonly regshoFolder: string;
  /** `symbol,sector`. */
  readonly sectorsFile: string;
  /** `symbol,name,type,sector,sic_code,market_cap`. */
  readonly referenceFile: string;
  /** `symbol,date,sequence_number,exchange,true_side,venue_kind,retail`, a row per distinct print, gzipped. */
  readonly truthFile: string;
  readonly firstDate: string;
  readonly lastDate: string;
  readonly symbols: readonly string[];
  /** The sample's "now": 07:30 New York on the morning after the last session. */
  readonly asOf: DateTime;
}

/**
 * The sample in `dir`, written when it is not there whole: four to six seconds once, then only a look at the files'
 * sizes. A folder left half-written, or written by another version of the generator, is written anew.
 */
export async function ensureSample(dir: string): Promise<SampleFiles> {
  if (!(await isWhole(dir))) await generateSample(dir);
  return {
    tradesFiles: path.join(dir, 'trades', '*.csv.gz'),
    quotesFiles: path.join(dir, 'quotes', '*.csv.gz'),
    barsFile: path.join(dir, 'bars.csv'),
    finraWeeklyFile: path.join(dir, 'finra_weekly.csv'),
    regshoFolder: path.join(dir, 'regsho'),
    sectorsFile: path.join(dir, 'sectors.csv'),
    referenceFile: path.join(dir, 'reference.csv'),
    truthFile: path.join(dir, 'truth.csv.gz'),
    firstDate: FIRST_DATE,
    lastDate: LAST_DATE,
    symbols: INSTRUMENTS.map(({ symbol }) => symbol),
    asOf: DateTime.fromISO(`${addDays(LAST_DATE, 1)}T07:30`, { zone: MARKET_TZ_DEFAULT }),
  };
}

/** Whether the manifest is this generator's and every file has the size it says. */
async function isWhole(dir: string): Promise<boolean> {
  const manifest = await readManifest(dir);
  if (manifest === undefined) return false;
  const same = await Promise.all(
    manifest.files.map(async ({ name, size }) => {
      const found = await stat(path.join(dir, name)).catch(() => undefined);
      return found?.size === size;
    }),
  );
  return same.every(Boolean);
}
