/** The picture of a ticker's weekly off-exchange volume: ATS against non-ATS shares, and the ATS share under it. */
import { DISCLAIMER, SIMULATED } from '../disclaimer.js';
import { dayMs, humanShares, linear, longDate, shortDate } from './axes.js';
import { COLOUR, type KeyEntry, layOut, specText } from './frame.js';
import { plainText } from './inter.js';
import { weeklyVolumeLayers } from './weekly_volume_layers.js';
import {
  ATS,
  type Domain,
  HALF_WEEK,
  isHalf,
  isKnown,
  MIDDLE,
  OTHER,
  type Placement,
  SHARE_PANEL,
  type VolumeData,
  type VolumeWeek,
} from './weekly_volume_plot.js';
import { totalLabels, totalLayer } from './weekly_volume_totals.js';

const MARGIN = { left: 112, right: 56, under: 66 } as const;

/** The specification, or undefined when no week has a volume. */
export function weeklyVolumeSpec(data: VolumeData): string | undefined {
  const { weeks } = data;
  const known = weeks.filter(isKnown);
  const [first, last] = [weeks[0], weeks.at(-1)];
  if (known.length === 0 || first === undefined || last === undefined) return undefined;
  const symbol = plainText(data.symbol);
  const span = `${first === last ? 'Week' : 'Weeks'} of ${longDate(first.week_start)}${first === last ? '' : ` to ${longDate(last.week_start)}`}`;
  const frame = layOut({
    title: `${symbol}: how much traded off exchange, and how much of it in dark pools?`,
    subtitle: [...subtitles(data, known, span)],
    key: [keyOf(weeks)],
    footer: ['Source: FINRA OTC transparency data, weekly totals by symbol.', DISCLAIMER],
    simulated: data.simulated,
    ...MARGIN,
  });
  const middles = weeks.map(({ week_start }) => dayMs(week_start) + MIDDLE);
  // A week or two must not become slabs: the axis is at least six weeks long.
  const length = (middles.at(-1) ?? 0) - (middles[0] ?? 0) + 2 * HALF_WEEK;
  const air = HALF_WEEK + Math.max(0, (12 * HALF_WEEK - length) / 2);
  const xDomain: Domain = [(middles[0] ?? 0) - air, (middles.at(-1) ?? 0) + air];
  const x = linear(xDomain, [0, frame.width]);
  const slot = x(2 * HALF_WEEK) - x(0);
  const barsHeight = frame.height - SHARE_PANEL.height - SHARE_PANEL.above;
  const labels = totalLabels(known, slot);
  const most = Math.max(
    1,
    ...known.map(({ ats_volume, non_ats_volume }) => (ats_volume ?? 0) + (non_ats_volume ?? 0)),
  );
  const room = labels.upright ? 22 : 58;
  const yDomain: Domain = [0, (most * barsHeight) / (barsHeight - room)];
  const y = linear(yDomain, [barsHeight, 0]);
  const place: Placement = { weeks, x, y, slot, xDomain, yDomain, barsHeight, most, height: frame.height };
  return specText(
    frame,
    `${symbol}, weekly off-exchange volume, ATS against non-ATS. ${span}${data.simulated ? `, ${SIMULATED}` : ''}.`,
    [...weeklyVolumeLayers(place), totalLayer(place, labels)],
  );
}

function* subtitles(data: VolumeData, known: readonly VolumeWeek[], span: string): Generator<string> {
  const name = data.name === null ? '' : `${plainText(data.name).slice(0, 80)} · `;
  const missing = data.weeks.length - known.length;
  yield `${name}${span}${missing === 0 ? '' : ` · ${missing} of ${data.weeks.length} weeks without data`}`;
  const newest = known.at(-1);
  if (newest === undefined) return;
  const figures =
    newest.total_volume === null
      ? 'one of the two cuts is not loaded'
      : `${humanShares(newest.total_volume)} shares off exchange${newest.ats_share_pct === null ? '' : `, ${newest.ats_share_pct.toFixed(1)} % of them on ATSs`}`;
  yield data.weeks.length === 1 ? figures : `Newest week, ${shortDate(newest.week_start)}: ${figures}`;
}

function keyOf(weeks: readonly VolumeWeek[]): KeyEntry[] {
  const square = { shape: 'square', stroke: '#FFFFFF', strokeWidth: 0, size: 170 };
  const entries: KeyEntry[] = [
    { ...square, label: ATS.name, fill: ATS.fill },
    { ...square, label: OTHER.name, fill: OTHER.fill },
  ];
  if (weeks.some(isHalf)) {
    entries.push({
      ...square,
      label: 'outlined: the other cut is not loaded, so the total is unknown',
      fill: '#FFFFFF',
      stroke: COLOUR.muted,
      strokeWidth: 1.5,
      dash: [3, 2],
    });
  }
  if (weeks.some((week) => !isKnown(week))) {
    entries.push({
      ...square,
      label: 'week without data',
      fill: COLOUR.gap,
      stroke: '#C9CED6',
      strokeWidth: 1,
    });
  }
  return entries;
}
