import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseDotenv } from 'dotenv';
import { z } from 'zod';
import { ConfigError } from './errors.js';
import { isIsoDate } from './iso_date.js';
import { canonicalSymbol, INDEX_OPTION_ROOTS } from './symbols.js';

/** The package's own folder (where `package.json`, `sql/` and the shipped `watchlists.json` are). */
export const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));

export const INFERENCE_VERSIONS = [
  'OptionB_v1',
  'Tick_v1',
  'Quote_v1',
  'LeeReady_v1',
  'EMO_v1',
  'CLNV_v1',
  'Direct_v1',
  'BVC_v1',
] as const;
export type InferenceVersion = (typeof INFERENCE_VERSIONS)[number];

const isoDate = z.string().refine(isIsoDate, { error: 'a date as YYYY-MM-DD, for example 2025-07-18' });
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day as HH:MM, for example 09:30');
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'an http or https address' })
  .transform((url) => url.replace(/\/+$/, ''));
const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z.coerce
    .number({ error: 'a number' })
    .int('a whole number')
    .min(least, `at least ${least}`)
    .max(most, `at most ${most}`);
const positive = z.coerce.number({ error: 'a number' }).positive('a number above 0');
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });
const timeZone = z.string().refine(
  (zone) => {
    try {
      new Intl.DateTimeFormat('en-US', { timeZone: zone });
      return true;
    } catch {
      return false;
    }
  },
  { error: 'an IANA time zone, for example US/Eastern' },
);
const jsonObject = z.string().transform((text, context) => {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // reported below: what JSON.parse says would repeat the value
  }
  context.addIssue({ code: 'custom', message: 'a JSON object, for example {"limit":5000}' });
  return z.NEVER;
});
const versions = z.string().transform((text, context): readonly InferenceVersion[] => {
  const names = [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  const known = INFERENCE_VERSIONS as readonly string[];
  if (names.length === 0 || names.some((name) => !known.includes(name))) {
    context.addIssue({ code: 'custom', message: `one or more, comma-separated, of ${known.join(', ')}` });
    return z.NEVER;
  }
  return names as InferenceVersion[];
});

/** Every setting of SPEC.md with its check. An empty value means "not set". */
const SETTINGS = {
  DATA_SOURCE: oneOf(['sample', 'files', 'live']).default('sample'),
  TICKERS: z.string().default('TQQQ,SPY,SPXW'),
  RUN_MODE: oneOf(['daily', 'weekly']).default('daily'),
  TARGET_DATE: isoDate.optional(),
  DAILY_LOOKBACK: wholeNumber(1, 5000).optional(),
  MATCH_CLOCK: oneOf(['participant', 'sip']).default('participant'),
  BACKFILL_WEEKS: wholeNumber(1, 1200).default(4),
  MIN_LIT_VOLUME: z.coerce.number({ error: 'a number' }).min(0, 'at least 0').default(10_000),
  MARKET_TZ: timeZone.default('US/Eastern'),
  RTH_START: clockTime.default('09:30'),
  RTH_END: clockTime.default('16:00'),
  INFERENCE_VERSION: versions.default(['OptionB_v1']),
  QUOTE_LAG_NS: wholeNumber(0, 86_400_000_000_000).default(0),
  BOT_THRESHOLD: positive.default(1.25),
  SELL_THRESHOLD: positive.default(0.8),
  DATA_DIR: z.string().default('data'),
  OUTPUT_DIR: z.string().default('output'),
  DUCKDB_MEMORY_LIMIT: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$/, 'an amount of memory, for example 400MB')
    .default('176MB'),
  POLYGON_API_KEY: z.string().optional(),
  POLYGON_BASE_URL: httpUrl.default('https://api.polygon.io'),
  POLYGON_QUOTES: oneOf(['auto', 'on', 'off']).default('auto'),
  POLYGON_TRADES_FILE: z.string().optional(),
  POLYGON_QUOTES_FILE: z.string().optional(),
  POLYGON_BARS_FILE: z.string().optional(),
  POLYGON_REQUESTS_PER_MINUTE: wholeNumber(1, 1_000_000).optional(),
  FINRA_OTC_URL: httpUrl.default('https://api.finra.org/data/group/otcMarket/name/weeklySummary'),
  FINRA_OTC_FILE: z.string().optional(),
  FINRA_API_KEY: z.string().optional(),
  FINRA_API_SECRET: z.string().optional(),
  FINRA_TOKEN_URL: httpUrl.default('https://ews.fip.finra.org/fip/rest/ews/oauth2/access_token'),
  FINRA_REQUEST_METHOD: oneOf(['POST', 'GET']).default('POST'),
  FINRA_REQUEST_JSON: jsonObject.optional(),
  FINRA_REQUEST_PARAMS: jsonObject.optional(),
  FINRA_DATE_FIELD: z.string().optional(),
  FINRA_SYMBOL_FIELD: z.string().optional(),
  FINRA_VOLUME_FIELD: z.string().optional(),
  FINRA_TRADE_COUNT_FIELD: z.string().optional(),
  FINRA_REGSHO_URL: httpUrl.default('https://cdn.finra.org/equity/regsho/daily'),
  FINRA_REGSHO_FILE: z.string().optional(),
  SECTORS_FILE: z.string().optional(),
  INDEX_MEMBERS_FILE: z.string().optional(),
  TAPE_TOTALS_FILE: z.string().optional(),
  API_TOKEN: z.string().optional(),
} as const;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
const SECRET_SETTINGS: readonly SettingName[] = [
  'POLYGON_API_KEY',
  'FINRA_API_KEY',
  'FINRA_API_SECRET',
  'API_TOKEN',
];
/** Settings whose file brings market data: one of them given turns the shipped `sample` into `files`. */
const MARKET_FILE_SETTINGS = [
  'POLYGON_TRADES_FILE',
  'POLYGON_QUOTES_FILE',
  'POLYGON_BARS_FILE',
  'FINRA_OTC_FILE',
  'FINRA_REGSHO_FILE',
  'TAPE_TOTALS_FILE',
] as const satisfies readonly SettingName[];

