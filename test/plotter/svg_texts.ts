import { expect } from 'vitest';
import { textWidth, type Weight } from '../../darkpool_analysis/plotter/inter.js';

/** A line of text as it stands in a picture. */
export interface Drawn {
  text: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}
/** Every text of an SVG with the rectangle it takes, by Inter's widths; halos are drawn twice and count once. */
export function textsIn(svg: string): Drawn[] {
  const texts: Drawn[] = [];
  const origins: [number, number][] = [[0, 0]];
  const plain = (text: string) =>
    text
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&quot;/g, '"')
      .replace(/&amp;/g, '&');
  const token = /<g\b([^>]*)>|<\/g>|<text\b([^>]*)>(.*?)<\/text>/gs;
  for (const [tag, group, attributes = '', content = ''] of svg.matchAll(token)) {
    if (tag === '</g>') {
      origins.pop();
      continue;
    }
    const [x, y] = origins.at(-1) ?? [0, 0];
    const moves = [...(group ?? attributes).matchAll(/translate\(([-\d.]+),([-\d.]+)\)/g)].map((m) => [
      Number(m[1]),
      Number(m[2]),
    ]);
    const turned = attributes.includes('rotate(-90)');
    const [dx = 0, dy = 0] = moves[0] ?? [];
    if (group !== undefined) {
      origins.push([x + dx, y + dy]);
      continue;
    }
    if (attributes.includes('stroke="#FFFFFF"')) continue;
    const size = Number(/font-size="([\d.]+)px"/.exec(attributes)?.[1]);
    const weight = Number(/font-weight="(\d+)"/.exec(attributes)?.[1] ?? 400) as Weight;
    const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1];
    const lines = content.startsWith('<tspan')
      ? [...content.matchAll(/<tspan[^>]*>([^<]*)</g)].map(([, line]) => line ?? '')
      : [content];
    for (const [i, line] of lines.entries()) {
      const text = plain(line);
      const width = textWidth(text, size, weight);
      const before = anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0;
      const [, [ax = 0, ay = 0] = []] = moves;
      const start = { x: x + dx, y: y + dy + i * 15 };
      texts.push(
        turned
          ? {
              text,
              left: start.x + ay - 0.72 * size,
              right: start.x + ay,
              top: start.y - ax - width + before,
              bottom: start.y - ax + before,
            }
          : {
              text,
              left: start.x - before,
              right: start.x - before + width,
              top: start.y - 0.72 * size,
              bottom: start.y,
            },
      );
    }
  }
  return texts;
}

/** Fails where two texts of a picture touch, or one comes near its edge. */
export function expectTextsApart(svg: string, picture: string): void {
  const texts = textsIn(svg);
  expect(texts.length).toBeGreaterThan(15);
  for (const text of texts) {
    const inside = text.left >= 8 && text.right <= 1392 && text.top >= 8 && text.bottom <= 632;
    expect(inside, `${picture}: ${JSON.stringify(text)}`).toBe(true);
  }
  for (const [i, a] of texts.entries()) {
    for (const b of texts.slice(i + 1)) {
      const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
      expect(apart, `${picture}: ${JSON.stringify(a)} touches ${JSON.stringify(b)}`).toBe(true);
    }
  }
}
