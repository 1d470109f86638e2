/** What the weekly volume picture draws: bars of the two cuts, and the ATS share in a panel of its own. */
import { dateTicks, dayMs, linear, roundTicks } from './axes.js';
import { COLOUR, type JsonObject, textAt, textLayer, tidy } from './frame.js';
import { textWidth } from './inter.js';
import {
  ATS,
  HALF_WEEK,
  isHalf,
  isKnown,
  MIDDLE,
  OTHER,
  type Placement,
  SHARE_PANEL,
} from './weekly_volume_plot.js';

const LABEL_SIZE = 12.5;

/**
 * One time axis over both panels, a y axis for each. The domains stand in empty layers of their own: Vega-Lite would
 * call the same domain repeated on a ranged mark (x and x2) a conflict.
 */
export function weeklyVolumeLayers(place: Placement): JsonObject[] {
  const { weeks, x, xDomain } = place;
  const xScale = { type: 'utc', nice: false };
  const dates = weeks.map(({ week_start }) => week_start);
  const share = shareRows(place);
  return [
    {
      encoding: {
        x: {
          type: 'temporal',
          scale: xScale,
          axis: {
            ...dateTicks(dates, x, MIDDLE),
            title: 'Week of (Monday)',
            titlePadding: 7,
            grid: false,
            tickSize: 5,
            labelOverlap: false,
            offset: 6,
          },
        },
      },
      resolve: { scale: { y: 'independent' } },
      layer: [
        {
          name: 'axes',
          data: { values: [{ at: xDomain[0] }] },
          mark: { type: 'point', opacity: 0, size: 0, aria: false },
          encoding: { x: { field: 'at', scale: { ...xScale, domain: xDomain } }, y: { value: 0 } },
        },
        gapLayer(place),
        barLayers(place),
        ...(share.rows.length === 0 ? [] : [shareLayers(place, share)]),
      ],
    },
    ...(share.rows.length === 0 ? [] : [shareLabels(place, share)]),
  ];
}

function gapLayer({ weeks, height }: Placement): JsonObject {
  const gaps = weeks
    .filter((week) => !isKnown(week))
    .map(({ week_start }) => {
      const middle = dayMs(week_start) + MIDDLE;
      return { from: middle - HALF_WEEK, to: middle + HALF_WEEK };
    });
  return {
    name: 'gaps',
    data: { values: gaps },
    mark: { type: 'rect', fill: COLOUR.gap, aria: false },
    encoding: { x: { field: 'from' }, x2: { field: 'to' }, y: { value: 0 }, y2: { value: height } },
  };
}

function barLayers(place: Placement): JsonObject {
  const { weeks, slot, yDomain, most } = place;
  const half = (0.5 * Math.min(110, 0.74 * slot) * 2 * HALF_WEEK) / slot;
  const bars = weeks.flatMap((week) => {
    const middle = dayMs(week.week_start) + MIDDLE;
    const { ats_volume: ats, non_ats_volume: other } = week;
    const at = {
      week_start: week.week_start,
      from: middle - half,
      to: middle + half,
      outlined: isHalf(week),
    };
    const base = ats ?? 0;
    const says = (cut: string, shares: number) => `week of ${week.week_start}, ${cut}: ${shares} shares`;
    return [
      ...(ats === null
        ? []
        : [{ ...at, cut: 'ATS', shares: ats, says: says('ATS', ats), low: 0, high: ats, colour: ATS.fill }]),
      ...(other === null
        ? []
        : [
            {
              ...at,
              cut: 'non-ATS',
              shares: other,
              says: says('non-ATS', other),
              low: base,
              high: base + other,
              colour: OTHER.fill,
            },
          ]),
    ];
  });
  // No grid line above the highest bar: that is where the totals are written.
  const ticks = roundTicks(0, most, 5);
  const unit =
    most >= 1e9
      ? { by: 1e9, name: ' B' }
      : most >= 1e6
        ? { by: 1e6, name: ' M' }
        : most >= 1e4
          ? { by: 1e3, name: ' K' }
          : { by: 1, name: '' };
  const yScale = { range: [place.barsHeight, 0], nice: false };
  return {
    encoding: {
      y: {
        type: 'quantitative',
        scale: yScale,
        axis: {
          title: 'Shares per week',
          titlePadding: 12,
          titleY: tidy(place.barsHeight / 2),
          values: ticks,
          labelExpr: `datum.value == 0 ? '0' : format(datum.value / ${unit.by}, ',~r') + '${unit.name}'`,
          domain: false,
          ticks: false,
          labelPadding: 8,
        },
      },
    },
    layer: [
      {
        name: 'bars_axis',
        data: { values: [{ shares: 0 }] },
        mark: { type: 'point', opacity: 0, size: 0, aria: false },
        encoding: { x: { value: 0 }, y: { field: 'shares', scale: { ...yScale, domain: yDomain } } },
      },
      {
        name: 'bars',
        data: { values: bars },
        mark: {
          type: 'rect',
          fill: { expr: "datum.outlined ? '#FFFFFF' : datum.colour" },
          stroke: { expr: "datum.outlined ? datum.colour : '#FFFFFF'" },
          strokeWidth: { expr: `datum.outlined ? 1.75 : ${slot > 12 ? 1 : 0.4}` },
          strokeDash: { expr: 'datum.outlined ? [4, 3] : []' },
        },
        encoding: {
          x: { field: 'from' },
          x2: { field: 'to' },
          y: { field: 'low' },
          y2: { field: 'high' },
          tooltip: ['week_start', 'cut', 'shares'].map((field) => ({ field, type: 'nominal' })),
          // Vega-Lite's own words would spell the bar's edges, one of them in the machine's time zone.
          description: { field: 'says', type: 'nominal' },
        },
      },
    ],
  };
}

