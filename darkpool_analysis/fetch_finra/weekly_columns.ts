import path from 'node:path';
import type { Config } from '../config.js';
import { DataError } from '../errors.js';
import type { OpenedTable } from '../tabular_file.js';
import type { RowDefaults } from './weekly_staging.js';

/** Columns of finra_weekly_raw, and the names they go by, best first: API, site download, samples, users' own. */
const ALIASES = {
  week: ['weekstartdate', 'weekstart', 'weekof', 'weekending', 'weekendingdate', 'weekenddate', 'week'],
  tier: ['tieridentifier', 'tier'],
  tier_description: ['tierdescription'],
  summary_type: ['summarytypecode', 'summarytype', 'cut'],
  symbol: ['issuesymbolidentifier', 'symbol', 'ticker', 'issuesymbol'],
  issue_name: ['issuename', 'name', 'companyname'],
  mpid: ['mpid', 'marketparticipantid'],
  firm_crd: ['firmcrdnumber', 'firmcrd', 'crdnumber', 'crd'],
  firm_name: ['marketparticipantname', 'firmname', 'participantname', 'atsname', 'venue'],
  product_type: ['producttypecode', 'producttype'],
  shares: ['totalweeklysharequantity', 'totalshares', 'sharequantity', 'shares', 'totalvolume', 'volume'],
  trades: ['totalweeklytradecount', 'totaltrades', 'tradecount', 'trades'],
  notional: ['totalnotionalsum', 'totalnotional', 'notional'],
  initial_published: ['initialpublisheddate', 'initialpublished'],
  last_update: ['lastupdatedate', 'lastupdate', 'lastupdated'],
  last_reported: ['lastreporteddate', 'lastreported'],
} as const;
/** Names of a column of days: several of one week are added up. */
const DAY_ALIASES: readonly string[] = ['date', 'tradedate', 'day'];

export type Field = keyof typeof ALIASES;
const FIELDS = Object.keys(ALIASES) as Field[];

/** How a file's columns are read. */
export interface Layout {
  /** The file's column of each field it has. */
  readonly columns: Readonly<Partial<Record<Field, string>>>;
  readonly defaults: RowDefaults;
  /** Days of one week are added up: a user's date column. */
  readonly sumDays: boolean;
  /** What was assumed, for a line to the user. */
  readonly notes: readonly string[];
}

/** Settings that name columns of a user's own file; they win over every alias. */
const FIELD_SETTINGS = [
  ['week', 'FINRA_DATE_FIELD'],
  ['symbol', 'FINRA_SYMBOL_FIELD'],
  ['shares', 'FINRA_VOLUME_FIELD'],
  ['trades', 'FINRA_TRADE_COUNT_FIELD'],
] as const satisfies readonly (readonly [Field, keyof Config])[];

/** The setting's name with the column overrides: a file read with other ones is another file. */
export function otcSetting(config: Config): string {
  const set = FIELD_SETTINGS.filter(([, setting]) => config[setting] !== undefined);
  return ['FINRA_OTC_FILE', ...set.map(([, setting]) => `${setting}=${config[setting]}`)].join(' ');
}

/**
 * Recognises the columns of a file of weekly volumes.
 * @throws DataError naming the file, the columns it has and the one that is missing.
 */
export function recogniseColumns(
  file: string,
  columns: OpenedTable['columns'],
  config: Pick<Config, (typeof FIELD_SETTINGS)[number][1]>,
): Layout {
  const has = columns.map(({ name }) => name).join(', ');
  const byName = new Map(
    columns.map(({ name }) => [name.toLowerCase().replace(/[^a-z0-9]/g, ''), name] as const),
  );
  const found: Partial<Record<Field, string>> = {};
  for (const field of FIELDS) {
    const name = ALIASES[field].map((alias) => byName.get(alias)).find((column) => column !== undefined);
    if (name !== undefined) found[field] = name;
  }
  const day = DAY_ALIASES.map((alias) => byName.get(alias)).find((column) => column !== undefined);
  let sumDays = false;
  if (found.week === undefined && day !== undefined) {
    found.week = day;
    sumDays = true;
  }
  for (const [field, setting] of FIELD_SETTINGS) {
    const wanted = config[setting];
    if (wanted === undefined) continue;
    const column =
      columns.find(({ name }) => name === wanted) ??
      columns.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    if (column === undefined) {
      throw new DataError(`${file} has no column ${wanted}, which ${setting} names; it has ${has}.`);
    }
    found[field] = column.name;
    if (field === 'week') sumDays = true;
  }

  for (const [field, setting] of [
    ['symbol', 'FINRA_SYMBOL_FIELD'],
    ['shares', 'FINRA_VOLUME_FIELD'],
  ] as const) {
    if (found[field] !== undefined) continue;
    throw new DataError(
      `${file} has no column of ${field} (${ALIASES[field][0]}, or the one that ${setting} names); it has ${has}.`,
    );
  }
  const deriveWeek = found.week === undefined;
  if (
    deriveWeek &&
    (found.last_update === undefined || (found.tier ?? found.tier_description) === undefined)
  ) {
    throw new DataError(
      `${file} has no column of weeks (weekStartDate, or the one that FINRA_DATE_FIELD names), nor lastUpdateDate and a tier to derive it from; it has ${has}.`,
    );
  }
  return { ...hints(file, found, deriveWeek), columns: found, sumDays };
}

/** What the file's name and columns say about rows that do not say it themselves. */
function hints(file: string, found: Layout['columns'], deriveWeek: boolean) {
  const name = path.basename(file);
  const notes: string[] = [];
  const cut = /(?:ATS|OTC)_W_SMBL(?:_FIRM)?(?![A-Za-z])/.exec(name)?.[0];
  const tier = /(?:^|[^A-Za-z0-9])(T1|T2|OTCE)(?![A-Za-z0-9])/.exec(name)?.[1];
  if (cut !== undefined && found.summary_type === undefined) {
    notes.push(`${name}: rows do not say their cut; taken as ${cut} from the file's name`);
  }
  if (tier !== undefined && found.tier === undefined && found.tier_description === undefined) {
    notes.push(`${name}: rows do not say their tier; taken as ${tier} from the file's name`);
  }
  const defaults: RowDefaults = {
    week: null,
    tier: tier ?? null,
    cut: cut ?? null,
    deriveWeek,
    hasMpid: found.mpid !== undefined,
    hasCrd: found.firm_crd !== undefined,
    hasFirm: found.firm_name !== undefined,
  };
  return { notes, defaults };
}

/** SQL that brings a file's rows into the shape of finra_weekly_raw, all text. */
export function rawRowsSql(relation: string, columns: Layout['columns']): string {
  const list = FIELDS.map((field) => {
    const column = columns[field];
    return `${column === undefined ? 'null' : `"${column.replaceAll('"', '""')}"`}::varchar as ${field}`;
  });
  return `create or replace temp table finra_weekly_raw as
select row_number() over () as row_number, ${list.join(', ')} from ${relation}`;
}
