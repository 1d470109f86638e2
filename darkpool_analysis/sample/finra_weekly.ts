import { addDays, finraDueDate, sessionsOfWeek } from '../market_calendar.js';
import { type DayTotals, noVolume, type Volume } from './day_totals.js';
import { FILLERS, type WeeklyIssue } from './fillers.js';
import { FIRMS, INSTRUMENTS, isAts, LAST_DATE, OTC_FIRMS, productType } from './instruments.js';
import { Random } from './random.js';

const HEADER =
  'weekStartDate,tierIdentifier,tierDescription,summaryTypeCode,issueSymbolIdentifier,issueName,MPID,firmCRDNumber,marketParticipantName,productTypeCode,totalWeeklyShareQuantity,totalWeeklyTradeCount,totalNotionalSum,initialPublishedDate,lastUpdateDate,lastReportedDate\n';
const TIER_DESCRIPTIONS = { T1: 'NMS Tier 1', T2: 'NMS Tier 2', OTCE: 'OTCE' } as const;
/** The largest wholesaler: FINRA's difference to the tape lies in its late and corrected reports. */
const LARGEST_DEALER = FIRMS.length - OTC_FIRMS.length;

/**
 * FINRA's weekly file as it stood on the sample's last day: of each tier the weeks published by then, for each issue
 * the ATS and the non-ATS row and both cuts by firm, which sum to them exactly. The five simulated symbols are the
 * tape's off-exchange volume, but for FINRA's small difference; the fillers are made up.
 */
export function finraWeeklyText(seed: string, weeks: readonly string[], days: readonly DayTotals[]): string {
  const rows: string[] = [];
  for (const week of weeks) {
    for (const instrument of INSTRUMENTS) {
      const { symbol, name, tier } = instrument;
      const issue = { symbol, name, tier, productType: productType(instrument) };
      if (!published(week, tier)) continue;
      const byFirm = firmsOfWeek(
        days.filter((day) => day.symbol === symbol && day.session.weekStart === week),
      );
      const error = weekError(new Random(seed, 'finra', symbol, week), instrument.finraError);
      rows.push(...issueRows(week, issue, withError(byFirm, error)));
    }
    for (const issue of FILLERS) {
      if (!published(week, issue.tier)) continue;
      rows.push(
        ...issueRows(week, issue, inventedWeek(new Random(seed, 'filler', issue.symbol, week), issue)),
      );
    }
  }
  return HEADER + rows.join('');
}

function published(week: string, tier: string): boolean {
  return finraDueDate(week, tier) <= LAST_DATE;
}

function firmsOfWeek(days: readonly DayTotals[]): Volume[] {
  return FIRMS.map((_, firm) => {
    const sum = noVolume();
    for (const { byFirm } of days) {
      const { shares, trades, notional } = byFirm[firm] as Volume;
      sum.shares += shares;
      sum.trades += trades;
      sum.notional += notional;
    }
    return sum;
  });
}

/** FINRA's week ÷ the tape's − 1: nothing or a few shares in most names, half a percent either way in some. */
function weekError(random: Random, deviation: number): number {
  if (deviation === 0) return random.chance(0.6) ? 0 : 2e-5 * random.normal();
  const size = deviation * (0.4 + 0.7 * Math.abs(random.normal()));
  return random.chance(0.5) ? size : -size;
}

function withError(byFirm: readonly Volume[], error: number): Volume[] {
  const total = byFirm.reduce((sum, { shares }) => sum + shares, 0);
  const extra = Math.round(total * error);
  return byFirm.map((volume, firm) => {
    if (firm !== LARGEST_DEALER || extra === 0 || volume.shares + extra <= 0) return volume;
    const factor = (volume.shares + extra) / volume.shares;
    return {
      shares: volume.shares + extra,
      trades: Math.max(1, Math.round(volume.trades * factor)),
      notional: volume.notional * factor,
    };
  });
}

/** A filler's week: a level of its own, a few of the firms. */
function inventedWeek(random: Random, { weeklyShares, price }: WeeklyIssue): Volume[] {
  return FIRMS.map(({ weight }, firm) => {
    // ATS matter less in small names; the largest dealer is always there, so that both cuts have a row.
    const part = weight * (isAts(firm) ? 0.35 : 0.65);
    if (firm !== 0 && firm !== LARGEST_DEALER && random.chance(0.45)) return noVolume();
    const shares = Math.max(1, Math.round(weeklyShares * part * Math.exp(0.3 * random.normal())));
    const trades = Math.max(1, Math.round(shares / (60 + random.exponential(80))));
    return { shares, trades, notional: shares * price * (1 + 0.02 * random.normal()) };
  });
}

function issueRows(week: string, issue: WeeklyIdentity, byFirm: readonly Volume[]): string[] {
  const rows: string[] = [];
  for (const cut of ['ATS', 'OTC'] as const) {
    const total = noVolume();
    const firmRows: string[] = [];
    byFirm.forEach((volume, index) => {
      const firm = FIRMS[index];
      if (firm === undefined || isAts(index) !== (cut === 'ATS') || volume.trades === 0) return;
      // Cents are summed as they are written, so that the dollars of both cuts agree too.
      const notional = Math.round(volume.notional * 100) / 100;
      total.shares += volume.shares;
      total.trades += volume.trades;
      total.notional += notional;
      const who = `${firm.mpid},${firm.crd ?? ''},${firm.name}`;
      firmRows.push(row(week, issue, `${cut}_W_SMBL_FIRM`, who, { ...volume, notional }));
    });
    if (firmRows.length > 0) rows.push(row(week, issue, `${cut}_W_SMBL`, ',,', total), ...firmRows);
  }
  return rows;
}

type WeeklyIdentity = Pick<WeeklyIssue, 'symbol' | 'name' | 'tier' | 'productType'>;

function row(week: string, issue: WeeklyIdentity, cut: string, who: string, volume: Volume): string {
  const { symbol, name, tier } = issue;
  const due = finraDueDate(week, tier);
  const lastSession = sessionsOfWeek(week).at(-1)?.date ?? addDays(week, 4);
  return `${week},${tier},${TIER_DESCRIPTIONS[tier]},${cut},${symbol},${name},${who},${issue.productType},${
    volume.shares
  },${volume.trades},${volume.notional.toFixed(2)},${due},${due},${lastSession}\n`;
}
