import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SettingName } from '../darkpool_analysis/config.js';
import { ConfigError, DataError } from '../darkpool_analysis/errors.js';
import { FakeFinra, weeklyRow } from './support/fake_finra.js';
import { FinraBench } from './support/finra_context.js';

let bench: FinraBench;
beforeEach(async () => {
  bench = await FinraBench.open('2025-09-01T12:00');
});
afterEach(() => bench.close());

const API_HEADER =
  'weekStartDate,tierIdentifier,summaryTypeCode,issueSymbolIdentifier,issueName,productTypeCode,MPID,firmCRDNumber,totalWeeklyShareQuantity,totalWeeklyTradeCount,totalNotionalSum,initialPublishedDate,lastUpdateDate';
const row = (
  symbol: string,
  shares: number | string,
  cut = 'ATS_W_SMBL',
  more = ',,,5,50.5,2025-08-04,2025-08-04',
) => {
  const [product, mpid, crd, ...rest] = more.split(',');
  return ['2025-07-14', 'T1', cut, symbol, `${symbol} Inc.`, product, mpid, crd, shares, ...rest].join(',');
};

async function file(name: string, content: string | Buffer): Promise<string> {
  const full = path.join(bench.folder, name);
  await mkdir(path.dirname(full), { recursive: true });
  await writeFile(full, content);
  return full;
}
/** Reads FINRA_OTC_FILE alone. */
const fetch = (otc: string, more: Partial<Record<SettingName, string>> = {}) =>
  bench.fetch({ DATA_SOURCE: 'files', FINRA_OTC_FILE: otc, ...more });
const current = (columns: string) =>
  bench.db.rows(`select ${columns} from finra_otc_weekly_current order by all`);
const state = () =>
  bench.db.rows(
    'select period, symbol_or_tier, status, rows, message from ingest_log order by period, symbol_or_tier',
  );

