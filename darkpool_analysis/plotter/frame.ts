/**
 * What every picture has around its data: title, subtitle, key, the sentence under it, the mark of simulated data.
 * All of it is laid out in page pixels with real text widths and drawn as Vega-Lite text and point layers, because
 * Vega's own titles and legends neither wrap nor know how wide Inter is.
 */
import { SIMULATED } from '../disclaimer.js';
import { FONT_FAMILY, fitText, textWidth, type Weight, wrapText } from './inter.js';

export const PAGE = { width: 1400, height: 640, left: 40, right: 40 } as const;
/** Bump when the same specification is drawn otherwise (another vega, resvg or Inter): all pictures are made anew. */
const DRAWING = 1;

/** Okabe–Ito hues, darkened where needed: 3:1 against white for marks, 4.5:1 for text. */
export const COLOUR = {
  ink: '#111827',
  muted: '#4B5563',
  grid: '#E5E7EB',
  axis: '#9CA3AF',
  day: '#374151',
  bot: '#0072B2',
  botText: '#00588A',
  sell: '#D55E00',
  sellText: '#A34700',
  week: '#8C4A79',
  gap: '#EEF0F3',
} as const;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Text {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly size: number;
  readonly weight: Weight;
  readonly colour: string;
  readonly align: 'left' | 'center' | 'right';
  readonly baseline: 'alphabetic' | 'middle' | 'top' | 'bottom';
  readonly angle: number;
}

/** A text with the usual values where none are given. Coordinates are pixels of the plot area. */
export function textAt(x: number, y: number, text: string, more: Partial<Text> = {}): Text {
  return {
    x,
    y,
    text,
    size: 13,
    weight: 400,
    colour: COLOUR.muted,
    align: 'left',
    baseline: 'alphabetic',
    angle: 0,
    ...more,
  };
}

/** One entry of the key: a symbol as the data draws it, and what it says. */
export interface KeyEntry {
  readonly label: string;
  /** A Vega symbol shape. */
  readonly shape: string;
  readonly fill: string;
  readonly stroke: string;
  readonly strokeWidth: number;
  readonly size: number;
  readonly dash?: readonly number[];
}

export interface FrameParts {
  readonly title: string;
  /** Lines under the title; wrapped where too long. */
  readonly subtitle: readonly string[];
  /** Rows of the key; wrapped where too long. */
  readonly key: readonly (readonly KeyEntry[])[];
  /** Paragraphs under the picture. */
  readonly footer: readonly string[];
  readonly simulated: boolean;
  /** Page pixels between the plot area and the picture's left and right edges. */
  readonly left: number;
  readonly right: number;
  /** Pixels that axes need under the plot area. */
  readonly under: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly padding: { left: number; right: number; top: number; bottom: number };
  readonly layers: readonly JsonObject[];
}

const TITLE_SIZE = 25;
const SUBTITLE_SIZE = 14.5;
const KEY_SIZE = 13;
const FOOTER_SIZE = 12.5;

/** Lays the frame out; the plot area gets what is left of the page. */
export function layOut(parts: FrameParts): Frame {
  const inner = PAGE.width - PAGE.left - PAGE.right;
  const page: Text[] = [];
  const chipWidth = parts.simulated ? textWidth(SIMULATED, 17, 700) + 32 : 0;
  page.push(
    textAt(PAGE.left, 46, fitText(parts.title, inner - chipWidth - 24, TITLE_SIZE, 700), {
      size: TITLE_SIZE,
      weight: 700,
      colour: COLOUR.ink,
    }),
  );
  let y = 74;
  for (const line of parts.subtitle.flatMap((text) => wrapText(text, inner, SUBTITLE_SIZE))) {
    page.push(textAt(PAGE.left, y, line, { size: SUBTITLE_SIZE }));
    y += 21;
  }
  y += 10;
  const symbols: JsonObject[] = [];
  for (const row of parts.key) {
    let x: number = PAGE.left;
    for (const [i, entry] of row.entries()) {
      const width = 26 + textWidth(entry.label, KEY_SIZE) + 26;
      if (i > 0 && x + width - 26 > PAGE.width - PAGE.right) {
        x = PAGE.left;
        y += 22;
      }
      const { label, dash, ...look } = entry;
      symbols.push({ x: x + 8, y: y - 4.5, ...look, dash: dash ?? [] });
      page.push(textAt(x + 26, y, label, { size: KEY_SIZE, colour: COLOUR.ink }));
      x += width;
    }
    y += 22;
  }
  const top = y + 2;

  const footer = parts.footer.flatMap((text) => wrapText(text, inner, FOOTER_SIZE));
  const footerTop = PAGE.height - 18 - 17 * (footer.length - 1);
  footer.forEach((line, i) => {
    page.push(textAt(PAGE.left, footerTop + 17 * i, line, { size: FOOTER_SIZE }));
  });
  const bottom = PAGE.height - footerTop + 24 + parts.under;

  const padding = { left: parts.left, right: parts.right, top, bottom };
  const moved = <T extends { x: number; y: number }>(item: T): T => ({
    ...item,
    x: tidy(item.x - parts.left),
    y: tidy(item.y - top),
  });
  return {
    width: PAGE.width - parts.left - parts.right,
    height: PAGE.height - top - bottom,
    padding,
    layers: [
      ...(parts.simulated ? chip(chipWidth, moved) : []),
      symbolLayer(
        'key',
        symbols.map((symbol) => moved(symbol as JsonObject & { x: number; y: number })),
      ),
      textLayer('page', page.map(moved)),
    ],
  };
}

