import { editDistance } from '../config.js';
import { type Sql, type SqlParams, sqlText } from '../db.js';
import { disclaimerFor } from '../disclaimer.js';
import { ConfigError, DataError } from '../errors.js';
import { holidayName, sessionOn } from '../market_calendar.js';
import { canonicalSymbol, INDEX_OPTION_ROOTS } from '../symbols.js';

/** The day, its session and the settings its numbers were made with. Thresholds are on bought / sold. */
export interface ExplainedDay {
  readonly symbol: string;
  readonly date: string;
  readonly weekday: string;
  readonly week_start: string;
  readonly early_close: boolean;
  /** `HH:MM` in `market_tz`; the end is that of the early close where there is one. */
  readonly regular_start: string;
  readonly regular_end: string;
  readonly market_tz: string;
  readonly match_clock: string;
  readonly origin: string;
  readonly name: string | null;
  /** Versions that run, comma-separated, the summaries' own first. */
  readonly inference_versions: string | null;
  readonly min_lit_shares: number | null;
  readonly bot_threshold: number | null;
  readonly sell_threshold: number | null;
}

/** Stored trades of a venue by what keeps them from being signed; `all` sums both. */
export interface PrintCounts {
  readonly venue: 'lit' | 'off' | 'all';
  readonly trades: number;
  readonly shares: number;
  readonly outside_hours_trades: number;
  readonly outside_hours_shares: number;
  readonly never_sign_trades: number;
  readonly never_sign_shares: number;
  readonly auction_trades: number;
  readonly auction_shares: number;
  readonly signable_trades: number;
  readonly signable_shares: number;
  /** Of the signable ones: a two-sided NBBO was there before. */
  readonly quoted_trades: number;
  readonly quoted_shares: number;
  readonly locked_or_crossed_trades: number;
  readonly quoted_pct: number | null;
}

/** What one rule says of the day. */
export interface RuleResult {
  readonly inference_version: string;
  readonly classification_method: string;
  readonly buy_shares: number;
  readonly sell_shares: number;
  readonly neutral_shares: number;
  readonly signed_shares: number;
  readonly buy_ratio: number | null;
  readonly buy_ratio_low: number | null;
  readonly buy_ratio_high: number | null;
  readonly lit_trades: number | null;
  readonly signed_trades_pct: number | null;
  readonly version_spread: number | null;
}

/** Off-exchange prints by what signs them. */
export interface PrintKind {
  readonly kind: 'retail' | 'mid' | 'other' | 'not_signable' | 'all';
  readonly trades: number;
  readonly shares: number;
  readonly buy_shares: number;
  readonly sell_shares: number;
  readonly no_side_shares: number;
  readonly buy_ratio: number | null;
  readonly block_trades: number;
  readonly block_shares: number;
  readonly late_trades: number;
  readonly late_shares: number;
}

export interface DayProfile {
  readonly point_of_control_usd: number | null;
  readonly value_area_low_usd: number | null;
  readonly value_area_high_usd: number | null;
  readonly level_step_usd: number;
  readonly profiled_shares: number;
  readonly busiest_half_hour: string | null;
  readonly busiest_shares: number | null;
  readonly busiest_pct: number | null;
}

/** Every volume of the day and the basis chosen among them. */
export interface DayVolume {
  readonly week_start: string;
  readonly volume_basis: 'finra_week' | 'tape' | 'regsho' | 'week_total' | null;
  readonly off_exchange_shares: number | null;
  readonly tape_shares: number | null;
  readonly tape_prints: number | null;
  readonly tape_source: string | null;
  readonly regsho_shares: number | null;
  readonly factor: number | null;
  readonly factor_weeks: number | null;
  readonly consolidated_shares: number | null;
  readonly off_exchange_pct: number | null;
  readonly finra_week_start: string | null;
  readonly finra_week_shares: number | null;
  /** FINRA's number for the day's own week, when it is published. */
  readonly own_week_shares: number | null;
  /** What gives the day its part of the week. */
  readonly week_split_by: 'tape' | 'regsho' | null;
  readonly week_split_shares: number | null;
  readonly day_of_week_pct: number | null;
  readonly week_sessions: number;
  readonly week_tape_sessions: number;
  readonly week_regsho_sessions: number;
  /** Tier of the symbol in the newest week FINRA published of it. */
  readonly tier: string | null;
  readonly week_tier_cuts_loaded: number;
  readonly week_cuts_loaded: number;
  readonly due_tier_1: string;
  readonly due_other_tiers: string;
  readonly first_estimate_basis: string | null;
  readonly first_estimate_shares: number | null;
  readonly first_estimate_utc: string | null;
  readonly first_estimate_error_pct: number | null;
}