describe('forms', () => {
  const expected = [
    {
      symbol: 'AAA',
      summary_type: 'ATS_W_SMBL',
      shares: 100.25,
      trades: 5,
      notional: 50.5,
      visible_from: '2025-08-04',
    },
    {
      symbol: 'BRK.B',
      summary_type: 'OTC_W_SMBL',
      shares: 200,
      trades: 5,
      notional: 50.5,
      visible_from: '2025-08-04',
    },
  ];
  const columns = 'symbol, summary_type, shares, trades, notional, visible_from';
  const csv = `${API_HEADER}\n${row('AAA', 100.25)}\n${row('BRK.B', '2e2', 'OTC_W_SMBL')}\n`;
  const json = [
    weeklyRow({
      week: '2025-07-14',
      symbol: 'AAA',
      shares: 100.25,
      trades: 5,
      notional: 50.5,
      published: '2025-08-04',
    }),
    weeklyRow({
      week: '2025-07-14',
      cut: 'OTC_W_SMBL',
      symbol: 'BRK.B',
      shares: 200,
      trades: 5,
      notional: 50.5,
      published: '2025-08-04',
    }),
  ];
  test.each([
    ['weekly.csv', csv],
    ['weekly.csv.gz', gzipSync(csv)],
    ['weekly.psv', csv.replaceAll(',', '|')],
    ['weekly.tsv', csv.replaceAll(',', '\t')],
    ['weekly.txt', csv.replaceAll(',', ';').replaceAll('\n', '\r\n')],
    ['weekly.json', JSON.stringify(json)],
    ['weekly.json', JSON.stringify({ data: json })],
    ['weekly.jsonl', json.map((one) => JSON.stringify(one)).join('\n')],
  ])('%s', async (name, content) => {
    const { stored, gaps } = await fetch(await file(name, content));
    expect(stored.finra_otc_weekly).toBe(2);
    expect(gaps).toEqual([]);
    expect(await current(columns)).toEqual(expected);
    expect(await current('distinct source')).toEqual([{ source: name }]);
    expect((await state()).map(({ symbol_or_tier, status, rows }) => [symbol_or_tier, status, rows])).toEqual(
      [
        ['T1 ATS_W_SMBL', 'ok', '1'],
        ['T1 OTC_W_SMBL', 'ok', '1'],
      ],
    );
    expect(await bench.db.rows('select * from pending_weeks')).toEqual([{ week_start: '2025-07-14' }]);
  });

  test('parquet, with its own types', async () => {
    const target = path.join(bench.folder, 'weekly.parquet');
    const source = await file('weekly.csv', csv);
    await bench.db.run(
      `copy (select * replace ("weekStartDate"::date as "weekStartDate", "totalWeeklyShareQuantity"::double as "totalWeeklyShareQuantity") from read_csv('${source}', all_varchar = true)) to '${target}' (format parquet)`,
    );
    await fetch(target);
    expect(await current(columns)).toEqual(expected);
  });

  test('a site download: the week follows from the commonest publication date', async () => {
    const download = [
      'tierDescription|issueSymbolIdentifier|issueName|marketParticipantName|MPID|totalWeeklyShareQuantity|totalWeeklyTradeCount|lastUpdateDate',
      'NMS Tier 2|AAA|A Inc|UBS ATS |UBSA|10|1|2026-01-20',
      'NMS Tier 2|AAA|A Inc|De Minimis Firms||20|2|2026-01-20',
      'NMS Tier 2|BBB|B Inc|UBS ATS|UBSA|30|3|2026-01-28',
    ].join('\n');
    const { notes } = await fetch(await file('download.txt', download));
    // Tuesday 2026-01-20, after a holiday, less 35 days: the week of Monday 2025-12-15.
    expect(await current('week_start, tier, summary_type, symbol, mpid, firm_name, shares')).toEqual([
      {
        week_start: '2025-12-15',
        tier: 'T2',
        summary_type: 'ATS_W_SMBL_FIRM',
        symbol: 'AAA',
        mpid: 'UBSA',
        firm_name: 'UBS ATS',
        shares: 10,
      },
      {
        week_start: '2025-12-15',
        tier: 'T2',
        summary_type: 'ATS_W_SMBL_FIRM',
        symbol: 'AAA',
        mpid: null,
        firm_name: 'De Minimis Firms',
        shares: 20,
      },
      {
        week_start: '2025-12-15',
        tier: 'T2',
        summary_type: 'ATS_W_SMBL_FIRM',
        symbol: 'BBB',
        mpid: 'UBSA',
        firm_name: 'UBS ATS',
        shares: 30,
      },
    ]);
    expect(notes).toContainEqual(
      expect.stringMatching(/derived from the publication date: 2025-12-15 \(T2\)/),
    );
  });

  test('a user’s own columns: days of a week are added up', async () => {
    const own = 'Tag;Titel;Menge;Anzahl;volume\n14.07;x;1;1;1\n';
    await expect(fetch(await file('own.csv', own))).rejects.toThrow(DataError);
    const days = [
      'Tag;Titel;Menge;Anzahl;volume',
      '07/14/2025;AAA;10;1;999',
      '20250716;AAA;20.5;2;999',
      '2025-07-21;AAA;40;4;999',
      '2025-07-14;BBB;7;7;999',
      '2025-07-14;BBB;7;7;999',
    ].join('\n');
    const fields = {
      FINRA_DATE_FIELD: 'tag',
      FINRA_SYMBOL_FIELD: 'Titel',
      FINRA_VOLUME_FIELD: 'Menge',
      FINRA_TRADE_COUNT_FIELD: 'Anzahl',
    };
    const { notes } = await fetch(await file('own.csv', days), fields);
    expect(await current('week_start, tier, summary_type, symbol, shares, trades, visible_from')).toEqual([
      {
        week_start: '2025-07-14',
        tier: 'NA',
        summary_type: 'ALL_W_SMBL',
        symbol: 'AAA',
        shares: 30.5,
        trades: 3,
        visible_from: '2025-08-18',
      },
      {
        week_start: '2025-07-14',
        tier: 'NA',
        summary_type: 'ALL_W_SMBL',
        symbol: 'BBB',
        shares: 7,
        trades: 7,
        visible_from: '2025-08-18',
      },
      {
        week_start: '2025-07-21',
        tier: 'NA',
        summary_type: 'ALL_W_SMBL',
        symbol: 'AAA',
        shares: 40,
        trades: 4,
        visible_from: '2025-08-25',
      },
    ]);
    expect(notes).toEqual(['own.csv: 1 exact copy of rows dropped']);
    await expect(fetch(path.join(bench.folder, 'own.csv'), { FINRA_VOLUME_FIELD: 'Stück' })).rejects.toThrow(
      /no column Stück, which FINRA_VOLUME_FIELD names; it has Tag, Titel/,
    );
  });

  test('the file’s name tells cut and tier when the rows do not', async () => {
    const name = 'x_T2_OTC_W_SMBL_week.csv';
    const { notes } = await fetch(await file(name, 'weekStartDate,symbol,shares\n2025-07-14,AAA,1\n'));
    expect(await current('tier, summary_type')).toEqual([{ tier: 'T2', summary_type: 'OTC_W_SMBL' }]);
    expect(notes).toHaveLength(2);
  });

  test('blank symbols and statistics rows are skipped and counted', async () => {
    const { notes } = await fetch(
      await file(
        'weekly.csv',
        `${API_HEADER}\n${row('AAA', 1)}\n${row('', 2)}\n${row('', 3, 'ATS_W_VOL_STATS')}\n${row('NA', 4)}\n`,
      ),
    );
    expect(notes).toEqual([
      'weekly.csv: 1 row of ATS_W_VOL_STATS, which is not by symbol and week skipped',
      'weekly.csv: 1 row without a symbol skipped',
    ]);
    // NA is a ticker, not a missing value.
    expect(await current('symbol')).toEqual([{ symbol: 'AAA' }, { symbol: 'NA' }]);
  });
});

