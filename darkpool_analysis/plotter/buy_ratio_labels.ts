/** Labels of the buy ratio picture: values and signals beside their points, rule names where the rule changes. */
import { dayMs } from './axes.js';
import type { RatioPlot } from './buy_ratio_plot.js';
import { COLOUR, type JsonObject, type Text, textAt, textLayer, tidy } from './frame.js';
import { textWidth } from './inter.js';
import { type Box, boxAround, boxesAlong, placeLabels, type Wanted } from './labels.js';

/** Up to so many days every value is written; beyond, the picture is about the course. */
const VALUES_UP_TO = 15;
const SIZE = 12.5;

interface Label {
  readonly text: string;
  readonly colour: string;
  readonly weight: 500 | 600;
}

export function buyRatioLabels(plot: RatioPlot): JsonObject[] {
  const { daily, onWeekTotal, data, x, y } = plot;
  const crowded = daily.length > 80;
  const days = [...daily, ...onWeekTotal].sort((a, b) => (a.date < b.date ? -1 : 1));
  const at = (date: string) => tidy(x(dayMs(date)));
  const points = days.map((day) => {
    const size = day.signal === null ? (crowded ? 4 : 8) : crowded ? 8 : 13;
    return boxAround(at(day.date), y(day.buy_ratio), size, size);
  });
  const lines = daily.flatMap((day, i) => {
    const next = daily[i + 1];
    if (next === undefined || next.segment !== day.segment) return [];
    return boxesAlong(at(day.date), y(day.buy_ratio), at(next.date), y(next.buy_ratio));
  });
  const bars = data.weeks.flatMap((week) =>
    boxesAlong(at(week.first_session), y(week.buy_ratio), at(week.last_session), y(week.buy_ratio)),
  );
  const rules = [plot.bot, plot.sell].flatMap((ratio) => boxesAlong(0, y(ratio), plot.width, y(ratio)));

  const versions = versionLabels(plot);
  const newest = days.at(-1);
  const all = days.length <= VALUES_UP_TO;
  const wanted: Wanted<Label>[] = [];
  // Newest first: where there is no room for all, the latest are what the reader came for.
  for (const day of [...days].reverse()) {
    const valued = all || (day === newest && !crowded);
    if (day.signal === null && !valued) continue;
    const text = [day.signal ?? '', valued ? day.buy_ratio.toFixed(all ? 3 : 2) : ''].join(' ').trim();
    const colour =
      day.signal === 'BOT' ? COLOUR.botText : day.signal === 'SELL' ? COLOUR.sellText : COLOUR.ink;
    wanted.push({
      item: { text, colour, weight: day.signal === null && day !== newest ? 500 : 600 },
      places: placesBeside(at(day.date), y(day.buy_ratio), textWidth(text, SIZE, 600), day.signal),
      // In a long history the triangles and the two zones speak; a word only where nothing is near.
      strict: crowded,
    });
  }
  for (const week of [...data.weeks].reverse()) {
    const valued = all && data.weeks.length <= VALUES_UP_TO;
    if (week.signal === null && !valued) continue;
    const text = ['week', week.signal ?? '', valued ? week.buy_ratio.toFixed(3) : '']
      .filter((word) => word !== '')
      .join(' ');
    const colour =
      week.signal === 'BOT' ? COLOUR.botText : week.signal === 'SELL' ? COLOUR.sellText : COLOUR.week;
    const middle = (at(week.first_session) + at(week.last_session)) / 2;
    wanted.push({
      item: { text, colour, weight: 600 },
      places: placesBeside(middle, y(week.buy_ratio), textWidth(text, SIZE, 600), week.signal),
      strict: crowded,
    });
  }
  const area: Box = { left: -4, right: plot.width + 4, top: 2, bottom: plot.height - 2 };
  const placed = placeLabels(
    wanted,
    area,
    [...points, ...versions.map(({ box }) => box)],
    [...lines, ...bars, ...rules],
  );
  const texts = placed.map(({ item, box }) =>
    textAt(tidy((box.left + box.right) / 2), tidy((box.top + box.bottom) / 2), item.text, {
      size: SIZE,
      weight: item.weight,
      colour: item.colour,
      align: 'center',
      baseline: 'middle',
    }),
  );
  return [textLayer('labels', [...texts, ...versions.map(({ text }) => text)], true)];
}

/** BOT only above its point and SELL only below it, so that position says the same as shape; others where it fits. */
function placesBeside(x: number, y: number, width: number, signal: string | null): Box[] {
  const across = width + 4;
  const tall = SIZE + 4;
  const reach = signal === null ? 6 : 9;
  const place = (dx: number, dy: number) => boxAround(x + dx, y + dy, across, tall);
  // Straight over it, then beside that, then further away.
  const shifts = [
    [0, 0],
    [-across / 2, 0],
    [across / 2, 0],
    [0, 6],
    [0, 12],
  ] as const;
  const above = shifts.map(([dx, dy]) => place(dx, -(reach + tall / 2) - dy));
  const below = shifts.map(([dx, dy]) => place(dx, reach + tall / 2 + dy));
  const aside = [place(reach + across / 2, 0), place(-(reach + across / 2), 0)];
  if (signal === 'BOT') return above;
  if (signal === 'SELL') return below;
  return [...above, ...below, ...aside];
}

/** "Tick_v1" at the top of the rule where it begins, on the side of its days; left out where they would touch. */
function versionLabels(plot: RatioPlot): { text: Text; box: Box }[] {
  const labels: { text: Text; box: Box }[] = [];
  let free = 0;
  for (const { at, version } of plot.versionChanges) {
    const text = `from here ${version}`;
    const width = textWidth(text, 12, 500);
    const x = tidy(plot.x(at));
    // At the right edge the name stands before its rule rather than outside the picture.
    const before = x + 6 + width > plot.width;
    const left = before ? x - 6 - width : x + 6;
    if (left < free) continue;
    free = left + width + 10;
    labels.push({
      text: textAt(before ? x - 6 : x + 6, 12, text, {
        size: 12,
        weight: 500,
        colour: COLOUR.muted,
        align: before ? 'right' : 'left',
      }),
      box: { left, right: left + width, top: 0, bottom: 17 },
    });
  }
  return labels;
}
