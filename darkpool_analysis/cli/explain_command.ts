import type { DateTime } from 'luxon';
import type { Config } from '../config.js';
import { PublishedDatabase } from '../db.js';
import { SIMULATED } from '../disclaimer.js';
import { addDays, nyDate } from '../market_calendar.js';
import { asOf } from '../questions/as_of.js';
import {
  type DayVolume,
  type ExplainedDay,
  type Explanation,
  explain,
  explainQueries,
  type FinraWeek,
  type PrintCounts,
  type PrintKind,
  queryText,
  type SourcePiece,
} from '../questions/explain.js';
import { ratio, wrap } from '../terminal.js';

/** What a rule does, in a few words, and whom it follows (facts of trade direction). */
const RULES: ReadonlyMap<string, string> = new Map([
  ['OptionB_v1 NBBO', '≥ ask bought, ≤ bid sold, else neutral (the quote part of Ellis et al. 2000)'],
  ['OptionB_v1 TICK', 'above the last trade bought, below sold, equal neutral (tick, Lee & Ready 1991)'],
  ['Tick_v1', 'against the last different price (tick test, Lee & Ready 1991)'],
  ['Quote_v1', 'above the midpoint bought, below it sold (Harris 1989)'],
  ['LeeReady_v1', 'by the midpoint, at it by the tick test (Lee & Ready 1991)'],
  ['EMO_v1', 'at the ask or bid by the quote, else tick test (Ellis et al. 2000)'],
  ['CLNV_v1', 'near the ask or bid by the quote, else tick test (Chakrabarty et al. 2007)'],
  ['BVC_v1', 'minute bars, bulk volume classification (Easley et al. 2012)'],
  ['Direct_v1', 'the off-exchange prints themselves, signed as in 3'],
]);

interface Asked {
  readonly ticker: string;
  readonly date: string;
  /** The inference version to show; the summary's own when undefined. */
  readonly version?: string | undefined;
  /** Sees only what was known at the end of this day (ISO). */
  readonly asOf?: string | undefined;
}

/** The explanation and the queries behind it, from the published database. */
export async function askExplain(
  config: Config,
  { ticker, date, version, asOf: past }: Asked,
  now: DateTime,
): Promise<{ explanation: Explanation; queries: { name: string; sql: string }[] }> {
  const db = await PublishedDatabase.open(config.DATA_DIR);
  try {
    const newest = await db.row<{ date: string | null }>(
      'select max(date)::varchar as date from darkpool_daily_summary',
    );
    const origin = await db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
    // A sample lives on its own days.
    const present =
      origin?.value === 'sample' && newest?.date != null ? addDays(newest.date, 1) : nyDate(now);
    const today = past ?? present;
    if (past !== undefined) await asOf(db, past);
    const explanation = await explain(db, {
      symbol: ticker,
      date,
      today,
      ...(version === undefined ? {} : { version }),
    });
    const { symbol } = explanation.day;
    const queries = explainQueries({ symbol, date, version }).map((query) => ({
      name: query.name,
      sql: queryText(query),
    }));
    return { explanation, queries };
  } finally {
    db.close();
  }
}

/** The queries one after the other, as they can be pasted into a DuckDB session. */
export function describeQueries(queries: readonly { name: string; sql: string }[]): string {
  return queries.map(({ name, sql }) => `-- ${name}\n${sql}`).join('\n\n');
}

/** One screen that walks from the raw counts to the summary row; at most 80 columns. */
export function describeExplain(explained: Explanation): string {
  return [
    header(explained.day),
    ...printLines(explained),
    ...directionLines(explained),
    ...offExchangeLines(explained),
    ...volumeLines(explained),
    ...resultLines(explained),
    ...sourceLines(explained),
    wrap(explained.disclaimer),
  ].join('\n');
}

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const FRACTION = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** Shares or trades in full; fractions only where they would vanish. */
function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Math.abs(value) < 100 ? FRACTION.format(value) : COUNT.format(value);
}

/** One print, two prints. */
function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? '–' : `${value.toFixed(digits)} %`;
}

function usd(value: number | null, step: number): string {
  return value === null ? '–' : value.toFixed(step < 0.01 ? 4 : 2);
}

/** Words under a heading. */
function said(words: string): string {
  return wrap(words, 80, '  ');
}

/** Cells of fixed width, numbers to the right. */
function row(label: string, cells: readonly string[], widths: readonly number[]): string {
  const labelWidth = 80 - widths.reduce((sum, width) => sum + width, 0);
  return `${label.padEnd(labelWidth)}${cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('')}`.trimEnd();
}

