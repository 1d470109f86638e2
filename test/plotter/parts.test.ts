import { describe, expect, test } from 'vitest';
import { DISCLAIMER, disclaimerFor } from '../../darkpool_analysis/disclaimer.js';
import { humanShares, roundTicks } from '../../darkpool_analysis/plotter/axes.js';
import { fitText, plainText, textWidth, wrapText } from '../../darkpool_analysis/plotter/inter.js';
import { boxAround, placeLabels } from '../../darkpool_analysis/plotter/labels.js';
import { symbolFileName } from '../../darkpool_analysis/plotter.js';

describe('the parts of the pictures', () => {
  test('file names differ for every symbol, whatever the file system thinks of case', () => {
    const symbols = [
      'TPC',
      'TpC',
      'tpc',
      'T_PC',
      'BRK.B',
      'KKRpD',
      'A/B',
      '..',
      '.',
      'CON',
      'É',
      `${'x'.repeat(300)}a`,
      'x'.repeat(301),
    ];
    const names = symbols.map(symbolFileName);
    expect(names.slice(0, 6)).toEqual(['TPC', 'T_pC', '_t_p_c', 'T=5FPC', 'BRK.B', 'KKR_pD']);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(symbols.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9=_-][A-Za-z0-9=_.-]{0,120}$/);
  });

  test('a second sentence names what sides were really inferred from', () => {
    expect(disclaimerFor(['OptionB_v1', null])).toBe(DISCLAIMER);
    expect(disclaimerFor(['Direct_v1'])).toBe(
      `${DISCLAIMER} The sides here were in fact inferred from the off-exchange prints themselves (Direct_v1).`,
    );
    expect(disclaimerFor(['OptionB_v1', 'BVC_v1'])).toMatch(/ Some sides here were in fact .*\(BVC_v1\)\.$/);
  });

  test('text is measured by Inter, wrapped at spaces and made safe', () => {
    expect(textWidth('iii', 10)).toBeLessThan(textWidth('WWW', 10));
    expect(textWidth('BOT', 20, 700)).toBeCloseTo(2 * textWidth('BOT', 10, 700), 6);
    const lines = wrapText(DISCLAIMER, 400, 12.5);
    expect(lines.join(' ')).toBe(DISCLAIMER);
    expect(lines.every((line) => textWidth(line, 12.5) <= 400)).toBe(true);
    expect(fitText('a very long name indeed', 60, 12)).toMatch(/…$/);
    expect(plainText('a\u0000b\u202Ec\uD800d')).toBe('a\uFFFDb\uFFFDc\uFFFDd');
  });

  test('numbers for people', () => {
    expect([0, 999, 1234, 999_600, 12_345_678, 1.5e9].map(humanShares)).toEqual([
      '0',
      '999',
      '1.23 K',
      '1.00 M',
      '12.3 M',
      '1.50 B',
    ]);
    expect(roundTicks(0.4, 0.62, 7)).toEqual([0.4, 0.45, 0.5, 0.55, 0.6]);
  });

  test('labels never cover one another', () => {
    const box = boxAround(50, 50, 20, 10);
    const area = { left: 0, right: 100, top: 0, bottom: 100 };
    const placed = placeLabels(
      [
        { item: 'first', places: [box] },
        { item: 'second', places: [box, boxAround(50, 70, 20, 10)] },
        { item: 'third', places: [box, boxAround(50, 120, 20, 10)] },
      ],
      area,
      [],
      [],
    );
    expect(placed.map(({ item }) => item)).toEqual(['first', 'second']);
  });
});