describe('what is wrong', () => {
  test.each([
    [
      'shares',
      row('BBB', 'many'),
      /row 2 \(header not counted\): totalWeeklyShareQuantity is "many", where a number of shares/,
    ],
    ['negative shares', row('BBB', -1), /totalWeeklyShareQuantity is "-1"/],
    ['nan', row('BBB', 'nan'), /totalWeeklyShareQuantity is "nan"/],
    ['no shares', row('BBB', ''), /totalWeeklyShareQuantity is nothing/],
    [
      'a week',
      row('BBB', 1).replace('2025-07-14', 'July'),
      /weekStartDate is "July", where a date like 2025-07-14/,
    ],
    ['another century', row('BBB', 1).replace('2025-07-14', '1925-07-14'), /from 2009-01-05/],
    ['a tier', row('BBB', 1).replace('T1', 'T7'), /tierIdentifier is "T7", where T1, T2, OTCE/],
    ['a publication date', row('BBB', 1, 'ATS_W_SMBL', ',,,5,50,soon,'), /initialPublishedDate is "soon"/],
    ['a CRD', row('BBB', 1, 'OTC_W_SMBL_FIRM', ',,CRD,5,50,,'), /firmCRDNumber is "CRD"/],
    [
      'a contradiction',
      `${row('BBB', 1)}\n${row('BBB', 2)}`,
      /rows 2 and 3 .* give different values for BBB/,
    ],
  ])('%s', async (_, wrong, message) => {
    const bad = await file('bad.csv', `${API_HEADER}\n${row('AAA', 1)}\n${wrong}\n`);
    const error = await fetch(bad).catch((caught) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain('bad.csv');
    expect(error.message).toMatch(message);
    expect(await bench.db.rows('select * from finra_otc_weekly')).toEqual([]);
    expect(await bench.db.rows('select * from source_files')).toEqual([]);
  });

  test('columns that are missing', async () => {
    await expect(fetch(await file('a.csv', 'weekStartDate,shares\n2025-07-14,1\n'))).rejects.toThrow(
      /no column of symbol .*FINRA_SYMBOL_FIELD.* it has weekStartDate, shares/,
    );
    await expect(fetch(await file('a.csv', 'symbol,shares\nAAA,1\n'))).rejects.toThrow(/no column of weeks/);
    await expect(fetch(path.join(bench.folder, 'nowhere.csv'))).rejects.toThrow(ConfigError);
  });

  test('exactly 5,000 rows: stored, warned, never whole, and a gap until it comes whole', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => row(`S${i}`, 1 + i));
    const cut = await file('cut.csv', `${API_HEADER}\n${rows.join('\n')}\n`);
    const first = await fetch(cut);
    expect(first.stored.finra_otc_weekly).toBe(5000);
    expect(bench.warnings).toEqual([expect.stringMatching(/cut\.csv: exactly a multiple of 5000 rows/)]);
    expect(await state()).toMatchObject([{ symbol_or_tier: 'T1 ATS_W_SMBL', status: 'error' }]);
    const again = await fetch(cut);
    expect(again.stored.finra_otc_weekly).toBe(0);
    expect(again.gaps).toEqual(first.gaps);
    expect(again.gaps).toMatchObject([{ period: '2025-07-14', subject: 'T1' }]);
    await file('cut.csv', `${API_HEADER}\n${rows.join('\n')}\n${row('MORE', 1)}\n`);
    expect((await fetch(cut)).gaps).toEqual([]);
    expect(await state()).toMatchObject([{ symbol_or_tier: 'T1 ATS_W_SMBL', status: 'ok' }]);
  });
});

