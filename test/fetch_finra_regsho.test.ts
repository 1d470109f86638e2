import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError, VendorError } from '../darkpool_analysis/errors.js';
import { FakeFinra, regshoFile } from './support/fake_finra.js';
import { FinraBench } from './support/finra_context.js';

let finra: FakeFinra;
let bench: FinraBench;
beforeEach(async () => {
  finra = await FakeFinra.start();
  bench = await FinraBench.open('2025-07-18T18:30');
});
afterEach(async () => {
  await bench.close();
  await finra.stop();
});

/** Reg SHO alone: the weekly part reads a file. */
const live = async (from = '2025-07-16', to = '2025-07-18') => {
  const weekly = path.join(bench.folder, 'weekly.csv');
  await writeFile(weekly, 'weekStartDate,symbol,shares\n2025-06-02,AAA,1\n');
  return bench.fetch(
    { DATA_SOURCE: 'live', FINRA_OTC_FILE: weekly, FINRA_REGSHO_URL: `${finra.url}/regsho` },
    from,
    to,
  );
};
const post = (
  family: string,
  date: string,
  text = regshoFile(date, [
    ['AAA', 10, 1, 100.5],
    ['BRK/B', 5, 0, 50],
  ]),
) => finra.files.set(`${family}shvol${date.replaceAll('-', '')}.txt`, text);
const stored = () =>
  bench.db.rows('select "date", family, symbol, total_volume from finra_regsho_daily order by all');
const state = () =>
  bench.db.rows(
    `select period, symbol_or_tier as family, status, rows::integer as rows from ingest_log
     where source = 'finra_regsho_daily' order by all`,
  );
const pending = () => bench.db.rows('select symbol, "date" from pending_days order by all');

describe('over the network', () => {
  test('days of the range, once; 403 on a due day is a gap', async () => {
    post('CNMS', '2025-07-16');
    post('FORF', '2025-07-16', regshoFile('2025-07-16', [['OTCX', 1, 0, 7, 'O']]));
    post('CNMS', '2025-07-17');
    post('FORF', '2025-07-17', regshoFile('2025-07-17', []));
    const { gaps, stored: counts } = await live();
    expect(counts.finra_regsho_daily).toBe(5);
    expect(gaps).toEqual([
      {
        source: 'finra_regsho_daily',
        period: '2025-07-18',
        subject: 'CNMS',
        reason: expect.stringMatching(/18:00/),
      },
      {
        source: 'finra_regsho_daily',
        period: '2025-07-18',
        subject: 'FORF',
        reason: expect.stringMatching(/18:00/),
      },
    ]);
    expect(await state()).toEqual([
      { period: '2025-07-16', family: 'CNMS', status: 'ok', rows: 2 },
      { period: '2025-07-16', family: 'FORF', status: 'ok', rows: 1 },
      { period: '2025-07-17', family: 'CNMS', status: 'ok', rows: 2 },
      // An empty day is a day.
      { period: '2025-07-17', family: 'FORF', status: 'ok', rows: 0 },
      { period: '2025-07-18', family: 'CNMS', status: 'absent', rows: 0 },
      { period: '2025-07-18', family: 'FORF', status: 'absent', rows: 0 },
    ]);
    expect((await stored())[1]).toEqual({
      date: '2025-07-16',
      family: 'CNMS',
      symbol: 'BRK.B',
      total_volume: 50,
    });
    expect(await pending()).toHaveLength(5);
    finra.asked.length = 0;
    post('CNMS', '2025-07-18');
    await live();
    expect(finra.regshoAsked.sort()).toEqual(['CNMSshvol20250718.txt', 'FORFshvol20250718.txt']);
  });

  test('before 18:00 New York the day is not asked for', async () => {
    bench.at('2025-07-18T17:59');
    post('CNMS', '2025-07-17');
    post('FORF', '2025-07-17');
    expect((await live('2025-07-17')).gaps).toEqual([]);
    expect(finra.regshoAsked.some((name) => name.includes('20250718'))).toBe(false);
  });

  test('another 403 is a refusal, and so is 403 for every day', async () => {
    await expect(live()).rejects.toThrow(/403 for every one of 3 sessions/);
    finra.intervene = (_, response) => {
      response.writeHead(403).end('<html>blocked</html>');
      return true;
    };
    const error = await live().catch((caught) => caught);
    expect(error).toBeInstanceOf(VendorError);
    expect(error.message).toMatch(/refused \(403\), not just missing/);
  });

  test('a web page or a cut body is asked for again; a wrong file is a gap and leaves the rest', async () => {
    for (const date of ['2025-07-16', '2025-07-17', '2025-07-18']) {
      post('CNMS', date);
      post('FORF', date);
    }
    post('CNMS', '2025-07-17', regshoFile('2025-07-16', [['AAA', 1, 1, 1]]));
    finra.intervene = (_, response, count) => {
      if (count > 1) return false;
      response.end('<html>busy</html>');
      return true;
    };
    const { gaps } = await live();
    expect(gaps).toEqual([
      {
        source: 'finra_regsho_daily',
        period: '2025-07-17',
        subject: 'CNMS',
        reason: expect.stringMatching(
          /CNMSshvol20250717\.txt, line 2: "20250716", where the date 20250717 should be/,
        ),
      },
    ]);
    expect(await state()).toContainEqual({ period: '2025-07-17', family: 'CNMS', status: 'error', rows: 0 });
    expect(await stored()).toHaveLength(10);
  });

  test('5xx for ever', async () => {
    finra.intervene = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    await expect(live()).rejects.toThrow(/503.*what is stored is whole/);
  });
});

