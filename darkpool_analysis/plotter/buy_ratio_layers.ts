/** What the buy ratio picture draws from its rows, as Vega-Lite layers over one pair of axes. */
import { DAY_MS, dateTicks, dayMs, roundTicks } from './axes.js';
import { BASES } from './buy_ratio_key.js';
import { type RatioDay, type RatioPlot, STRIP } from './buy_ratio_plot.js';
import { COLOUR, type JsonObject } from './frame.js';

/**
 * The axes once, over all layers. Their domains stand in an empty layer of their own: Vega-Lite would call the same
 * domain repeated on a ranged mark (x and x2) a conflict.
 */
export function buyRatioLayers(plot: RatioPlot): JsonObject {
  const { data, xDomain, yDomain } = plot;
  const dates = data.days.map(({ date }) => date);
  const outside = data.weeks
    .map(({ first_session }) => first_session)
    .filter((date) => date < (dates[0] ?? '~') || date > (dates.at(-1) ?? '~'));
  const xScale = { type: 'utc', nice: false };
  const yScale = { nice: false, zero: false };
  return {
    encoding: {
      x: {
        type: 'temporal',
        scale: xScale,
        axis: {
          ...dateTicks([...outside, ...dates].sort(), plot.x),
          title: 'Session (New York date)',
          titlePadding: 7,
          offset: STRIP.top + STRIP.height + 6,
          grid: false,
          tickSize: 5,
          labelOverlap: false,
        },
      },
      y: {
        type: 'quantitative',
        scale: yScale,
        axis: {
          title: 'Estimated buy ratio = bought ÷ (bought + sold)',
          titlePadding: 14,
          values: roundTicks(Math.max(0, yDomain[0]), Math.min(1, yDomain[1]), 7),
          format: '.2f',
          domain: false,
          ticks: false,
          labelPadding: 8,
        },
      },
    },
    layer: [
      {
        name: 'axes',
        data: { values: [{ at: xDomain[0], ratio: yDomain[0] }] },
        mark: { type: 'point', opacity: 0, size: 0, aria: false },
        encoding: {
          x: { field: 'at', scale: { ...xScale, domain: xDomain } },
          y: { field: 'ratio', scale: { ...yScale, domain: yDomain } },
        },
      },
      ...backLayers(plot),
      ...dataLayers(plot),
    ],
  };
}

/** What lies behind the data, and the strip of volume bases under it. */
function backLayers(plot: RatioPlot): JsonObject[] {
  const { data, height, bot, sell, yDomain } = plot;
  const fullHeight = { y: { value: 0 }, y2: { value: height } };
  const zones = [
    { low: bot, high: yDomain[1], colour: COLOUR.bot },
    { low: yDomain[0], high: sell, colour: COLOUR.sell },
  ];
  return [
    {
      name: 'gaps',
      data: { values: plot.gaps.map((gap) => ({ ...gap })) },
      mark: { type: 'rect', fill: COLOUR.gap, aria: false },
      encoding: {
        x: { field: 'from' },
        x2: { field: 'to' },
        ...fullHeight,
      },
    },
    {
      name: 'zones',
      data: { values: zones },
      mark: { type: 'rect', fill: { expr: 'datum.colour' }, fillOpacity: 0.045, aria: false },
      encoding: {
        x: { value: 0 },
        x2: { value: plot.width },
        y: { field: 'low' },
        y2: { field: 'high' },
      },
    },
    {
      name: 'thresholds',
      data: {
        values: [
          { at: bot, what: 'BOT', colour: COLOUR.bot, dash: [7, 4], wide: 1.5 },
          { at: sell, what: 'SELL', colour: COLOUR.sell, dash: [7, 4], wide: 1.5 },
          { at: 0.5, what: 'even', colour: COLOUR.axis, dash: [], wide: 1 },
        ],
      },
      mark: {
        type: 'rule',
        stroke: { expr: 'datum.colour' },
        strokeDash: { expr: 'datum.dash' },
        strokeWidth: { expr: 'datum.wide' },
      },
      encoding: { x: { value: 0 }, x2: { value: plot.width }, y: { field: 'at' } },
    },
    {
      name: 'volume_basis',
      data: {
        values: data.days
          .filter(({ present }) => present)
          .map(({ date, volume_basis }) => {
            const { fill, stroke } = BASES[volume_basis ?? ''] ?? BASES.week_total;
            return {
              date,
              volume_basis,
              from: dayMs(date) - 0.42 * DAY_MS,
              to: dayMs(date) + 0.42 * DAY_MS,
              fill,
              stroke,
            };
          }),
      },
      mark: {
        type: 'rect',
        fill: { expr: 'datum.fill' },
        stroke: { expr: 'datum.stroke' },
        strokeWidth: 0.75,
        aria: false,
      },
      encoding: {
        x: { field: 'from' },
        x2: { field: 'to' },
        y: { value: height + STRIP.top },
        y2: { value: height + STRIP.top + STRIP.height },
      },
    },
    {
      name: 'version_changes',
      data: { values: plot.versionChanges.map((change) => ({ ...change })) },
      mark: { type: 'rule', stroke: COLOUR.muted, strokeDash: [2, 3], strokeWidth: 1.25 },
      encoding: { x: { field: 'at' }, ...fullHeight },
    },
  ];
}

