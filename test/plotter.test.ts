import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../darkpool_analysis/config.js';
import type { Context } from '../darkpool_analysis/context.js';
import { Database } from '../darkpool_analysis/db.js';
import { DISCLAIMER, disclaimerFor, SIMULATED } from '../darkpool_analysis/disclaimer.js';
import type { Http } from '../darkpool_analysis/http.js';
import { SILENT_LOG } from '../darkpool_analysis/log.js';
import { sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { type PictureName, pictureFiles, plot } from '../darkpool_analysis/plotter.js';
import { expectTextsApart, textsIn } from './plotter/svg_texts.js';

const GOLDEN = path.join(import.meta.dirname, 'golden', 'plots');
const HOSTILE = `"><script>&'x${String.fromCharCode(1)}\u202e`;

let folder: string;
let ctx: Context;
let warnings: string[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'plotter-'));
  const db = await Database.open({ dataDir: path.join(folder, 'data') });
  warnings = [];
  ctx = {
    config: loadConfig({ env: {}, cwd: folder }),
    db,
    http: {} as Http,
    log: { ...SILENT_LOG, warn: (message) => void warnings.push(message) },
    clock: { now: () => DateTime.fromISO('2025-07-01T00:00:00Z') },
  };
  const sessions = sessionsBetween('2024-01-02', '2025-12-31').map(
    ({ date, weekStart }) => `('${date}', '${weekStart}', 0, 0, 0, 0, false)`,
  );
  await db.run(`insert into market_sessions values ${sessions.join(',')}`);
  await db.run("insert into pipeline_state values ('origin', 'sample')");
  await addDays('ETR', [
    ['2025-06-02', 0.51],
    ['2025-06-03', 0.58],
    ['2025-06-04', 0.53],
    // 5 June: no row. 6 June: a row, but too little lit volume for a ratio.
    ['2025-06-06', null],
    ['2025-06-09', 0.49],
    ['2025-06-10', 0.42],
    ['2025-06-11', 0.47, 'daily', 'tape', 'LeeReady_v1'],
    ['2025-06-12', 0.57, 'daily', 'regsho', 'LeeReady_v1'],
    ['2025-06-13', 0.6, 'weekly', 'week_total', 'LeeReady_v1'],
    ['2025-06-16', 0.5, 'weekly', 'week_total', 'LeeReady_v1'],
    ['2025-06-17', 0.46, 'daily', 'regsho', 'LeeReady_v1'],
  ]);
  await addWeeks('ETR', [
    ['2025-05-19', 2.1e6, 3.9e6, 0.48],
    ['2025-05-26', null, 4.4e6, null],
    // the week of 2 June is not there at all
    ['2025-06-09', 2.6e6, 3.1e6, 0.563],
    ['2025-06-16', 2.9e6, null, null],
  ]);
  await db.run("insert into ticker_reference (symbol, name) values ('ETR', 'Entergy Corp <Test & Co>')");
  await addDays('ONE', [['2025-06-02', 0.531]]);
  await addDays('EDGE', [
    ['2025-06-02', 0],
    ['2025-06-03', 1],
    ['2025-06-04', 1],
    ['2025-06-05', 0.5, 'daily', 'tape', 'BVC_v1'],
    ['2025-06-06', 0.9, 'daily', 'tape', 'Direct_v1'],
  ]);
  await addWeeks('EDGE', [['2025-06-02', 0, 0, null]]);
  await addDays(HOSTILE, [['2025-06-02', 0.531]]);
  await addWeeks(HOSTILE, [['2025-06-02', 100, 0, null]]);
  // A year, with signals everywhere, to crowd the pictures.
  const year = sessionsBetween('2024-06-03', '2025-06-13');
  await addDays(
    'YEAR',
    year.map(({ date }, i) => [date, 0.5 + 0.1 * Math.sin(i * 1.3) * Math.cos(i / 9)] as const),
  );
  await addWeeks(
    'YEAR',
    [...new Set(year.map(({ weekStart }) => weekStart))].map(
      (week, i) =>
        [week, 1e8 + 2e7 * Math.sin(i), 2e8 + 3e7 * Math.cos(i), 0.5 + 0.07 * Math.sin(i)] as const,
    ),
  );
});

afterAll(() => {
  ctx.db.close();
  rmSync(folder, { recursive: true });
});