describe('from files', () => {
  const put = async (name: string, content: string | Buffer) => {
    await mkdir(path.join(bench.folder, 'regsho'), { recursive: true });
    await writeFile(path.join(bench.folder, 'regsho', name), content);
  };
  const files = () =>
    bench.fetch({ DATA_SOURCE: 'files', FINRA_REGSHO_FILE: path.join(bench.folder, 'regsho') });
  const header = 'Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market';
  const good = '20250716|AAA|10|1|100|Q';

  test('all six families, CRLF or LF, gzipped; other files are ignored with a note; CNMS is audited', async () => {
    const rows = (total: number) => regshoFile('2025-07-16', [['AAA', 1, 0, total]]);
    await put('CNMSshvol20250716.txt', rows(6));
    await put('FNSQshvol20250716.txt', rows(1).replaceAll('\r', ''));
    await put('FNYXshvol20250716.txt.gz', gzipSync(rows(2)));
    await put('FNQCshvol20250716.txt', rows(4));
    await put('FNRAshvol20250716.txt', regshoFile('2025-07-16', []));
    await put(
      'FORFshvol20250716.txt',
      regshoFile('2025-07-16', [
        ['TPC', 1, 0, 1],
        ['TpC', 1, 0, 2],
      ]),
    );
    await put('readme.txt', 'hello');
    const { notes } = await files();
    expect(notes).toEqual([
      // 3 short shares in the facilities against 1, and 7 in all against 6.
      expect.stringMatching(
        /CNMS is not the sum of its facilities for 1 symbol-days, the first 2025-07-16 AAA: CNMS 6\.0 shares, facilities 7\.0/,
      ),
      expect.stringMatching(/1 file not named like .* ignored \(readme\.txt\)/),
    ]);
    expect(await stored()).toHaveLength(6);
    // The facilities only audit: no day is computed anew for them.
    expect(await pending()).toEqual([
      { symbol: 'AAA', date: '2025-07-16' },
      { symbol: 'TPC', date: '2025-07-16' },
      { symbol: 'TpC', date: '2025-07-16' },
    ]);
  });

  test.each([
    ['header', `${header.replace('Date', 'Day')}\n${good}\n1\n`, /line 1: .* where the header Date\|Symbol/],
    ['columns', `${header}\n20250716|AAA|10|100|Q\n1\n`, /line 2: .* where six columns should be/],
    ['date', `${header}\n${good.replace('16', '17')}\n1\n`, /line 2: "20250717", where the date 20250716/],
    [
      'volume',
      `${header}\n${good}\n20250716|BBB|x|0|1|Q\n2\n`,
      /line 3: .* where numbers of shares, 0 or more/,
    ],
    ['negative volume', `${header}\n20250716|BBB|1|0|-1|Q\n1\n`, /line 2: .* where numbers of shares/],
    [
      'trailer',
      `${header}\n${good}\n2\n`,
      /line 3: "2", where the number of rows in the file, 1; is the file cut\?/,
    ],
    ['no trailer', `${header}\n${good}\n`, /line 2: .* where the number of rows as last line/],
    ['header alone', `${header}\n`, /line 2: "the end of the file"/],
    ['twice', `${header}\n${good}\n${good}\n2\n`, /line 3: "AAA", where a symbol only once/],
    ['nothing', '', /line 1/],
  ])('%s wrong: names file and line, stores nothing of it', async (_, text, message) => {
    await put('CNMSshvol20250715.txt', regshoFile('2025-07-15', [['AAA', 1, 0, 2]]));
    await put('CNMSshvol20250716.txt', text);
    const error = await files().catch((caught) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain('CNMSshvol20250716.txt');
    expect(error.message).toMatch(message);
    expect(await stored()).toHaveLength(1);
  });

  test('a changed file replaces its day, and only what changed is computed anew; a known one is skipped', async () => {
    await put(
      'CNMSshvol20250716.txt',
      regshoFile('2025-07-16', [
        ['AAA', 1, 0, 2],
        ['BBB', 1, 0, 3],
        ['CCC', 1, 0, 4],
      ]),
    );
    await files();
    await bench.db.run('delete from pending_days');
    const before = await bench.db.rows('select * from ingest_log');
    bench.at('2025-07-19T12:00');
    expect((await files()).stored.finra_regsho_daily).toBe(0);
    expect(await bench.db.rows('select * from ingest_log')).toEqual(before);
    await put(
      'CNMSshvol20250716.txt',
      regshoFile('2025-07-16', [
        ['CCC', 1, 0, 4],
        ['AAA', 1, 0, 20],
        ['DDD', 1, 0, 5],
      ]),
    );
    expect((await files()).stored.finra_regsho_daily).toBe(3);
    expect(await pending()).toEqual(['AAA', 'BBB', 'DDD'].map((symbol) => ({ symbol, date: '2025-07-16' })));
    // The same rows in another order change nothing.
    await bench.db.run('delete from pending_days');
    await put(
      'CNMSshvol20250716.txt',
      regshoFile('2025-07-16', [
        ['DDD', 1, 0, 5],
        ['AAA', 1, 0, 20],
        ['CCC', 1, 0, 4],
      ]),
    );
    expect((await files()).stored.finra_regsho_daily).toBe(0);
    expect(await pending()).toEqual([]);
  });
});