function header(day: ExplainedDay): string {
  const simulated = day.origin === 'sample' ? ` · ${SIMULATED}` : '';
  const hours = `${day.regular_start}–${day.regular_end} ${day.market_tz}${day.early_close ? ' (early close)' : ''}`;
  return wrap(`${day.symbol} · ${day.weekday.slice(0, 3)} ${day.date} · ${hours}${simulated}`);
}

function printLines({ prints, volume }: Explanation): string[] {
  const of = (venue: PrintCounts['venue']) => prints.find((counts) => counts.venue === venue);
  const [all, lit, off] = [of('all'), of('lit'), of('off')];
  if (all === undefined) {
    const from =
      volume.tape_source !== null && volume.tape_source !== 'trades'
        ? `; ${volume.tape_source} has the day’s totals`
        : '';
    return ['', `1 PRINTS  none stored of this day${from}`];
  }
  const widths = [11, 13, 11, 13];
  const line = (label: string, of: (counts: PrintCounts) => readonly [number, number]) => {
    const cells = [lit, off].flatMap((counts) =>
      counts === undefined ? ['–', '–'] : of(counts).map((value) => count(value)),
    );
    return row(`  ${label}`, cells, widths);
  };
  const quoted = (name: string, counts: PrintCounts | undefined) =>
    counts === undefined || counts.quoted_pct === null ? [] : [`${name} ${percent(counts.quoted_pct)}`];
  const coverage = [...quoted('lit', lit), ...quoted('off exch.', off)].join(', ');
  const locked = all.locked_or_crossed_trades;
  return [
    '',
    row('1 PRINTS', ['lit trades', 'shares', 'off-exch.', 'shares'], widths),
    line('stored', (counts) => [counts.trades, counts.shares]),
    line('− outside regular hours', (counts) => [counts.outside_hours_trades, counts.outside_hours_shares]),
    line('− conditions never signed', (counts) => [counts.never_sign_trades, counts.never_sign_shares]),
    line('− auctions', (counts) => [counts.auction_trades, counts.auction_shares]),
    line('= can be signed', (counts) => [counts.signable_trades, counts.signable_shares]),
    said(
      `NBBO before the trade: ${coverage === '' ? '–' : coverage}${locked > 0 ? `; ${count(locked)} locked or crossed` : ''}`,
    ),
    said(
      `all ${count(all.trades)} trades, ${count(all.shares)} shares; cleaned of re-reports before storing`,
    ),
  ];
}

function directionLines({ day, directions, prints, result }: Explanation): string[] {
  const version = result?.inference_version ?? directions[0]?.inference_version ?? null;
  const rule = directions.find((found) => found.inference_version === version);
  const lines = [''];
  if (rule === undefined) {
    const lit = prints.find((counts) => counts.venue === 'lit');
    const why =
      prints.length === 0
        ? 'no trades of the day'
        : lit === undefined
          ? 'no lit trade that day'
          : 'no lit trade in regular hours';
    lines.push(`2 DIRECTION  ${why}: no rule has anything to go by, ratio –`);
  } else {
    const { inference_version: name, classification_method: method } = rule;
    lines.push(`2 DIRECTION  ${name}, method ${method}`);
    lines.push(said(`${RULES.get(`${name} ${method}`) ?? RULES.get(name) ?? ''}.`));
    if (method === 'TICK' && name !== 'Tick_v1') lines.push(...whyTick(name, prints));
    const signed =
      rule.signed_trades_pct === null ? '' : `; ${percent(rule.signed_trades_pct)} of trades signed`;
    lines.push(
      said(
        `bought ${count(rule.buy_shares)}, sold ${count(rule.sell_shares)}, neutral ${count(rule.neutral_shares)}${signed}`,
      ),
      rule.buy_ratio === null
        ? said(
            `buy ratio –: ${count(rule.signed_shares)} signed shares are below MIN_LIT_VOLUME ${count(day.min_lit_shares)}`,
          )
        : said(
            `buy ratio ${ratio(rule.buy_ratio)}; ${ratio(rule.buy_ratio_low)} if all neutral were sold, ${ratio(rule.buy_ratio_high)} if all bought`,
          ),
    );
  }
  const others = directions.filter((found) => found !== rule);
  if (others.length > 0) {
    lines.push(
      said(
        `also ran: ${others.map((found) => `${found.inference_version} ${ratio(found.buy_ratio)}`).join(', ')}; spread ${ratio(directions[0]?.version_spread)}`,
      ),
    );
  }
  return lines;
}

