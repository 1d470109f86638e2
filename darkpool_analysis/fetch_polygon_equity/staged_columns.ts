import { DataError } from '../errors.js';
import { addDays, type Session } from '../market_calendar.js';
import type { OpenedTable } from '../tabular_file.js';

/**
 * Staged trades and quotes: one shape, whatever the source. Times are UTC nanoseconds (BIGINT), prices millionths of
 * a dollar, sizes millionths of a share, all BIGINT, so that every later comparison and sum is exact.
 */
const ALIASES = {
  symbol: ['ticker', 'symbol', 'sym', 'T'],
  sip: ['sip_timestamp', 'timestamp', 'time', 'datetime', 't'],
  participant: ['participant_timestamp', 'y'],
  sequence: ['sequence_number', 'sequence', 'q'],
  id: ['id', 'trade_id', 'i'],
  exchange: ['exchange', 'exchange_id', 'x'],
  trf: ['trf_id', 'r'],
  conditions: ['conditions', 'c'],
  correction: ['correction', 'e'],
  price: ['price', 'p'],
  size: ['size', 's'],
  decimalSize: ['decimal_size', 'ds'],
  tape: ['tape', 'z'],
  bid: ['bid', 'bid_price', 'P_bid', 'bp'],
  ask: ['ask', 'ask_price', 'P_ask', 'ap'],
} as const;
type Role = keyof typeof ALIASES;

/** Which column of a file plays which part. Exact names first, then without regard to case. */
export class ColumnRoles {
  readonly file: string;
  readonly #columns: OpenedTable['columns'];

  constructor(file: string, columns: OpenedTable['columns']) {
    this.file = file;
    this.#columns = columns;
  }

  find(role: Role): { sql: string; name: string; type: string } | undefined {
    for (const same of [(a: string, b: string) => a === b, sameWord]) {
      for (const alias of ALIASES[role]) {
        const column = this.#columns.find(({ name }) => same(name, alias));
        if (column !== undefined) {
          return { sql: `"${column.name.replaceAll('"', '""')}"`, name: column.name, type: column.type };
        }
      }
    }
    return undefined;
  }

  need(role: Role, what: string): { sql: string; name: string; type: string } {
    const column = this.find(role);
    if (column === undefined) {
      throw new DataError(
        `${this.file} has no ${what} column: it should be called ${ALIASES[role].slice(0, 2).join(' or ')}; its columns are ${this.#columns
          .map(({ name }) => name)
          .join(', ')
          .slice(0, 200)}.`,
      );
    }
    return column;
  }
}

/** Without regard to case, but for single letters: Polygon's old answers have `T` for the ticker and `t` for the time. */
function sameWord(a: string, b: string): boolean {
  return b.length > 1 && a.toLowerCase() === b.toLowerCase();
}

/** Empty text is "not given". */
const given = (column: { sql: string; type: string }) =>
  column.type === 'VARCHAR' ? `nullif(trim(${column.sql}), '')` : column.sql;

/** SQL for "this text is a date and time without a zone". */
export const hasNoZone = (sql: string) =>
  `(contains(${sql}, ':') and not regexp_matches(${sql}, '([zZ]|UTC|[+-]\\d\\d(:?\\d\\d)?)\\s*$'))`;