/** FINRA's week behind the volume, newest version, and how many versions of it were stored. */
export interface FinraWeek {
  readonly week_start: string;
  readonly tier: string;
  readonly ats_shares: number | null;
  readonly non_ats_shares: number | null;
  readonly total_shares: number | null;
  readonly versions: number;
  readonly initial_published: string | null;
  readonly last_update: string | null;
  readonly visible_from: string;
  readonly fetched_utc: string;
  readonly source: string;
}

/** Estimated flow; low and high from the volume without a side all sold, all bought. */
export interface EstimatedFlow {
  readonly inference_version: string;
  readonly summary_version: string | null;
  readonly is_summary: boolean;
  readonly classification_method: string | null;
  readonly off_exchange_shares: number | null;
  readonly buy_ratio: number | null;
  readonly estimated_bought_shares: number | null;
  readonly estimated_sold_shares: number | null;
  readonly estimated_bought_low_shares: number | null;
  readonly estimated_bought_high_shares: number | null;
  readonly estimated_sold_low_shares: number | null;
  readonly estimated_sold_high_shares: number | null;
  readonly buy_sell_ratio: number | null;
  readonly signal: 'BOT' | 'SELL' | null;
  readonly period_type: 'daily' | 'weekly' | null;
}

export interface SourcePiece {
  readonly source: string;
  readonly period: string;
  readonly status: string;
  /** Symbols, families, or tiers and cuts. */
  readonly subjects: string;
  readonly pieces: number;
  readonly rows: number;
  readonly fetched_utc: string;
  readonly message: string | null;
}

export interface LastRun {
  readonly run_id: string;
  readonly started_utc: string;
  readonly data_source: string;
  readonly run_mode: string;
  readonly first_date: string | null;
  readonly last_date: string | null;
  readonly exit_code: number | null;
}

/** A basis that would have been better, and why it was not to be had. */
export interface MissedBasis {
  readonly basis: 'finra_week' | 'tape' | 'regsho';
  readonly why: string;
}

/** The walk from raw counts to the summary row. Where a list has no row for something, it is not there: never 0. */
export interface Explanation {
  readonly day: ExplainedDay;
  readonly prints: readonly PrintCounts[];
  readonly directions: readonly RuleResult[];
  readonly off_exchange: readonly PrintKind[];
  readonly profile: DayProfile | null;
  readonly volume: DayVolume;
  readonly missed_bases: readonly MissedBasis[];
  readonly finra_weeks: readonly FinraWeek[];
  readonly result: EstimatedFlow | null;
  readonly sources: readonly SourcePiece[];
  readonly run: LastRun | null;
  readonly disclaimer: string;
}

/** A question's query by the name of its file, and what fills its parameters. */
export interface NamedQuery {
  readonly name: string;
  readonly params: SqlParams;
}

/** The queries behind every number of an explanation, in the order of the screen. */
export function explainQueries(what: {
  readonly symbol: string;
  readonly date: string;
  readonly version?: string | undefined;
}): NamedQuery[] {
  const { symbol, date, version = '' } = what;
  const day = { symbol, date };
  return [
    { name: 'explain_day', params: day },
    { name: 'explain_prints', params: day },
    { name: 'explain_directions', params: day },
    { name: 'explain_off_exchange', params: day },
    { name: 'explain_profile', params: day },
    { name: 'explain_volume', params: day },
    { name: 'explain_finra_week', params: day },
    { name: 'explain_result', params: { ...day, version } },
    { name: 'explain_sources', params: day },
    { name: 'explain_run', params: {} },
  ];
}

/** A query's text with its text parameters filled in, as it can be pasted into any DuckDB session on the database. */
export function queryText({ name, params }: NamedQuery): string {
  // text literals and comments are stepped over: a `$` in them names no parameter
  return sqlText(`questions/${name}`)
    .trimEnd()
    .replace(/'(?:[^']|'')*'|--[^\n]*|\$([a-z_]+)/g, (found, parameter: string | undefined) => {
      if (parameter === undefined) return found;
      const value = params[parameter];
      if (typeof value !== 'string') throw new Error(`${name}: no text is given for $${parameter}`);
      return `'${value.replaceAll("'", "''")}'`;
    });
}

/**
 * The symbol meant by what was typed: exactly that, else FINRA's spelling of it, else the upper case.
 * @throws ConfigError naming near symbols when no source knows any of them.
 */