type Day = readonly [date: string, ratio: number | null, period?: string, basis?: string, version?: string];
async function addDays(symbol: string, days: readonly Day[]): Promise<void> {
  for (const [date, ratio, period = 'daily', basis = 'finra_week', version = 'OptionB_v1'] of days) {
    await ctx.db.run(
      `insert into darkpool_daily_summary by name
       select $date::date as date, $symbol as symbol, 1e6 * r as estimated_bought, 1e6 * (1 - r) as estimated_sold,
         r as buy_ratio, r / (1 - r) as buy_sell_ratio, 1e6 as total_off_exchange_volume, $period as finra_period_type,
         $basis as volume_basis, $version as inference_version,
         case when r > 0.5556 then 'BOT' when r < 0.4444 then 'SELL' end as signal
       from (select $ratio::double as r)`,
      { date, symbol, ratio, period, basis, version },
    );
  }
}

type Week = readonly [week: string, ats: number | null, nonAts: number | null, ratio: number | null];
async function addWeeks(symbol: string, weeks: readonly Week[]): Promise<void> {
  for (const [week, ats, nonAts, ratio] of weeks) {
    await ctx.db.run(
      `insert into darkpool_weekly_summary (week_start, symbol, ats_volume, non_ats_volume, buy_ratio, inference_version, signal)
       select $week::date, $symbol, $ats::double, $nonAts::double, $ratio::double, 'OptionB_v1',
         case when $ratio::double > 0.5556 then 'BOT' when $ratio::double < 0.4444 then 'SELL' end`,
      { week, symbol, ats, nonAts, ratio },
    );
  }
}

function files(symbol: string, picture: PictureName) {
  return pictureFiles(ctx.config.OUTPUT_DIR, symbol, picture);
}