/** The numbers: week bars, the daily line in its stretches, days, and signals by shape. */
function dataLayers(plot: RatioPlot): JsonObject[] {
  const { data, daily, onWeekTotal } = plot;
  const crowded = daily.length > 80;
  const point = (
    name: string,
    rows: readonly JsonObject[],
    mark: JsonObject,
    dateField = 'date',
  ): JsonObject => ({
    name,
    data: { values: rows },
    mark: { type: 'point', opacity: 1, ...mark },
    encoding: {
      x: { field: dateField },
      y: { field: 'buy_ratio' },
      tooltip: Object.keys(rows[0] ?? {})
        .filter((field) => field !== 'segment' && field !== 'middle')
        .map((field) => ({ field, type: 'nominal' })),
    },
  });
  const plain = ({ date, buy_ratio, signal, volume_basis, inference_version, segment }: RatioDay) => ({
    date,
    buy_ratio,
    signal,
    volume_basis,
    inference_version,
    segment,
  });
  const weeks = data.weeks.map((week) => ({
    ...week,
    from: dayMs(week.first_session) - 0.4 * DAY_MS,
    to: dayMs(week.last_session) + 0.4 * DAY_MS,
    middle: (dayMs(week.first_session) + dayMs(week.last_session)) / 2,
  }));
  const dot = { size: crowded ? 12 : 40, filled: true, fill: COLOUR.day, shape: 'circle' };
  const triangle = {
    size: crowded ? 48 : 130,
    filled: true,
    stroke: '#FFFFFF',
    strokeWidth: crowded ? 0.5 : 1,
  };
  const hollow = { fill: '#FFFFFF', strokeWidth: crowded ? 1.25 : 1.75, size: crowded ? 30 : 70 };
  const signalled = (rows: readonly RatioDay[], signal: string | null) =>
    rows.filter((row) => row.signal === signal).map(plain);
  const weekSignal = (signal: string) => weeks.filter((week) => week.signal === signal);
  const bot = { shape: 'triangle-up' };
  const sell = { shape: 'triangle-down' };
  return [
    {
      name: 'week_bars',
      data: { values: weeks },
      mark: {
        type: 'rule',
        stroke: COLOUR.week,
        strokeWidth: 4,
        opacity: 0.75,
        strokeCap: 'butt',
        aria: false,
      },
      encoding: { x: { field: 'from' }, x2: { field: 'to' }, y: { field: 'buy_ratio' } },
    },
    {
      name: 'daily_line',
      data: { values: daily.map(plain) },
      mark: { type: 'line', stroke: COLOUR.day, strokeWidth: crowded ? 1.1 : 1.6, strokeJoin: 'round' },
      encoding: {
        x: { field: 'date' },
        y: { field: 'buy_ratio' },
        detail: { field: 'segment', type: 'nominal' },
      },
    },
    point('days', signalled(daily, null), dot),
    point('week_total_days', signalled(onWeekTotal, null), {
      ...hollow,
      shape: 'square',
      stroke: COLOUR.week,
    }),
    point('week_total_bot', signalled(onWeekTotal, 'BOT'), { ...hollow, ...bot, stroke: COLOUR.bot }),
    point('week_total_sell', signalled(onWeekTotal, 'SELL'), { ...hollow, ...sell, stroke: COLOUR.sell }),
    point('week_bot', weekSignal('BOT'), { ...hollow, ...bot, stroke: COLOUR.bot }, 'middle'),
    point('week_sell', weekSignal('SELL'), { ...hollow, ...sell, stroke: COLOUR.sell }, 'middle'),
    point('bot_days', signalled(daily, 'BOT'), { ...triangle, ...bot, fill: COLOUR.bot }),
    point('sell_days', signalled(daily, 'SELL'), { ...triangle, ...sell, fill: COLOUR.sell }),
  ];
}