function whyTick(name: string, prints: readonly PrintCounts[]): string[] {
  const lit = prints.find((counts) => counts.venue === 'lit');
  if (lit === undefined) return [];
  if (lit.quoted_trades === 0) return [said('No quotes came with the day, so the tick test stands in.')];
  if (name !== 'OptionB_v1') return [];
  return [
    said(
      `The NBBO is there before ${count(lit.quoted_trades)} of ${count(lit.signable_trades)} signable trades, not all: the whole day goes by the tick test.`,
    ),
  ];
}

const KINDS: Readonly<Record<PrintKind['kind'], string>> = {
  retail: 'retail',
  mid: 'at the midpoint',
  other: 'other',
  not_signable: 'cannot be signed',
  all: 'all, whole day',
};

function offExchangeLines({ off_exchange: kinds, profile }: Explanation): string[] {
  const all = kinds.find(({ kind }) => kind === 'all');
  if (all === undefined) return ['', '3 OFF-EXCHANGE  no prints stored of this day'];
  const widths = [10, 12, 12, 12, 12];
  const lines = [
    '',
    row('3 OFF-EXCHANGE', ['prints', 'shares', 'bought', 'sold', 'no side'], widths),
    ...kinds.map((kind) =>
      row(
        `  ${KINDS[kind.kind]}`,
        [
          count(kind.trades),
          count(kind.shares),
          ...(kind.kind === 'mid' || kind.kind === 'not_signable'
            ? ['–', '–']
            : [count(kind.buy_shares), count(kind.sell_shares)]),
          count(kind.no_side_shares),
        ],
        widths,
      ),
    ),
    said(`buy ratio ${ratio(all.buy_ratio)}; retail by BJZZ 2021 and QMP 2024, other by CLNV 2007`),
    said(
      `${counted(all.block_trades, 'block')} (10,000 shares or $200,000), ${count(all.block_shares)} shares; ${counted(all.late_trades, 'late print')}, ${count(all.late_shares)}`,
    ),
  ];
  if (profile !== null && profile.point_of_control_usd !== null) {
    const { level_step_usd: step } = profile;
    lines.push(
      said(
        `most at $${usd(profile.point_of_control_usd, step)}, 70 % within $${usd(profile.value_area_low_usd, step)}–${usd(profile.value_area_high_usd, step)}; busiest half hour ${profile.busiest_half_hour ?? '–'} (${percent(profile.busiest_pct, 0)})`,
      ),
    );
  }
  return lines;
}

function volumeLines({ volume, finra_weeks: weeks, missed_bases: missed }: Explanation): string[] {
  const prints =
    volume.tape_prints === null
      ? ''
      : `${counted(volume.tape_prints, 'print')}${volume.tape_source === 'trades' ? '' : `, from ${volume.tape_source}`}`;
  const lines = [
    '',
    '4 OFF-EXCHANGE VOLUME, shares',
    amount('tape, whole day', volume.tape_shares, prints),
    amount(
      'Reg SHO',
      volume.regsho_shares,
      volume.regsho_shares === null ? '' : 'regular hours, media-reported',
    ),
  ];
  if (weeks.length === 0) lines.push(amount(`FINRA week of ${volume.week_start}`, null, ''));
  for (const week of weeks) {
    lines.push(amount(`FINRA week of ${week.week_start}`, week.total_shares, cuts(week)));
    lines.push(said(published(week)));
  }
  lines.push(said(chosen(volume)));
  for (const { basis, why } of missed) lines.push(said(`not ${basis}: ${why}.`));
  if (volume.first_estimate_error_pct !== null) {
    lines.push(
      said(
        `first said, from ${volume.first_estimate_basis}: ${count(volume.first_estimate_shares)}, off by ${percent(volume.first_estimate_error_pct, 2)}`,
      ),
    );
  }
  return lines;
}

function amount(label: string, shares: number | null, words: string): string {
  return `  ${label.padEnd(25)}${count(shares).padStart(14)}  ${words}`.trimEnd();
}

function cuts(week: FinraWeek): string {
  if (week.ats_shares === null && week.non_ats_shares === null) return week.tier;
  return `ATS ${count(week.ats_shares)} + non-ATS ${count(week.non_ats_shares)}`;
}

function published(week: FinraWeek): string {
  const when =
    week.initial_published === null
      ? `visible from ${week.visible_from} (by FINRA’s clock: the source has no date)`
      : `published ${week.initial_published}, last update ${week.last_update ?? '–'}`;
  return `${week.tier}, ${when}, ${week.versions === 1 ? 'one version' : `newest of ${week.versions} versions`} stored`;
}

