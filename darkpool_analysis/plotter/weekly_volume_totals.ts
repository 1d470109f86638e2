/** The weekly totals written over the bars. */
import { dayMs, humanShares } from './axes.js';
import { COLOUR, type JsonObject, textAt, textLayer, tidy } from './frame.js';
import { textWidth } from './inter.js';
import { ATS, HALF_WEEK, MIDDLE, OTHER, type Placement, type VolumeWeek } from './weekly_volume_plot.js';

const LABEL_SIZE = 12.5;

/** Which totals are written, and whether upright or turned. */
export interface TotalLabels {
  readonly upright: boolean;
  readonly weeks: readonly { week: VolumeWeek; text: string; colour: string }[];
}

/** Every total where it fits, upright or turned; in a long history the newest and the largest alone. */
export function totalLabels(known: readonly VolumeWeek[], slot: number): TotalLabels {
  const labels = known.map((week) => {
    if (week.total_volume !== null) return { week, text: humanShares(week.total_volume), colour: COLOUR.ink };
    const ats = week.ats_volume !== null;
    return { week, text: ats ? 'ATS only' : 'non-ATS only', colour: ats ? ATS.text : OTHER.text };
  });
  const widest = Math.max(0, ...labels.map(({ text }) => textWidth(text, LABEL_SIZE, 600)));
  if (slot >= widest + 6) return { upright: true, weeks: labels };
  if (slot >= LABEL_SIZE + 3) return { upright: false, weeks: labels };
  const totals = labels.filter(({ week }) => week.total_volume !== null);
  const largest = totals.reduce<(typeof totals)[0] | undefined>(
    (best, label) => ((label.week.total_volume ?? 0) > (best?.week.total_volume ?? -1) ? label : best),
    undefined,
  );
  const newest = totals.at(-1);
  const apart =
    newest !== undefined &&
    largest !== undefined &&
    (dayMs(newest.week.week_start) - dayMs(largest.week.week_start)) / (2 * HALF_WEEK) > (widest + 6) / slot;
  return {
    upright: true,
    weeks: [...(largest === undefined ? [] : [largest]), ...(apart && newest !== undefined ? [newest] : [])],
  };
}

export function totalLayer(place: Placement, labels: TotalLabels): JsonObject {
  const texts = labels.weeks.map(({ week, text, colour }) => {
    const top = place.y((week.ats_volume ?? 0) + (week.non_ats_volume ?? 0));
    const x = tidy(place.x(dayMs(week.week_start) + MIDDLE));
    const look = { size: LABEL_SIZE, weight: 600, colour } as const;
    return labels.upright
      ? textAt(x, tidy(top - 7), text, { ...look, align: 'center' })
      : textAt(x, tidy(top - 6), text, { ...look, align: 'left', baseline: 'middle', angle: -90 });
  });
  return textLayer('totals', texts, true);
}