interface SpecLayer {
  name?: string;
  data?: { values: Record<string, unknown>[] };
  layer?: SpecLayer[];
}
/** Values of a named layer of a specification on disk. */
function valuesOf(symbol: string, picture: PictureName, name: string): Record<string, unknown>[] {
  const find = (layers: SpecLayer[]): SpecLayer | undefined => {
    for (const layer of layers) {
      const found = layer.name === name ? layer : find(layer.layer ?? []);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const spec = JSON.parse(readFileSync(files(symbol, picture).spec, 'utf8')) as { layer: SpecLayer[] };
  return find(spec.layer)?.data?.values ?? [];
}

/** Paths of a group of marks in an SVG, by the name of its layer. */
function pathsOf(svg: string, name: string): string[] {
  const group = new RegExp(`<g class="mark-[a-z]+ role-mark [^"]*${name}[^"]*"[^>]*>(.*?)</g>`, 's');
  return [...svg.matchAll(new RegExp(group, 'gs'))].flatMap(([, body]) =>
    [...(body ?? '').matchAll(/ d="([^"]*)"/g)].map(([, d]) => d ?? ''),
  );
}

describe('the pictures of a ticker with everything in it', () => {
  let result: Awaited<ReturnType<typeof plot>>;
  beforeAll(async () => {
    result = await plot(ctx, { tickers: ['ETR'] });
  });

  test('are the golden ones', () => {
    expect(result.written.map((file) => path.basename(file))).toEqual([
      'ETR_buy_ratio.vl.json',
      'ETR_buy_ratio.svg',
      'ETR_buy_ratio.png',
      'ETR_weekly_volume.vl.json',
      'ETR_weekly_volume.svg',
      'ETR_weekly_volume.png',
    ]);
    expect(warnings).toEqual([]);
    for (const file of result.written.filter((name) => !name.endsWith('.png'))) {
      const golden = path.join(GOLDEN, path.basename(file));
      if (process.env.UPDATE_GOLDEN === '1') {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(golden, readFileSync(file));
      }
      expect(readFileSync(file, 'utf8'), `${golden} (UPDATE_GOLDEN=1 makes it anew)`).toBe(
        readFileSync(golden, 'utf8'),
      );
    }
  });

  test('break the daily line at missing sessions, at NULL ratios, at weekly volume and where the rule changes', () => {
    const line = valuesOf('ETR', 'buy_ratio', 'daily_line');
    const stretches = new Map<unknown, unknown[]>();
    for (const { date, segment } of line) stretches.set(segment, [...(stretches.get(segment) ?? []), date]);
    expect([...stretches.values()]).toEqual([
      ['2025-06-02', '2025-06-03', '2025-06-04'],
      ['2025-06-09', '2025-06-10'],
      ['2025-06-11', '2025-06-12'],
      ['2025-06-17'],
    ]);
    const svg = readFileSync(files('ETR', 'buy_ratio').svg, 'utf8');
    const drawn = pathsOf(svg, 'daily_line').filter((d) => d !== '');
    expect(drawn.map((d) => d.match(/[ML]/g)?.join(''))).toEqual([
      'MLL',
      'ML',
      'ML',
      expect.stringMatching(/^M/),
    ]);
    // The grey of the missing days, one stretch from noon-less 5 to 6 June.
    const day = (date: string) => Date.parse(`${date}T00:00:00Z`);
    expect(valuesOf('ETR', 'buy_ratio', 'gaps')).toEqual([
      { from: day('2025-06-05') - 43_200_000, to: day('2025-06-06') + 43_200_000 },
    ]);
    expect(valuesOf('ETR', 'buy_ratio', 'version_changes')).toEqual([
      { at: (day('2025-06-10') + day('2025-06-11')) / 2, version: 'LeeReady_v1' },
    ]);
  });

  test('keep weekly figures apart and mark signals by shape', () => {
    const dates = (name: string) => valuesOf('ETR', 'buy_ratio', name).map(({ date }) => date);
    expect(dates('bot_days')).toEqual(['2025-06-03', '2025-06-12']);
    expect(dates('sell_days')).toEqual(['2025-06-10']);
    expect(dates('week_total_bot')).toEqual(['2025-06-13']);
    expect(dates('week_total_days')).toEqual(['2025-06-16']);
    expect(valuesOf('ETR', 'buy_ratio', 'week_bot').map(({ week_start }) => week_start)).toEqual([
      '2025-06-09',
    ]);
    expect(valuesOf('ETR', 'buy_ratio', 'week_bars')).toHaveLength(2);
    const texts = textsIn(readFileSync(files('ETR', 'buy_ratio').svg, 'utf8')).map(({ text }) => text);
    expect(texts).toContain('BOT 0.580');
    expect(texts).toContain('SELL 0.420');
    expect(texts).toContain('from here LeeReady_v1');
  });

  test('draw and name both thresholds', () => {
    const thresholds = valuesOf('ETR', 'buy_ratio', 'thresholds');
    expect(thresholds.map(({ what, at }) => [what, Number((at as number).toFixed(4))])).toEqual([
      ['BOT', 0.5556],
      ['SELL', 0.4444],
      ['even', 0.5],
    ]);
    const texts = textsIn(readFileSync(files('ETR', 'buy_ratio').svg, 'utf8')).map(({ text }) => text);
    expect(texts).toContain('BOT above 0.5556');
    expect(texts).toContain('SELL below 0.4444');
    expect(texts).toContain('bought > 1.25 × sold');
  });

  test('show a cut that is not loaded as unknown, not as zero', () => {
    const bars = valuesOf('ETR', 'weekly_volume', 'bars');
    expect(bars.map(({ week_start, cut, shares, outlined }) => [week_start, cut, shares, outlined])).toEqual([
      ['2025-05-19', 'ATS', 2.1e6, false],
      ['2025-05-19', 'non-ATS', 3.9e6, false],
      ['2025-05-26', 'non-ATS', 4.4e6, true],
      ['2025-06-09', 'ATS', 2.6e6, false],
      ['2025-06-09', 'non-ATS', 3.1e6, false],
      ['2025-06-16', 'ATS', 2.9e6, true],
    ]);
    expect(valuesOf('ETR', 'weekly_volume', 'gaps')).toHaveLength(1);
    const shares = valuesOf('ETR', 'weekly_volume', 'share_line');
    expect(shares.map(({ ats_share_pct }) => ats_share_pct)).toEqual([35, 45.614]);
    // An unknown week lies between them: no line.
    expect(new Set(shares.map(({ run }) => run)).size).toBe(2);
    const texts = textsIn(readFileSync(files('ETR', 'weekly_volume').svg, 'utf8')).map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(['6.00 M', '5.70 M', 'ATS only', 'non-ATS only', '35.0 %']));
  });

  test('say the sentence word for word, and that the data is simulated', () => {
    for (const picture of ['buy_ratio', 'weekly_volume'] as const) {
      const texts = textsIn(readFileSync(files('ETR', picture).svg, 'utf8')).map(({ text }) => text);
      expect(texts.join(' ')).toContain(DISCLAIMER);
      expect(texts).toContain(SIMULATED);
    }
  });

  test('are drawn once: a second call writes nothing, and fast', async () => {
    const before = result.written.map((file) => statSync(file).mtimeMs);
    const start = performance.now();
    const again = await plot(ctx, { tickers: ['ETR'] });
    expect(performance.now() - start).toBeLessThan(500);
    expect(again).toEqual({ written: [], unchanged: 6, notes: [] });
    expect(result.written.map((file) => statSync(file).mtimeMs)).toEqual(before);
    expect(
      readdirSync(path.dirname(result.written[0] ?? '')).filter((name) => name.endsWith('.tmp')),
    ).toEqual([]);
  });

  test('are made anew when one of the files is gone', async () => {
    const { svg, png } = files('ETR', 'buy_ratio');
    const bytes = readFileSync(png);
    rmSync(svg);
    expect((await plot(ctx, { tickers: ['ETR'] })).written).toHaveLength(3);
    expect(readFileSync(png).equals(bytes)).toBe(true);
  });
});

describe('every picture', () => {
  test('keeps its words apart when the thresholds are set next to each other', async () => {
    const config = loadConfig({
      env: { OUTPUT_DIR: 'narrow', BOT_THRESHOLD: '1.001', SELL_THRESHOLD: '0.999' },
      cwd: folder,
    });
    await plot({ ...ctx, config }, { tickers: ['EDGE'] });
    expectTextsApart(
      readFileSync(pictureFiles(config.OUTPUT_DIR, 'EDGE', 'buy_ratio').svg, 'utf8'),
      'narrow',
    );
  });

  test.each(['ETR', 'ONE', 'EDGE', 'YEAR', HOSTILE])(
    'of %j holds its texts apart and inside',
    async (symbol) => {
      await plot(ctx, { tickers: [symbol] });
      expect(warnings).toEqual([]);
      for (const picture of ['buy_ratio', 'weekly_volume'] as const) {
        const { svg, png } = files(symbol, picture);
        if (!existsSync(svg)) continue;
        const image = readFileSync(png);
        expect([image.readUInt32BE(16), image.readUInt32BE(20)]).toEqual([1400, 640]);
        expectTextsApart(readFileSync(svg, 'utf8'), picture);
      }
    },
  );

  test('of a hostile symbol carries it as text alone', async () => {
    await plot(ctx, { tickers: [HOSTILE] });
    const svg = readFileSync(files(HOSTILE, 'buy_ratio').svg, 'utf8');
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;&amp;');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what must not be there
    expect(svg).not.toMatch(/[\u0000-\u0008\u202e]/);
    expect(path.dirname(files('../../etc/x', 'buy_ratio').svg)).toBe(
      path.join(ctx.config.OUTPUT_DIR, 'plots'),
    );
  });

  test('that has no data is not made; a note says so, and one left from before goes', async () => {
    const result = await plot(ctx, { tickers: ['ONE', 'NONE'] });
    expect(result.notes).toEqual([
      'ONE: no weekly volume picture, the database has no FINRA week for it',
      'NONE: no buy ratio picture, the database has no buy ratio for it',
      'NONE: no weekly volume picture, the database has no FINRA week for it',
    ]);
    const { svg } = files('NONE', 'buy_ratio');
    writeFileSync(svg, 'old');
    expect((await plot(ctx, { tickers: ['NONE'] })).notes[0]).toMatch(/the old one is removed$/);
    expect(existsSync(svg)).toBe(false);
  });

  test('without sample data does not speak of it, and other thresholds move the rules', async () => {
    await ctx.db.run("update pipeline_state set value = 'real' where key = 'origin'");
    const config = loadConfig({
      env: { OUTPUT_DIR: 'other', BOT_THRESHOLD: '3', SELL_THRESHOLD: '0.9', INFERENCE_VERSION: 'Direct_v1' },
      cwd: folder,
    });
    await ctx.db.run(
      "update darkpool_daily_summary set inference_version = 'Direct_v1' where symbol = 'ONE'",
    );
    await plot({ ...ctx, config }, { tickers: ['ONE'] });
    const svg = readFileSync(pictureFiles(config.OUTPUT_DIR, 'ONE', 'buy_ratio').svg, 'utf8');
    await ctx.db.run("update pipeline_state set value = 'sample' where key = 'origin'");
    const texts = textsIn(svg).map(({ text }) => text);
    expect(svg).not.toContain(SIMULATED);
    expectTextsApart(svg, 'other thresholds');
    expect(texts).toContain('BOT above 0.7500');
    expect(texts).toContain('SELL below 0.4737');
    expect(texts.join(' ')).toContain(disclaimerFor(['Direct_v1']));
  });
});