interface ShareRow {
  readonly at: number;
  readonly week_start: string;
  readonly ats_share_pct: number;
  readonly run: number;
}
interface Share {
  readonly rows: readonly ShareRow[];
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
}

function shareRows({ weeks, height }: Placement): Share {
  const rows = weeks.flatMap(({ week_start, ats_share_pct, run }) =>
    ats_share_pct === null || run === null
      ? []
      : [{ week_start, at: dayMs(week_start) + MIDDLE, ats_share_pct, run }],
  );
  const shares = rows.map(({ ats_share_pct }) => ats_share_pct);
  return {
    rows,
    // Room for a label over every point; the line may start anywhere, so the axis need not start at zero.
    domain: [
      Math.max(0, Math.floor((Math.min(...shares) - 4) / 5) * 5),
      Math.min(100, Math.ceil((Math.max(...shares) + 8) / 5) * 5),
    ],
    range: [height, height - SHARE_PANEL.height],
  };
}

/** The ATS share on an axis of its own; its line breaks where the share is unknown. */
function shareLayers({ height, slot }: Placement, { rows, domain, range }: Share): JsonObject {
  const yScale = { range, nice: false, zero: false };
  const data = { values: rows.map((row) => ({ ...row })) };
  return {
    encoding: {
      x: { field: 'at' },
      y: {
        type: 'quantitative',
        field: 'ats_share_pct',
        scale: { ...yScale, domain },
        axis: {
          title: 'ATS share',
          titlePadding: 12,
          titleY: tidy(height - SHARE_PANEL.height / 2),
          values: roundTicks(domain[0], domain[1], 3),
          labelExpr: "datum.label + ' %'",
          orient: 'left',
          domain: false,
          ticks: false,
          labelPadding: 8,
        },
      },
    },
    layer: [
      {
        name: 'share_line',
        data,
        mark: { type: 'line', stroke: ATS.fill, strokeWidth: 1.6, aria: false },
        encoding: { detail: { field: 'run', type: 'nominal' } },
      },
      {
        name: 'share_points',
        data,
        mark: { type: 'point', filled: true, fill: ATS.fill, opacity: 1, size: slot > 12 ? 34 : 12 },
        encoding: {
          tooltip: ['week_start', 'ats_share_pct'].map((field) => ({ field, type: 'nominal' })),
        },
      },
    ],
  };
}

/** Shares over their points, all where they fit, else the newest. */
function shareLabels({ x, slot }: Placement, { rows, domain, range }: Share): JsonObject {
  const y = linear(domain, range);
  const needed = textWidth('00.0 %', LABEL_SIZE, 500) + 8;
  const texts = rows
    .filter((_, i) => slot >= needed || i === rows.length - 1)
    .map(({ at, ats_share_pct }) =>
      textAt(tidy(x(at)), tidy(y(ats_share_pct) - 9), `${ats_share_pct.toFixed(1)} %`, {
        size: LABEL_SIZE,
        weight: 500,
        colour: ATS.text,
        align: 'center',
      }),
    );
  return textLayer('shares', texts, true);
}
