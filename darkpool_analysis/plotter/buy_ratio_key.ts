/** The key of the buy ratio picture: an entry for what is in it, none for what is not. */
import type { RatioData, RatioDay } from './buy_ratio_plot.js';
import { COLOUR, type KeyEntry } from './frame.js';

interface BasisLook {
  readonly fill: string;
  readonly stroke: string;
  readonly says: string;
}
/** The strip of volume bases, from dark (FINRA's own figure) to light: told apart by lightness, not by hue. */
export const BASES: Record<string, BasisLook> & { readonly week_total: BasisLook } = {
  finra_week: { fill: '#1F2937', stroke: '#1F2937', says: "FINRA's published week, by day" },
  tape: { fill: '#7C8CA3', stroke: '#7C8CA3', says: 'off-exchange prints, scaled' },
  regsho: { fill: '#D6DDE6', stroke: '#7C8CA3', says: 'Reg SHO volume, scaled' },
  week_total: { fill: '#FFFFFF', stroke: COLOUR.week, says: "only a whole week's total" },
};

interface Shown {
  readonly daily: readonly RatioDay[];
  readonly onWeekTotal: readonly RatioDay[];
  readonly gaps: boolean;
}

export function buyRatioKey(data: RatioData, { daily, onWeekTotal, gaps }: Shown): KeyEntry[][] {
  const hollow = { fill: '#FFFFFF', strokeWidth: 1.75, size: 70 };
  const filled = { stroke: '#FFFFFF', strokeWidth: 1, size: 130 };
  const marks: KeyEntry[] = [];
  if (daily.some(({ signal }) => signal === null)) {
    marks.push({
      label: 'day, neither',
      shape: 'circle',
      fill: COLOUR.day,
      stroke: COLOUR.day,
      strokeWidth: 0,
      size: 40,
    });
  }
  if (daily.length > 0) {
    marks.push(
      { ...filled, label: 'BOT day', shape: 'triangle-up', fill: COLOUR.bot },
      { ...filled, label: 'SELL day', shape: 'triangle-down', fill: COLOUR.sell },
    );
  }
  if (data.weeks.length > 0) {
    marks.push({
      label: "whole week: FINRA's week × its lit ratio",
      shape: 'stroke',
      fill: COLOUR.week,
      stroke: COLOUR.week,
      strokeWidth: 4,
      size: 300,
    });
  }
  if (onWeekTotal.some(({ signal }) => signal === null)) {
    marks.push({
      ...hollow,
      label: "day on a week's total, not joined",
      shape: 'square',
      stroke: COLOUR.week,
    });
  }
  const onWeeks = [...data.weeks, ...onWeekTotal];
  if (onWeeks.some(({ signal }) => signal === 'BOT')) {
    marks.push({ ...hollow, label: 'BOT on weekly volume', shape: 'triangle-up', stroke: COLOUR.bot });
  }
  if (onWeeks.some(({ signal }) => signal === 'SELL')) {
    marks.push({ ...hollow, label: 'SELL on weekly volume', shape: 'triangle-down', stroke: COLOUR.sell });
  }
  if (gaps) {
    marks.push({
      label: 'session without a ratio',
      shape: 'square',
      fill: COLOUR.gap,
      stroke: '#C9CED6',
      strokeWidth: 1,
      size: 170,
    });
  }
  const bases = Object.entries(BASES)
    .filter(([basis]) => data.days.some(({ volume_basis }) => volume_basis === basis))
    .map(([basis, { fill, stroke, says }]) => ({
      label: `${basis}: ${says}`,
      shape: 'square',
      fill,
      stroke,
      strokeWidth: 1,
      size: 120,
    }));
  return bases.length === 0 ? [marks] : [marks, bases];
}