describe('again', () => {
  const content = `${API_HEADER}\n${row('AAA', 1)}\n${row('BBB', 2)}\n`;
  const versions = () =>
    bench.db.rows(
      'select symbol, shares, visible_from, withdrawn, source from finra_otc_weekly order by symbol, visible_from, fetched_at',
    );

  test('a known file is skipped: by path and time, or by its bytes', async () => {
    const weekly = await file('weekly.csv', content);
    await fetch(weekly);
    const before = [await versions(), await state(), await bench.db.rows('select * from source_files')];
    bench.at('2025-09-02T12:00');
    await fetch(weekly);
    await utimes(weekly, 1_700_000_000, 1_700_000_000);
    await fetch(weekly);
    await fetch(await file('copy.csv', content));
    expect([await versions(), await state(), await bench.db.rows('select * from source_files')]).toEqual(
      before,
    );
  });

  test('a changed file is read anew: new rows, changed rows, and rows it no longer holds', async () => {
    const weekly = await file('weekly.csv', content);
    await fetch(weekly);
    await file(
      'weekly.csv',
      `${API_HEADER}\n${row('AAA', 5, 'ATS_W_SMBL', ',,,5,50.5,2025-08-04,2025-08-20')}\n${row('CCC', 3)}\n`,
    );
    bench.at('2025-09-02T12:00');
    await fetch(weekly);
    expect(await versions()).toEqual([
      { symbol: 'AAA', shares: 1, visible_from: '2025-08-04', withdrawn: false, source: 'weekly.csv' },
      { symbol: 'AAA', shares: 5, visible_from: '2025-08-20', withdrawn: false, source: 'weekly.csv' },
      { symbol: 'BBB', shares: 2, visible_from: '2025-08-04', withdrawn: false, source: 'weekly.csv' },
      { symbol: 'BBB', shares: 0, visible_from: '2025-09-02', withdrawn: true, source: 'weekly.csv' },
      { symbol: 'CCC', shares: 3, visible_from: '2025-08-04', withdrawn: false, source: 'weekly.csv' },
    ]);
  });

  test('an older file after a newer one does not take its place', async () => {
    const dated = (shares: number, updated: string) =>
      `${API_HEADER}\n${row('AAA', shares, 'ATS_W_SMBL', `,,,5,50.5,2025-08-04,${updated}`)}\n`;
    await file('w/1_new.csv', dated(9, '2025-08-20'));
    await file('w/2_old.csv', dated(1, '2025-08-04'));
    await fetch(path.join(bench.folder, 'w'));
    expect(await current('shares')).toEqual([{ shares: 9 }]);
    expect(await versions()).toMatchObject([
      { shares: 1, visible_from: '2025-08-04' },
      { shares: 9, visible_from: '2025-08-20' },
    ]);
  });

  test('a part of a week does not withdraw the rest, and poorer rows do not stand beside fuller ones', async () => {
    await fetch(
      await file(
        'weekly.csv',
        `${API_HEADER}\n${row('AAA', 1, 'ATS_W_SMBL', 'UTP,,,5,50.5,2025-08-04,2025-08-04')}\n${row('BBB', 2, 'ATS_W_SMBL', 'UTP,,,5,50.5,2025-08-04,2025-08-04')}\n`,
      ),
    );
    await fetch(
      await file('part.csv', 'weekStartDate,summaryTypeCode,symbol,shares\n2025-07-14,ATS_W_SMBL,AAA,1\n'),
    );
    expect(await current('tier, symbol, shares, trades')).toEqual([
      { tier: 'T1', symbol: 'AAA', shares: 1, trades: 5 },
      { tier: 'T1', symbol: 'BBB', shares: 2, trades: 5 },
    ]);
  });

  test('a file without tier and product gives way to the service’s fuller rows', async () => {
    await fetch(
      await file('part.csv', 'weekStartDate,summaryTypeCode,symbol,shares\n2025-07-14,ATS_W_SMBL,AAA,1\n'),
    );
    const finra = await FakeFinra.start();
    try {
      finra.rows = [weeklyRow({ week: '2025-07-14', symbol: 'AAA', shares: 3, published: '2025-08-04' })];
      await bench.fetch({
        DATA_SOURCE: 'live',
        TICKERS: 'ZZZ',
        FINRA_OTC_URL: `${finra.url}/weeklySummary`,
        FINRA_REGSHO_FILE: path.join(import.meta.dirname, 'fixtures/finra/CNMSshvol20250714.txt'),
      });
    } finally {
      await finra.stop();
    }
    expect(await current('tier, symbol, shares, source')).toEqual([
      { tier: 'T1', symbol: 'AAA', shares: 3, source: 'api' },
    ]);
  });
});

test('the sample’s files say that they are the sample', async () => {
  const context = bench.context({
    DATA_SOURCE: 'files',
    FINRA_OTC_FILE: await file('weekly.csv', `${API_HEADER}\n${row('AAA', 1)}\n`),
  });
  const { fetchFinra } = await import('../darkpool_analysis/fetch_finra.js');
  await fetchFinra({ ...context, config: { ...context.config, DATA_SOURCE: 'sample' } }, { sessions: [] });
  expect(await current('source')).toEqual([{ source: 'sample' }]);
  expect(await state()).toMatchObject([{ status: 'ok', message: null }]);
});