export async function knownSymbol(sql: Sql, typed: string): Promise<string> {
  const canonical = canonicalSymbol(typed);
  const spellings = [typed.trim(), canonical, canonical.toUpperCase()];
  const found = await sql.rowsOfFile<{ symbol: string }>('questions/explain_symbols', { spellings });
  const known = new Set(found.map(({ symbol }) => symbol));
  const symbol = spellings.find((spelling) => known.has(spelling));
  if (symbol !== undefined) return symbol;
  if (INDEX_OPTION_ROOTS.has(canonical.toUpperCase())) {
    throw new ConfigError(
      `${typed} is an index option root: FINRA reports no equity volume for it, so there is nothing to explain.`,
    );
  }
  const all = await sql.rowsOfFile<{ symbol: string; daily: boolean }>('questions/explain_symbols', {
    spellings: [],
  });
  throw new ConfigError(`${typed}: no source in this database knows that ticker${suggestion(typed, all)}`);
}

function suggestion(typed: string, all: readonly { symbol: string; daily: boolean }[]): string {
  const wanted = typed.trim().toUpperCase();
  const most = wanted.length <= 3 ? 1 : 2;
  const near = all
    .map(({ symbol, daily }) => ({ symbol, daily, distance: editDistance(symbol.toUpperCase(), wanted) }))
    .filter(({ distance }) => distance <= most)
    .sort(
      (a, b) =>
        a.distance - b.distance || Number(b.daily) - Number(a.daily) || (a.symbol < b.symbol ? -1 : 1),
    )
    .slice(0, 5);
  if (near.length > 0) return `; did you mean ${near.map(({ symbol }) => symbol).join(', ')}?`;
  const daily = all.filter((row) => row.daily).map(({ symbol }) => symbol);
  if (daily.length === 0) return '.';
  return `; it has daily rows of ${daily.slice(0, 8).join(', ')}${daily.length > 8 ? ` and ${daily.length - 8} more` : ''}.`;
}

/**
 * Walks from a day's raw counts to its summary row.
 * @param what `version`: the inference version to show, the summary's own when left out; `today`: ISO date in New York
 * @throws ConfigError for a ticker nobody knows, a day without a session or still to come, a version that did not run;
 *   DataError where the day's data are not there, saying what is missing.
 */
export async function explain(
  sql: Sql,
  what: { readonly symbol: string; readonly date: string; readonly version?: string; readonly today: string },
): Promise<Explanation> {
  const { date, today, version } = what;
  if (sessionOn(date) === undefined) {
    throw new ConfigError(
      `${date} has no session (${holidayName(date) ?? 'closed'}): there is nothing to explain.`,
    );
  }
  const symbol = await knownSymbol(sql, what.symbol);
  const queries = new Map(
    explainQueries({ symbol, date, version }).map((query) => [query.name, query.params]),
  );
  const ask = <T>(name: string) => sql.rowsOfFile<T>(`questions/${name}`, queries.get(name) ?? {});
  const [day] = await ask<ExplainedDay>('explain_day');
  const [volume] = await ask<DayVolume>('explain_volume');
  const prints = await ask<PrintCounts>('explain_prints');
  if (day === undefined || volume === undefined) {
    throw new DataError(`The database has no calendar for ${date}: run \`darkpool run\` first.`);
  }
  const [result] = await ask<EstimatedFlow>('explain_result');
  if (result === undefined && prints.length === 0 && volume.tape_shares === null) {
    throw await nothingHeld(sql, { symbol, date, today, simulated: day.origin === 'sample' });
  }
  const directions = await ask<RuleResult>('explain_directions');
  const configured = day.inference_versions?.split(',') ?? [];
  const ran = new Set([...configured, ...directions.map((rule) => rule.inference_version)]);
  if (version !== undefined && !ran.has(version)) {
    throw new ConfigError(
      `${version} has not run for ${symbol} on ${date}, only ${[...ran].join(', ')}: \`darkpool run --inference-version ${[...ran, version].join(',')}\` adds it.`,
    );
  }
  const sources = await ask<SourcePiece>('explain_sources');
  const [profile] = await ask<DayProfile>('explain_profile');
  const [run] = await ask<LastRun>('explain_run');
  return {
    day,
    prints,
    directions,
    off_exchange: await ask<PrintKind>('explain_off_exchange'),
    profile: profile ?? null,
    volume,
    missed_bases: missedBases(symbol, volume, sources, today),
    finra_weeks: await ask<FinraWeek>('explain_finra_week'),
    result: result ?? null,
    sources,
    run: run ?? null,
    disclaimer: disclaimerFor(
      result === undefined ? directions.map((rule) => rule.inference_version) : [result.inference_version],
    ),
  };
}