/** A timestamp column as UTC ns: ns, µs, ms or s since 1970 (told apart by size), or ISO (without a zone: UTC). */
export function timestampNs(column: { sql: string; name: string; type: string }): string {
  if (column.type.startsWith('TIMESTAMP')) return `epoch_ns(${column.sql}::timestamp_ns)`;
  if (/_timestamp$/.test(column.name)) return `nullif(cast(${given(column)} as bigint), 0)`;
  const text = `nullif(trim(${column.sql}::varchar), '')`;
  // Digits before and after the point apart, as whole numbers: a double would round, and DuckDB's cast of text to
  // DECIMAL takes 30 µs a row. An exponent (1.7524998e9) has been through a double already.
  const exponent = `(contains(${text}, 'e') or contains(${text}, 'E'))`;
  const whole = `try_cast(split_part(${text}, '.', 1) as bigint)`;
  const fraction = `cast(rpad(left(split_part(${text}, '.', 2), 9), 9, '0') as bigint)`;
  const double = `try_cast(${text} as double)`;
  return `case
    when ${exponent} and ${double} is not null then cast(${double} *
      case when ${double} < 1e11 then 1e9 when ${double} < 1e14 then 1e6 when ${double} < 1e17 then 1e3 else 1 end as bigint)
    when ${whole} is null then epoch_ns(cast(${text} as timestamp_ns))
    when ${whole} < 100000000000 then ${whole} * 1000000000 + ${fraction}
    when ${whole} < 100000000000000 then ${whole} * 1000000 + ${fraction} // 1000
    when ${whole} < 100000000000000000 then ${whole} * 1000 + ${fraction} // 1000000
    else ${whole} end`;
}

/** Dollars or shares as millionths. A double holds any price below nine billion dollars to the millionth. */
export const millionths = (sql: string) => `cast(round(cast(${sql} as double) * 1000000) as bigint)`;

/** A price that is missing or not above 0 is no quote on that side. */
function quotedSide(column: { sql: string; type: string }): string {
  const price = millionths(given(column));
  return `case when ${price} > 0 then ${price} end`;
}

/** Official open and close, corrected close: they tell prints again that were counted (facts/polygon.md). */
const DROPPED_CONDITIONS = '15, 16, 38';
/** Cancelled, or superseded by a row that carries the corrected values (1), which is kept. */
const DROPPED_CORRECTIONS = '7, 8, 10, 11, 12';

const asInteger = (column: { sql: string; type: string } | undefined, type = 'integer') =>
  column === undefined ? `null::${type}` : `cast(${given(column)} as ${type})`;

/** Condition codes as a list; none is NULL. */
export function conditionList(column: { sql: string; type: string } | undefined): string {
  if (column === undefined) return 'null::integer[]';
  if (column.type.endsWith('[]')) return `nullif(${column.sql}::integer[], [])`;
  // "12,37" in flat files, "[12,37]" out of JSON
  return `nullif(cast('[' || trim(${given(column)}, '[] ') || ']' as integer[]), [])`;
}

/** What a trades file tells about itself. */
export interface TradesShape {
  readonly select: string;
  readonly hasSymbol: boolean;
  readonly hasSequence: boolean;
  readonly hasQuotes: boolean;
}

/**
 * The select list that stages a trades file. `date` is the market's calendar date of the tape's time.
 * @throws DataError naming the file and the missing column.
 */
export function tradesSelect(
  roles: ColumnRoles,
  options: {
    date: (sipSql: string) => string;
    loneSymbol: string | undefined;
    literal: (t: string) => string;
  },
): TradesShape {
  const symbol = roles.find('symbol');
  const sip = roles.need('sip', 'timestamp');
  const participant = roles.find('participant');
  const sequence = roles.find('sequence');
  const id = roles.find('id');
  const price = roles.need('price', 'price');
  const size = roles.need('size', 'size');
  const decimalSize = roles.find('decimalSize');
  const bid = roles.find('bid');
  const ask = roles.find('ask');
  const sipSql = timestampNs(sip);
  const conditions = conditionList(roles.find('conditions'));
  const correction = asInteger(roles.find('correction'));
  const side = (column: typeof bid) => (column === undefined ? 'null::bigint' : quotedSide(column));
  const sizeSql = decimalSize === undefined ? given(size) : `coalesce(${given(decimalSize)}, ${given(size)})`;
  const symbolSql = symbol === undefined ? options.literal(options.loneSymbol ?? '') : `trim(${symbol.sql})`;
  return {
    hasSymbol: symbol !== undefined,
    hasSequence: sequence !== undefined,
    hasQuotes: bid !== undefined && ask !== undefined,
    select: `${symbolSql} as symbol, ${options.date(sipSql)} as date, ${sipSql} as sip_ns,
      ${participant === undefined ? 'null::bigint' : timestampNs(participant)} as participant_ns,
      ${asInteger(sequence, 'bigint')} as sequence_number,
      ${id === undefined ? 'null::varchar' : `nullif(trim(${id.sql}::varchar), '')`} as trade_id,
      ${asInteger(roles.find('exchange'))} as exchange, ${asInteger(roles.find('trf'))} as trf_id,
      ${conditions} as conditions, ${correction} as correction,
      ${millionths(given(price))} as price_e6, ${millionths(sizeSql)} as shares_e6,
      ${asInteger(roles.find('tape'))} as tape, ${side(bid)} as own_bid_e6, ${side(ask)} as own_ask_e6,
      coalesce(list_has_any(${conditions}, [${DROPPED_CONDITIONS}]), false)
        or coalesce(${correction} in (${DROPPED_CORRECTIONS}), false) as dropped`,
  };
}