const schema = z.object(SETTINGS);
type Settings = z.infer<typeof schema>;

export interface SkippedTicker {
  readonly symbol: string;
  readonly reason: string;
}

/** One checked, frozen configuration: every setting under its own name, and what follows from them. */
export interface Config extends Omit<Settings, 'TICKERS' | 'DATA_DIR' | 'OUTPUT_DIR'> {
  /** Canonical symbols to process, in the order given; empty when `ALL`. */
  readonly TICKERS: readonly string[];
  /** `TICKERS=ALL`: every symbol in the inputs. */
  readonly allTickers: boolean;
  /** Tickers asked for that have no equity volume (SPXW), with the reason. */
  readonly skippedTickers: readonly SkippedTicker[];
  /** Absolute paths. */
  readonly DATA_DIR: string;
  readonly OUTPUT_DIR: string;
  /** What the user should know about the settings; printed once by the run. */
  readonly notes: readonly string[];
  /** Values that must never be printed. */
  readonly secrets: readonly string[];
}

export interface ConfigSources {
  /** Flags, already under their setting's name. */
  readonly flags?: Partial<Record<SettingName, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Folder whose `.env`, `.env.local` and `watchlists.json` count, and that relative paths start from. */
  readonly cwd?: string;
}

/**
 * Reads the settings: flags > environment > `.env.local` > `.env` > defaults. The only reader of `process.env`.
 * @throws ConfigError naming every wrong setting, its value (never a secret's) and what would be right.
 */
export function loadConfig({
  flags = {},
  env = process.env,
  cwd = process.cwd(),
}: ConfigSources = {}): Config {
  const layers = [
    { name: '.env', values: readEnvFile(path.join(cwd, '.env')) },
    { name: '.env.local', values: readEnvFile(path.join(cwd, '.env.local')) },
    { name: 'the environment', values: env },
    { name: 'a flag', values: flags },
  ];
  const notes = layers.slice(0, 2).flatMap(({ name, values }) =>
    Object.keys(values)
      .filter((key) => !(key in SETTINGS))
      .map((key) => `${name} sets ${key}, which is no setting of darkpool${didYouMean(key)}; it is ignored`),
  );

  const merged: Record<string, { value: string; from: string }> = {};
  for (const { name, values } of layers) {
    for (const setting of SETTING_NAMES) {
      const value = values[setting];
      if (value !== undefined) merged[setting] = { value: value.trim(), from: name };
    }
  }
  const given = Object.fromEntries(
    Object.entries(merged)
      .filter(([, { value }]) => value !== '')
      .map(([setting, { value }]) => [setting, value]),
  );

  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues
        .map((issue) => {
          const setting = String(issue.path[0]) as SettingName;
          const { value, from } = merged[setting] ?? { value: '', from: 'a default' };
          const shown = SECRET_SETTINGS.includes(setting) ? '(hidden)' : JSON.stringify(value);
          return `${setting}=${shown} (from ${from}) is wrong: it should be ${issue.message}.`;
        })
        .join('\n'),
    );
  }
  const settings = parsed.data;
  crossCheck(settings);

  const files = MARKET_FILE_SETTINGS.filter((setting) => settings[setting] !== undefined);
  const first = files[0];
  if (settings.DATA_SOURCE === 'sample' && first !== undefined) {
    // A file always wins, and simulated rows must never stand beside real ones in one database.
    settings.DATA_SOURCE = 'files';
    notes.push(
      `${first} is given, so DATA_SOURCE is files, not sample: simulated and real data are never mixed`,
    );
  }
  const absolute = (file: string | undefined) => (file === undefined ? undefined : path.resolve(cwd, file));
  const tickers = readTickers(settings.TICKERS, cwd);
  return Object.freeze({
    ...settings,
    ...tickers,
    DATA_DIR: path.resolve(cwd, settings.DATA_DIR),
    OUTPUT_DIR: path.resolve(cwd, settings.OUTPUT_DIR),
    ...Object.fromEntries(
      SETTING_NAMES.filter((setting) => setting.endsWith('_FILE')).map((setting) => [
        setting,
        absolute(settings[setting] as string | undefined),
      ]),
    ),
    notes,
    secrets: SECRET_SETTINGS.map((setting) => settings[setting] as string | undefined).filter(
      (secret): secret is string => secret !== undefined,
    ),
  });
}

