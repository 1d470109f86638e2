/** The words around the buy ratio picture: what it covers, and the names of its lines. */
import { dateSpan, shortDate } from './axes.js';
import { BASES } from './buy_ratio_key.js';
import { type RatioData, type RatioDay, type RatioPlot, STRIP } from './buy_ratio_plot.js';
import { COLOUR, type JsonObject, type Text, textAt, textLayer, tidy } from './frame.js';
import { plainText } from './inter.js';

/** Two lines: the dates and what was found; the rules and volume bases behind it. */
export function buyRatioSubtitles(data: RatioData, days: readonly RatioDay[]): string[] {
  const { weeks } = data;
  const name = data.name === null ? [] : [plainText(data.name).slice(0, 80)];
  const [first, last] = [data.days[0], data.days.at(-1)];
  const ofDays =
    first === undefined || last === undefined
      ? []
      : [
          `${dateSpan(first.date, last.date)}: ratio on ${days.length} of ${count(data.days.length, 'session')} (${signals(days)})`,
        ];
  const ofWeeks =
    weeks.length === 0
      ? []
      : [
          `${count(weeks.length, 'published week')}${first === undefined ? `, ${dateSpan(weeks[0]?.first_session ?? '', weeks.at(-1)?.last_session ?? '')}` : ''} (${signals(weeks)})`,
        ];
  const newest = days.at(-1);
  const ofNewest =
    newest === undefined || newest.buy_ratio === null || days.length < 2
      ? []
      : [`newest ${shortDate(newest.date)}: ${newest.buy_ratio.toFixed(3)} ${newest.signal ?? ''}`.trim()];
  const rules = [...new Set([...days, ...weeks].map((row) => row.inference_version ?? 'an unnamed rule'))];
  const bases = Object.keys(BASES)
    .map((basis) => ({ basis, days: data.days.filter(({ volume_basis }) => volume_basis === basis).length }))
    .filter((basis) => basis.days > 0)
    .map((basis) => `${basis.basis} ${count(basis.days, 'day')}`);
  return [
    [...name, ...ofDays, ...ofNewest, ...ofWeeks].join(' · '),
    [
      `Sides by ${rules.join(', ')}`,
      ...(bases.length === 0 ? [] : [`volume basis: ${bases.join(', ')}`]),
    ].join(' · '),
  ];
}

function signals(rows: readonly { signal: string | null }[]): string {
  const bot = rows.filter(({ signal }) => signal === 'BOT').length;
  const sell = rows.filter(({ signal }) => signal === 'SELL').length;
  return `${bot} BOT, ${sell} SELL, ${rows.length - bot - sell} neither`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Names of the thresholds at the right edge and of the strip at the left one. */
export function edgeTexts(plot: RatioPlot): JsonObject[] {
  const { data, width, height, bot, sell, y } = plot;
  const x = width + 10;
  // BOT's words over its rule and SELL's under its own: they never meet, however close the thresholds are set.
  const overBot = Math.max(y(bot), 34);
  const underSell = Math.min(y(sell), height - 30);
  const moved = (by: number, of: Text[]) => of.map((text) => ({ ...text, y: tidy(by + text.y) }));
  const texts = [
    ...moved(overBot, [
      textAt(x, -20, `BOT above ${bot.toFixed(4)}`, { weight: 600, colour: COLOUR.botText }),
      textAt(x, -5, `bought > ${plainNumber(data.botThreshold)} × sold`, { size: 12 }),
    ]),
    ...moved(underSell, [
      textAt(x, 13, `SELL below ${sell.toFixed(4)}`, { weight: 600, colour: COLOUR.sellText }),
      textAt(x, 28, `bought < ${plainNumber(data.sellThreshold)} × sold`, { size: 12 }),
    ]),
  ];
  // Between two thresholds set close together there is no room for a third name.
  if (bot > 0.5 && sell < 0.5 && Math.min(y(0.5) - y(bot), y(sell) - y(0.5)) > 14) {
    texts.push(textAt(x, tidy(y(0.5)), '0.50 even', { size: 12, baseline: 'middle' }));
  }
  if (data.days.length > 0) {
    texts.push(
      textAt(-8, height + STRIP.top + STRIP.height / 2 + 0.5, 'volume basis', {
        size: 12,
        align: 'right',
        baseline: 'middle',
      }),
    );
  }
  return [textLayer('edges', texts)];
}

/** Two decimals like the thresholds are written everywhere, or all there are. */
function plainNumber(value: number): string {
  return Number(value.toFixed(2)) === value ? value.toFixed(2) : String(value);
}