/** The mark of simulated data: a framed badge, so that it is seen before any number is. */
function chip(width: number, moved: <T extends { x: number; y: number }>(item: T) => T): JsonObject[] {
  const right = PAGE.width - PAGE.right;
  const corner = moved({ x: right - width, y: 24 });
  const middle = moved({ x: right - width / 2, y: 40 });
  return [
    {
      name: 'simulated_badge',
      data: { values: [{}] },
      mark: {
        type: 'rect',
        fill: '#FFF4CC',
        stroke: '#8A6100',
        strokeWidth: 1.5,
        cornerRadius: 6,
        aria: false,
      },
      encoding: {
        x: { value: corner.x },
        x2: { value: tidy(corner.x + width) },
        y: { value: corner.y },
        y2: { value: corner.y + 32 },
      },
    },
    textLayer('simulated', [
      textAt(middle.x, middle.y + 1, SIMULATED, {
        size: 17,
        weight: 700,
        colour: '#6B4A00',
        align: 'center',
        baseline: 'middle',
      }),
    ]),
  ];
}

/** Texts at pixels of the plot area; with a white halo where they may lie on lines. */
export function textLayer(name: string, texts: readonly Text[], halo = false): JsonObject {
  const field = (of: string) => ({ expr: `datum.${of}` });
  const mark = {
    type: 'text',
    font: FONT_FAMILY,
    fontSize: field('size'),
    fontWeight: field('weight'),
    align: field('align'),
    baseline: field('baseline'),
    angle: field('angle'),
    limit: 0,
  };
  const encoding = {
    x: { field: 'x', type: 'quantitative', scale: null },
    y: { field: 'y', type: 'quantitative', scale: null },
    text: { field: 'text', type: 'nominal' },
  };
  const values = texts.map((text) => ({ ...text }));
  const written = { name, mark: { ...mark, fill: field('colour'), aria: false }, encoding };
  if (!halo) return { data: { values }, ...written };
  return {
    data: { values },
    layer: [
      {
        name: `${name}_halo`,
        mark: {
          ...mark,
          fill: '#FFFFFF',
          stroke: '#FFFFFF',
          strokeWidth: 4,
          strokeJoin: 'round',
          aria: false,
        },
        encoding,
      },
      written,
    ],
  };
}

/** Symbols at pixels of the plot area. */
function symbolLayer(name: string, symbols: readonly JsonObject[]): JsonObject {
  const field = (of: string) => ({ expr: `datum.${of}` });
  return {
    name,
    data: { values: symbols },
    mark: {
      type: 'point',
      shape: field('shape'),
      fill: field('fill'),
      stroke: field('stroke'),
      strokeWidth: field('strokeWidth'),
      strokeDash: field('dash'),
      size: field('size'),
      opacity: 1,
      aria: false,
    },
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: null },
      y: { field: 'y', type: 'quantitative', scale: null },
    },
  };
}

/** A whole Vega-Lite specification as text: data inlined, nothing in it but what it shows. */
export function specText(frame: Frame, description: string, layers: readonly JsonObject[]): string {
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description,
    usermeta: { drawing: DRAWING },
    background: '#FFFFFF',
    autosize: { type: 'none' },
    padding: frame.padding,
    width: frame.width,
    height: frame.height,
    config: {
      font: FONT_FAMILY,
      view: { stroke: null },
      axis: {
        labelLimit: 0,
        titleLimit: 0,
        labelFontSize: 13,
        labelColor: COLOUR.muted,
        titleFontSize: 13,
        titleFontWeight: 500,
        titleColor: COLOUR.ink,
        gridColor: COLOUR.grid,
        domainColor: COLOUR.axis,
        tickColor: COLOUR.axis,
      },
    },
    layer: [...layers, ...frame.layers],
  };
  return `${JSON.stringify(spec, null, 1)}\n`;
}

/** Pixels to a hundredth: the binary tails of a sum say nothing and differ between ways of adding. */
export function tidy(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
