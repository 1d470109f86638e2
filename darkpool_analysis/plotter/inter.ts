/**
 * The typeface of the pictures: where its files are, and how wide a text is in it. Vega without a canvas guesses
 * widths from the number of characters; the layout here (wrapping, legends, labels that must not touch) needs the
 * real ones, so they are read from the font's own tables (OpenType: head, hhea, hmtx, cmap).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const WEIGHTS = { 400: '400Regular', 500: '500Medium', 600: '600SemiBold', 700: '700Bold' } as const;
export type Weight = keyof typeof WEIGHTS;

/** For the SVG; a viewer without Inter falls back to narrower faces, so nothing measured here overflows there. */
export const FONT_FAMILY = 'Inter, Helvetica, Arial, sans-serif';

const require = createRequire(import.meta.url);

function fontFile(weight: Weight): string {
  return require.resolve(`@expo-google-fonts/inter/${WEIGHTS[weight]}/Inter_${WEIGHTS[weight]}.ttf`);
}

/** The TTF files of the four weights used. */
export function fontFiles(): string[] {
  return ([400, 500, 600, 700] as const).map(fontFile);
}

/** Advance width of a character in em. */
type Widths = (codePoint: number) => number;
const loaded = new Map<Weight, Widths>();

function readWidths(file: string): Widths {
  const font = readFileSync(file);
  const tables = new Map<string, number>();
  for (let i = 0; i < font.readUInt16BE(4); i++) {
    const record = 12 + 16 * i;
    tables.set(font.toString('latin1', record, record + 4), font.readUInt32BE(record + 8));
  }
  const at = (name: string): number => {
    const offset = tables.get(name);
    if (offset === undefined) throw new Error(`${file} has no ${name} table`);
    return offset;
  };
  const unitsPerEm = font.readUInt16BE(at('head') + 18);
  const metrics = font.readUInt16BE(at('hhea') + 34);
  const hmtx = at('hmtx');
  const glyphOf = readCmap(font, at('cmap'));
  const known = new Map<number, number>();
  return (codePoint) => {
    let width = known.get(codePoint);
    if (width === undefined) {
      const glyph = glyphOf(codePoint);
      // Glyph 0: another font will draw it, at most about an em wide.
      width = glyph === 0 ? 1 : font.readUInt16BE(hmtx + 4 * Math.min(glyph, metrics - 1)) / unitsPerEm;
      known.set(codePoint, width);
    }
    return width;
  };
}

/** Character to glyph by the font's format 4 subtable (the basic plane; beyond it glyph 0). */
function readCmap(font: Buffer, cmap: number): (codePoint: number) => number {
  let table = -1;
  for (let i = 0; i < font.readUInt16BE(cmap + 2); i++) {
    const offset = cmap + font.readUInt32BE(cmap + 4 + 8 * i + 4);
    if (font.readUInt16BE(offset) === 4) table = offset;
  }
  if (table < 0) throw new Error('the font has no cmap of format 4');
  const segments = font.readUInt16BE(table + 6) / 2;
  const ends = table + 14;
  const starts = ends + 2 * segments + 2;
  const deltas = starts + 2 * segments;
  const offsets = deltas + 2 * segments;
  return (codePoint) => {
    if (codePoint > 0xffff) return 0;
    for (let i = 0; i < segments; i++) {
      if (codePoint > font.readUInt16BE(ends + 2 * i)) continue;
      const start = font.readUInt16BE(starts + 2 * i);
      if (codePoint < start) return 0;
      const delta = font.readUInt16BE(deltas + 2 * i);
      const rangeOffset = font.readUInt16BE(offsets + 2 * i);
      if (rangeOffset === 0) return (codePoint + delta) & 0xffff;
      const glyph = font.readUInt16BE(offsets + 2 * i + rangeOffset + 2 * (codePoint - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}

/** Width in pixels of one line of text (kerning left out: it only ever makes Inter narrower, by about a per cent). */
export function textWidth(text: string, size: number, weight: Weight = 400): number {
  let widths = loaded.get(weight);
  if (widths === undefined) {
    widths = readWidths(fontFile(weight));
    loaded.set(weight, widths);
  }
  let em = 0;
  for (const character of text) em += widths(character.codePointAt(0) ?? 0);
  return em * size;
}

/** Lines no wider than `width` px, broken at spaces alone, so that joined by spaces they are the text again. */
export function wrapText(text: string, width: number, size: number, weight: Weight = 400): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer, size, weight) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** The text, or as much of it with an ellipsis as `width` px hold. */
export function fitText(text: string, width: number, size: number, weight: Weight = 400): string {
  if (textWidth(text, size, weight) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size, weight) > width)
    characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** Text from outside (symbols, issue names) as XML can carry it; Vega escapes the rest. */
export function plainText(text: string): string {
  // Controls, lone surrogates and non-characters make an SVG unreadable; direction marks would reorder our words.
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu, '\uFFFD');
}