/** The select list that stages a quotes file. A missing or zero side is NULL: there was no quote on that side. */
export function quotesSelect(
  roles: ColumnRoles,
  options: {
    date: (sipSql: string) => string;
    clock: 'participant' | 'sip';
    loneSymbol: string | undefined;
    literal: (t: string) => string;
  },
): { select: string; hasSymbol: boolean; hasSequence: boolean } {
  const symbol = roles.find('symbol');
  const sipSql = timestampNs(roles.need('sip', 'timestamp'));
  const participant = options.clock === 'participant' ? roles.find('participant') : undefined;
  return {
    hasSymbol: symbol !== undefined,
    hasSequence: roles.find('sequence') !== undefined,
    select: `${symbol === undefined ? options.literal(options.loneSymbol ?? '') : `trim(${symbol.sql})`} as symbol,
      ${options.date(sipSql)} as date, ${sipSql} as sip_ns,
      ${participant === undefined ? sipSql : `coalesce(${timestampNs(participant)}, ${sipSql})`} as quote_ns,
      ${asInteger(roles.find('sequence'), 'bigint')} as sequence_number,
      ${quotedSide(roles.need('bid', 'bid price'))} as bid_e6, ${quotedSide(roles.need('ask', 'ask price'))} as ask_e6`,
  };
}

const DAY_NS = 86_400_000_000_000n;

/**
 * SQL for the market's calendar date of a UTC ns expression, right for every instant from the first session to the
 * last: the zone's offset is constant but for the changes of daylight saving time between them.
 */
export function marketDateSql(sipSql: string, sessions: readonly Session[]): string {
  let sql = '';
  let previous: bigint | undefined;
  for (const session of sessions) {
    // 00:00 in the market's zone is `offset` after 00:00 UTC of the same date
    const offset = ((session.dayStartNs % DAY_NS) + DAY_NS) % DAY_NS;
    if (offset !== previous) {
      sql =
        previous === undefined
          ? `${offset}`
          : `(case when ${sipSql} < ${session.dayStartNs} then ${sql} else ${offset} end)`;
      previous = offset;
    }
  }
  return `date '1970-01-01' + ((${sipSql} - ${sql === '' ? '0' : sql}) // ${DAY_NS})::integer`;
}

/** The days a folder of sessions spans, as half-open UTC ns bounds. */
export function spanNs(sessions: readonly Session[]): { startNs: bigint; endNs: bigint } {
  const first = sessions[0];
  const last = sessions[sessions.length - 1];
  if (first === undefined || last === undefined) return { startNs: 0n, endNs: 0n };
  return { startNs: first.dayStartNs, endNs: last.dayEndNs };
}

/** The day that a file is named for, as flat files are: `2025-07-14.csv.gz`, `trades_2025-07-14.csv`, `quotes-20250714.json`. */
export function dateInName(name: string): string | undefined {
  const found =
    /^(?:(?:us_stocks_sip|trades?|quotes?|v1)[_-])*(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])\.[a-z.]+$/i.exec(
      name,
    );
  if (found === null) return undefined;
  const date = `${found[1]}-${found[2]}-${found[3]}`;
  return addDays(date, 0) === date ? date : undefined;
}