function chosen(volume: DayVolume): string {
  const total = count(volume.off_exchange_shares);
  const consolidated =
    volume.off_exchange_pct === null
      ? ''
      : `, ${percent(volume.off_exchange_pct)} of all ${count(volume.consolidated_shares)}`;
  switch (volume.volume_basis) {
    case 'finra_week': {
      const [name, of] =
        volume.week_split_by === 'tape'
          ? ['tape', volume.tape_shares]
          : ['Reg SHO volume', volume.regsho_shares];
      return `→ basis finra_week: ${count(volume.finra_week_shares)} × ${percent(volume.day_of_week_pct, 2)} (day’s ${name} ${count(of)} of the week’s ${count(volume.week_split_shares)}) = ${total}${consolidated}`;
    }
    case 'tape':
      return `→ basis tape: ${count(volume.tape_shares)} × ${factor(volume, 'tape')} = ${total}${consolidated}`;
    case 'regsho':
      return `→ basis regsho: ${count(volume.regsho_shares)} × ${factor(volume, 'Reg SHO')} = ${total}${consolidated}`;
    case 'week_total':
      return `→ basis week_total: the last published week as a whole, ${total}: a week’s number, never to be added to a day’s`;
    default:
      return `→ no basis: volume –${volume.consolidated_shares === null ? '' : `; all venues together ${count(volume.consolidated_shares)}`}`;
  }
}

function factor(volume: DayVolume, name: string): string {
  const value = volume.factor === null ? '–' : volume.factor.toFixed(4);
  const weeks = volume.factor_weeks ?? 0;
  if (weeks > 0) return `${value} (median FINRA / ${name}, ${weeks} weeks)`;
  return volume.factor === 1
    ? `${value} (assumed, under 4 published weeks)`
    : `${value} (the market’s FINRA / ${name}, under 4 weeks of its own)`;
}

function resultLines({ day, result }: Explanation): string[] {
  if (result === null) return ['', '5 ESTIMATED FLOW  – (the day has no row in darkpool_daily_summary)'];
  const source = result.is_summary
    ? ', the row of darkpool_daily_summary'
    : `; the summary goes by ${result.summary_version ?? '–'}`;
  const lines = ['', `5 ESTIMATED FLOW  ${result.inference_version}${source}`];
  if (result.estimated_bought_shares === null) {
    lines.push(said('bought –, sold –, no signal: the volume has no ratio to be split by.'));
    return lines;
  }
  const bounds = (low: number | null, high: number | null) => `bounds ${count(low)} to ${count(high)}`;
  const line = (label: string, formula: string, shares: number | null, words: string) =>
    `  ${label.padEnd(7)}${formula.padEnd(20)} = ${count(shares).padStart(11)}  ${words}`;
  const volume = count(result.off_exchange_shares);
  lines.push(
    line(
      'bought',
      `${volume} × ${ratio(result.buy_ratio)}`,
      result.estimated_bought_shares,
      bounds(result.estimated_bought_low_shares, result.estimated_bought_high_shares),
    ),
    line(
      'sold',
      `${volume} − bought`,
      result.estimated_sold_shares,
      bounds(result.estimated_sold_low_shares, result.estimated_sold_high_shares),
    ),
    said(
      `bought / sold = ${ratio(result.buy_sell_ratio)}; BOT above ${day.bot_threshold ?? '–'}, SELL below ${day.sell_threshold ?? '–'} → ${result.signal ?? 'no signal'}${result.period_type === 'weekly' ? ' (of a week’s volume)' : ''}`,
    ),
  );
  return lines;
}

function sourceLines({ sources, run }: Explanation): string[] {
  const times = [...new Set(sources.map((piece) => piece.fetched_utc))];
  const lines = ['', `6 SOURCES, fetched (UTC)${sources.length === 0 ? '  none in the ingest log' : ''}`];
  for (const time of times) {
    const pieces = sources.filter((piece) => piece.fetched_utc === time);
    lines.push(said(`${time} ${pieces.map(pieceWords).join(' · ')}`));
  }
  if (run !== null) {
    lines.push(said(`run ${run.run_id} (${run.data_source}, ${run.run_mode}) at ${run.started_utc}`));
  }
  lines.push('');
  return lines;
}

/** Tables speak of their own symbol and day; what else a piece is of, it says. */
function pieceWords({ source, subjects, pieces, status, rows, period }: SourcePiece): string {
  const of =
    source === 'finra_regsho_daily'
      ? ` ${subjects}`
      : source === 'finra_otc_weekly'
        ? ` ${counted(pieces, 'cut')}`
        : source === 'tape_totals_daily'
          ? ` ${period}`
          : '';
  return `${source}${of} ${status === 'ok' ? counted(rows, 'row') : status}`;
}