async function nothingHeld(
  sql: Sql,
  what: {
    readonly symbol: string;
    readonly date: string;
    readonly today: string;
    readonly simulated: boolean;
  },
): Promise<ConfigError | DataError> {
  const { symbol, date, today, simulated } = what;
  const [held] = await sql.rowsOfFile<{
    first_date: string | null;
    last_date: string | null;
    newest_date: string | null;
    has_regsho: boolean;
    has_finra: boolean;
    trades_absent: boolean;
  }>('questions/explain_held', { symbol, date });
  const range =
    held?.first_date == null
      ? `no day of ${symbol} is held yet`
      : `${symbol} is held from ${held.first_date} to ${held.last_date}`;
  if (simulated && held?.newest_date != null && date > held.newest_date) {
    return new ConfigError(
      `${date} is after the simulated market's last session, ${held.newest_date}: give a day up to then, or DATA_SOURCE=live.`,
    );
  }
  if (date > today) {
    return new ConfigError(
      `${date} is still to come: its trades and Reg SHO volume are there the evening it closes, FINRA's week three to five weeks later.`,
    );
  }
  if (date === today) {
    return new DataError(
      `${symbol} on ${date} is not computed yet: its trades and Reg SHO volume are there in the evening, then \`darkpool run\` computes it; ${range}.`,
    );
  }
  if (held?.first_date == null) {
    const here = [held?.has_finra ? "FINRA's weeks" : '', held?.has_regsho ? 'Reg SHO' : ''].filter(Boolean);
    const though = here.length === 0 ? '' : `, though the database has ${here.join(' and ')} of it`;
    return new DataError(
      `${symbol} is not on the watch list${though}. Compute the day with \`darkpool run --tickers ${symbol} --from ${date} --to ${date}\`.`,
    );
  }
  return new DataError(
    `${symbol} has nothing on ${date}${held.trades_absent ? ' (its source was asked and has no trades of that day)' : ''}; ${range}. \`darkpool run --tickers ${symbol} --from ${date} --to ${date}\` asks for it.`,
  );
}

/** Why the bases better than the chosen one were not to be had, best first (SPEC.md, daily off-exchange volume). */
function missedBases(
  symbol: string,
  volume: DayVolume,
  sources: readonly SourcePiece[],
  today: string,
): MissedBasis[] {
  const missed: MissedBasis[] = [];
  if (volume.volume_basis === 'finra_week') return missed;
  missed.push({ basis: 'finra_week', why: whyNoFinraWeek(symbol, volume, today) });
  if (volume.volume_basis === 'tape') return missed;
  const trades = sources.find((piece) => piece.source === 'polygon_trades');
  missed.push({
    basis: 'tape',
    why:
      trades?.status === 'absent'
        ? 'no tape of the day: its source was asked and has no trades'
        : trades?.status === 'ok'
          ? 'no tape of the day: its trades come without an exchange, so none is known to be off exchange'
          : trades?.status === 'error'
            ? `no tape of the day: its trades failed (${trades.message ?? 'no reason kept'})`
            : 'no tape of the day: its trades were not asked for',
  });
  if (volume.volume_basis === 'regsho') return missed;
  const regsho = sources.find((piece) => piece.source === 'finra_regsho_daily');
  missed.push({
    basis: 'regsho',
    why:
      regsho?.status === 'ok'
        ? `the Reg SHO file of the day has no row of ${symbol}`
        : regsho === undefined
          ? 'the Reg SHO file of the day is not loaded'
          : `the Reg SHO file of the day is not there (${regsho.message ?? regsho.status})`,
  });
  return missed;
}

function whyNoFinraWeek(symbol: string, volume: DayVolume, today: string): string {
  const week = `the week of ${volume.week_start}`;
  if (volume.own_week_shares !== null) {
    const of = (sessions: number) => `${sessions} of ${volume.week_sessions} sessions`;
    return `FINRA has ${week}, but not what share of it was this day's: tape is here for ${of(volume.week_tape_sessions)}, Reg SHO for ${of(volume.week_regsho_sessions)}`;
  }
  const { tier, due_tier_1: tier1, due_other_tiers: others } = volume;
  const due = tier === 'T1' ? tier1 : others;
  if (tier === null ? tier1 > today : due > today) {
    return tier === null
      ? `FINRA publishes ${week} on ${tier1} (Tier 1) or ${others} (other tiers)`
      : `FINRA publishes ${week} on ${due} (${tier})`;
  }
  const loaded = tier === null ? volume.week_cuts_loaded : volume.week_tier_cuts_loaded;
  if (loaded >= 2 && (tier !== null || others <= today)) {
    return `FINRA's file of ${week} is loaded and has no row of ${symbol}`;
  }
  if (loaded === 1) return `only one of FINRA's two cuts (ATS, non-ATS) of ${week} is loaded`;
  if (tier === null && others > today)
    return `FINRA has published Tier 1 of ${week}, without ${symbol}; the other tiers come on ${others}`;
  return `FINRA's file of ${week} (due ${tier === null ? `${tier1} or ${others}` : due}) is not loaded`;
}
