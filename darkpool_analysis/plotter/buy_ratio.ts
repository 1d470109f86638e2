/** The picture of a ticker's buy ratio: what it shows, from rows to a Vega-Lite specification. */
import { disclaimerFor, SIMULATED } from '../disclaimer.js';
import { DAY_MS, dateSpan, dayMs, linear } from './axes.js';
import { buyRatioKey } from './buy_ratio_key.js';
import { buyRatioLabels } from './buy_ratio_labels.js';
import { buyRatioLayers } from './buy_ratio_layers.js';
import type { RatioData, RatioDay, RatioPlot } from './buy_ratio_plot.js';
import { buyRatioSubtitles, edgeTexts } from './buy_ratio_text.js';
import { layOut, specText, tidy } from './frame.js';
import { plainText } from './inter.js';

const MARGIN = { left: 112, right: 196, under: 91 } as const;

/** The specification, or undefined when there is no ratio to show. */
export function buyRatioSpec(data: RatioData): string | undefined {
  const hasRatio = (day: RatioDay): day is RatioDay & { buy_ratio: number } => day.buy_ratio !== null;
  const withRatio = data.days.filter(hasRatio);
  if (withRatio.length === 0 && data.weeks.length === 0) return undefined;
  const daily = withRatio.filter((day) => day.finra_period_type === 'daily');
  const onWeekTotal = withRatio.filter((day) => day.finra_period_type !== 'daily');
  const bot = data.botThreshold / (1 + data.botThreshold);
  const sell = data.sellThreshold / (1 + data.sellThreshold);
  const gaps = gapsIn(data.days);

  const symbol = plainText(data.symbol);
  const versions = [...withRatio, ...data.weeks].map((row) => row.inference_version);
  const frame = layOut({
    title: `${symbol}: did off-exchange volume lean to buying or to selling?`,
    subtitle: buyRatioSubtitles(data, withRatio),
    key: buyRatioKey(data, { daily, onWeekTotal, gaps: gaps.length > 0 }),
    footer: [disclaimerFor(versions)],
    simulated: data.simulated,
    ...MARGIN,
  });
  const xDomain = timeDomain(data);
  const yDomain = ratioDomain(
    [...withRatio, ...data.weeks].map((row) => row.buy_ratio),
    bot,
    sell,
  );
  const plot: RatioPlot = {
    data,
    bot,
    sell,
    width: frame.width,
    height: frame.height,
    xDomain,
    yDomain,
    x: linear(xDomain, [0, frame.width]),
    y: linear(yDomain, [frame.height, 0]),
    daily,
    onWeekTotal,
    gaps,
    versionChanges: versionChangesIn(data.days),
  };
  const description = `${symbol}, estimated buy ratio of off-exchange volume, ${dateSpan(...datesOf(data))}${data.simulated ? `, ${SIMULATED}` : ''}. ${disclaimerFor(versions)}`;
  return specText(frame, description, [buyRatioLayers(plot), ...buyRatioLabels(plot), ...edgeTexts(plot)]);
}

function datesOf({ days, weeks }: RatioData): [string, string] {
  const dates = [
    ...days.map(({ date }) => date),
    ...weeks.flatMap(({ first_session, last_session }) => [first_session, last_session]),
  ].sort();
  return [dates[0] ?? '', dates.at(-1) ?? ''];
}

/** Runs of sessions without a ratio. Each covers the day around its noon-less date: half a day to either side. */
function gapsIn(days: readonly RatioDay[]): { from: number; to: number }[] {
  const gaps: { from: number; to: number }[] = [];
  let open: { from: number; to: number } | undefined;
  for (const { date, buy_ratio } of days) {
    if (buy_ratio !== null) {
      open = undefined;
    } else if (open === undefined) {
      open = { from: dayMs(date) - DAY_MS / 2, to: dayMs(date) + DAY_MS / 2 };
      gaps.push(open);
    } else {
      open.to = dayMs(date) + DAY_MS / 2;
    }
  }
  return gaps;
}

function versionChangesIn(days: readonly RatioDay[]): { at: number; version: string }[] {
  const known = days.filter((day) => day.buy_ratio !== null);
  return known.flatMap((day, i) => {
    const before = known[i - 1];
    if (before === undefined || before.inference_version === day.inference_version) return [];
    return [
      { at: (dayMs(before.date) + dayMs(day.date)) / 2, version: day.inference_version ?? 'unknown rule' },
    ];
  });
}

/** All days and week bars with a little air; at least a week wide, so that a single day stands in its middle. */
function timeDomain(data: RatioData): [number, number] {
  const [first, last] = datesOf(data);
  const length = dayMs(last) - dayMs(first);
  const air = Math.max(0.02 * length, 0.9 * DAY_MS, (7 * DAY_MS - length) / 2);
  return [dayMs(first) - air, dayMs(last) + air];
}

/** Every value and both thresholds, with room for a label above and below: a little beyond 0–1 where a ratio is there. */
function ratioDomain(ratios: readonly number[], bot: number, sell: number): [number, number] {
  const low = Math.min(sell, ...ratios);
  const high = Math.max(bot, ...ratios);
  const air = 0.16 * (high - low);
  const step = 0.02;
  return [
    Math.max(-0.1, tidy(Math.floor((low - air) / step) * step)),
    Math.min(1.1, tidy(Math.ceil((high + air) / step) * step)),
  ];
}