function crossCheck(settings: Settings): void {
  if (settings.RTH_START >= settings.RTH_END) {
    throw new ConfigError(
      `RTH_START=${settings.RTH_START} is not before RTH_END=${settings.RTH_END}: regular hours are start ≤ t < end.`,
    );
  }
  if (settings.SELL_THRESHOLD >= settings.BOT_THRESHOLD) {
    throw new ConfigError(
      `SELL_THRESHOLD=${settings.SELL_THRESHOLD} is not below BOT_THRESHOLD=${settings.BOT_THRESHOLD}: both are on bought / sold (defaults 0.80 and 1.25).`,
    );
  }
  if ((settings.FINRA_API_KEY === undefined) !== (settings.FINRA_API_SECRET === undefined)) {
    const missing = settings.FINRA_API_KEY === undefined ? 'FINRA_API_KEY' : 'FINRA_API_SECRET';
    throw new ConfigError(`${missing} is missing: set both FINRA_API_KEY and FINRA_API_SECRET, or neither.`);
  }
}

function readEnvFile(file: string): Record<string, string> {
  try {
    return parseDotenv(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function didYouMean(key: string): string {
  const near = SETTING_NAMES.find((name) => editDistance(name, key) <= 2);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** Levenshtein distance, for "did you mean". */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

const watchlistsFile = z.record(z.string(), z.array(z.string()));

function readWatchlists(cwd: string): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const file of new Set([
    path.join(PACKAGE_ROOT, 'watchlists.json'),
    path.join(cwd, 'watchlists.json'),
  ])) {
    try {
      Object.assign(lists, watchlistsFile.parse(JSON.parse(readFileSync(file, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new ConfigError(`${file} is not a JSON object of lists, like {"mine":["GME","AMC"]}.`, {
        cause: error,
      });
    }
  }
  return lists;
}

/** `TICKERS` into symbols: names of lists opened, spellings made canonical, index option roots set apart. */
export function readTickers(
  text: string,
  cwd: string,
): Pick<Config, 'TICKERS' | 'allTickers' | 'skippedTickers'> {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) {
    throw new ConfigError(
      'TICKERS names no ticker: give symbols (SPY,TQQQ), @name of a list in watchlists.json, or ALL.',
    );
  }
  if (words.includes('ALL')) {
    if (words.length > 1) throw new ConfigError(`TICKERS=${JSON.stringify(text)}: ALL stands alone.`);
    return { TICKERS: [], allTickers: true, skippedTickers: [] };
  }
  const lists = words.some((word) => word.startsWith('@')) ? readWatchlists(cwd) : {};
  const opened = words.flatMap((word) => {
    if (!word.startsWith('@')) return [word];
    const list = lists[word.slice(1)];
    if (list === undefined) {
      throw new ConfigError(
        `TICKERS names the list ${word}, which watchlists.json does not have; it has ${Object.keys(lists)
          .map((name) => `@${name}`)
          .join(', ')}.`,
      );
    }
    return list;
  });
  const wrong = opened.find((symbol) => !/^[A-Za-z][A-Za-z0-9./$-]{0,14}$/.test(symbol));
  if (wrong !== undefined) {
    throw new ConfigError(
      `TICKERS holds ${JSON.stringify(wrong.slice(0, 40))}, which is no ticker: letters, digits, ".", "/", "$" or "-", like SPY or BRK.B.`,
    );
  }
  const symbols = [...new Set(opened.map(canonicalSymbol))];
  const isRoot = (symbol: string) => INDEX_OPTION_ROOTS.has(symbol.toUpperCase());
  return {
    TICKERS: symbols.filter((symbol) => !isRoot(symbol)),
    allTickers: false,
    skippedTickers: symbols.filter(isRoot).map((symbol) => ({
      symbol,
      reason: 'an index option root: FINRA reports no equity volume for it',
    })),
  };
}
