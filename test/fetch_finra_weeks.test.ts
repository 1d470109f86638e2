import { describe, expect, test } from 'vitest';
import { type FinraRow, weeklyRow } from './support/fake_finra.js';
import {
  askedOfWeek,
  bench,
  bothCuts,
  current,
  fetch,
  finra,
  status,
  symbolRows,
  useWeeklyBench,
  WEEK,
} from './support/weekly_bench.js';

useWeeklyBench();

describe('weeks', () => {
  test.each([204, 200] as const)(
    '%d without rows: absent, and a gap that names week, tier and date',
    async (emptyAs) => {
      finra.emptyAs = emptyAs;
      finra.rows = symbolRows(['AAA'], 'ATS_W_SMBL');
      const { gaps } = await fetch({ TICKERS: 'ZZZ' });
      expect(gaps.find(({ period }) => period === WEEK)).toEqual({
        source: 'finra_otc_weekly',
        period: WEEK,
        subject: 'T1',
        reason: 'OTC_W_SMBL was due on 2025-08-04 and is not published yet',
      });
      expect(await status('T1 ATS_W_SMBL')).toBe('ok');
      expect(await status('T1 OTC_W_SMBL')).toBe('absent');
      // 13 weeks before: due, and empty here.
      expect(new Set(gaps.map(({ period }) => period)).size).toBe(14);
      expect(gaps.every(({ period }) => period >= '2025-04-14')).toBe(true);
    },
  );

  test('what is not due is not asked for, and no gap', async () => {
    bench.at('2025-08-03T23:00');
    finra.rows = bothCuts(['AAA']);
    const { gaps } = await fetch({ TICKERS: 'ZZZ' });
    expect(askedOfWeek()).toEqual([]);
    expect(gaps.some(({ period }) => period === WEEK)).toBe(false);
    bench.at('2025-08-18T09:00');
    await fetch({ TICKERS: 'ZZZ' });
    expect(
      askedOfWeek()
        .map(({ json }) => JSON.stringify(json.compareFilters).match(/T1|T2|OTCE/)?.[0])
        .sort(),
    ).toEqual(['OTCE', 'OTCE', 'T1', 'T1', 'T2', 'T2']);
  });

  test('complete weeks cost nothing on the same day; the last 8 are read again on the next', async () => {
    // Every due week of Tier 1, and nothing else due: the range ends on the newest due week.
    const weeks = Array.from({ length: 14 }, (_, i) =>
      new Date(Date.UTC(2025, 3, 14 + 7 * i)).toISOString().slice(0, 10),
    );
    finra.rows = weeks.flatMap((week) =>
      ['T1', 'T2', 'OTCE'].flatMap((tier) =>
        ['ATS_W_SMBL', 'OTC_W_SMBL'].map((cut) =>
          weeklyRow({ week, tier, cut, symbol: `X${tier}`, shares: 5, published: week }),
        ),
      ),
    );
    const first = await fetch();
    expect(first.gaps).toEqual([]);
    const firstAsked = finra.weeklyAsked.length;
    expect(firstAsked).toBe(2 * (14 + 12 + 12));
    const before = await bench.db.rows('select * from ingest_log order by all');
    expect(await fetch()).toEqual({
      stored: { finra_otc_weekly: 0, finra_regsho_daily: 0 },
      gaps: [],
      notes: [],
    });
    expect(finra.weeklyAsked.length).toBe(firstAsked);
    expect(await bench.db.rows('select * from ingest_log order by all')).toEqual(before);
    await bench.db.run('delete from pending_weeks');
    bench.at('2025-08-06T12:00');
    expect((await fetch()).stored.finra_otc_weekly).toBe(0);
    expect(finra.weeklyAsked.length).toBe(firstAsked + 2 * 3 * 8);
    expect(await bench.db.rows('select * from pending_weeks')).toEqual([]);
  });

  test('firm rows: the watch list alone, where and as FINRA spells it, and a new ticker is fetched', async () => {
    finra.rows = [
      ...bothCuts(['AAA', 'OPFI.W', 'ZZZ']),
      ...['AAA', 'OPFI.W', 'ZZZ'].map((symbol) =>
        weeklyRow({
          week: WEEK,
          cut: 'ATS_W_SMBL_FIRM',
          symbol,
          mpid: 'UBSA',
          firm: 'UBS ATS  ',
          shares: 100,
          published: '2025-08-04',
        }),
      ),
      weeklyRow({
        week: WEEK,
        cut: 'OTC_W_SMBL_FIRM',
        symbol: 'AAA',
        crd: 116797,
        firm: 'CITADEL',
        shares: 200,
        published: '2025-08-04',
      }),
      weeklyRow({
        week: WEEK,
        cut: 'OTC_W_SMBL_FIRM',
        symbol: 'OPFI.W',
        crd: 116797,
        firm: 'CITADEL',
        shares: 201,
        published: '2025-08-04',
      }),
    ];
    await fetch({ TICKERS: 'AAA,OPFI.WS' });
    expect(
      await current('symbol, raw_symbol, mpid, firm_crd, firm_name, summary_type').then((rows) =>
        rows.filter((row) => String(row.summary_type).endsWith('FIRM')),
      ),
    ).toEqual([
      {
        symbol: 'AAA',
        raw_symbol: 'AAA',
        mpid: 'UBSA',
        firm_crd: null,
        firm_name: 'UBS ATS',
        summary_type: 'ATS_W_SMBL_FIRM',
      },
      {
        symbol: 'AAA',
        raw_symbol: 'AAA',
        mpid: null,
        firm_crd: '116797',
        firm_name: 'CITADEL',
        summary_type: 'OTC_W_SMBL_FIRM',
      },
      {
        symbol: 'OPFI.WS',
        raw_symbol: 'OPFI.W',
        mpid: 'UBSA',
        firm_crd: null,
        firm_name: 'UBS ATS',
        summary_type: 'ATS_W_SMBL_FIRM',
      },
      {
        symbol: 'OPFI.WS',
        raw_symbol: 'OPFI.W',
        mpid: null,
        firm_crd: '116797',
        firm_name: 'CITADEL',
        summary_type: 'OTC_W_SMBL_FIRM',
      },
    ]);
    expect(await status('OPFI.WS ATS_W_SMBL_FIRM')).toBe('ok');
    const asked = askedOfWeek().length;
    await fetch({ TICKERS: 'AAA,OPFI.WS' });
    const again = askedOfWeek().length;
    const { gaps } = await fetch({ TICKERS: 'aaa,ZZZ' });
    expect(again).toBe(asked);
    const added = askedOfWeek()
      .slice(again)
      .map(({ json }) => json.domainFilters);
    expect(added).toEqual(Array(2).fill([{ fieldName: 'issueSymbolIdentifier', values: ['ZZZ'] }]));
    // The fake has no OTC firm row of ZZZ: a gap, since its volume is there.
    expect(gaps.find(({ period }) => period === WEEK)?.reason).toMatch(/OTC_W_SMBL_FIRM/);
    expect(await status('ZZZ ATS_W_SMBL_FIRM')).toBe('ok');
  });

  test('TICKERS=ALL takes the firm cuts whole', async () => {
    finra.rows = [
      ...bothCuts(['AAA', 'ZZZ']),
      weeklyRow({
        week: WEEK,
        cut: 'ATS_W_SMBL_FIRM',
        symbol: 'ZZZ',
        mpid: 'UBSA',
        shares: 101,
        published: '2025-08-04',
      }),
      weeklyRow({
        week: WEEK,
        cut: 'OTC_W_SMBL_FIRM',
        symbol: 'ZZZ',
        crd: 1,
        shares: 201,
        published: '2025-08-04',
      }),
    ];
    await fetch({ TICKERS: 'ALL' });
    expect(await status('T1 OTC_W_SMBL_FIRM')).toBe('ok');
    expect(askedOfWeek().some(({ json }) => json.domainFilters !== undefined)).toBe(false);
  });
});

describe('versions', () => {
  const versions = () =>
    bench.db.rows(
      `select symbol, shares, visible_from, withdrawn from finra_otc_weekly
       where summary_type = 'ATS_W_SMBL' order by symbol, visible_from, fetched_at`,
    );

  test.each([
    ['up', 150],
    ['down', 50],
  ])('a restatement %s is a new version, visible from its date', async (_, shares) => {
    finra.rows = bothCuts(['AAA', 'BBB']);
    await fetch();
    await bench.db.run('delete from pending_weeks');
    const row = finra.rows.find(({ issueSymbolIdentifier }) => issueSymbolIdentifier === 'AAA') as FinraRow;
    Object.assign(row, { totalWeeklyShareQuantity: shares, lastUpdateDate: '2025-08-15' });
    bench.at('2025-08-16T12:00');
    expect((await fetch()).stored.finra_otc_weekly).toBe(1);
    expect(await versions()).toEqual([
      { symbol: 'AAA', shares: 100, visible_from: '2025-08-04', withdrawn: false },
      { symbol: 'AAA', shares, visible_from: '2025-08-15', withdrawn: false },
      { symbol: 'BBB', shares: 101, visible_from: '2025-08-04', withdrawn: false },
    ]);
    expect(await bench.db.rows('select * from pending_weeks')).toEqual([{ week_start: WEEK }]);
    const asOf = async (day: string) =>
      (
        await bench.db.row<{ shares: number }>(
          `select shares from finra_otc_weekly_as_of('${day}') where symbol = 'AAA' and summary_type = 'ATS_W_SMBL'`,
        )
      )?.shares;
    expect([await asOf('2025-08-03'), await asOf('2025-08-14'), await asOf('2025-08-15')]).toEqual([
      undefined,
      100,
      shares,
    ]);
  });

  test('a vanished row is withdrawn on the day it is noticed, and may come back', async () => {
    finra.rows = bothCuts(['AAA', 'BBB']);
    await fetch();
    const gone = finra.rows.shift() as FinraRow;
    bench.at('2025-08-07T12:00');
    await fetch();
    expect((await versions()).slice(0, 2)).toEqual([
      { symbol: 'AAA', shares: 100, visible_from: '2025-08-04', withdrawn: false },
      { symbol: 'AAA', shares: 0, visible_from: '2025-08-07', withdrawn: true },
    ]);
    expect(await current('symbol', 'all').then((rows) => rows.length)).toBe(3);
    finra.rows.push(gone);
    bench.at('2025-08-09T12:00');
    await fetch();
    expect((await versions())[2]).toEqual({
      symbol: 'AAA',
      shares: 100,
      visible_from: '2025-08-09',
      withdrawn: false,
    });
    expect(await current('symbol', 'all').then((rows) => rows.length)).toBe(4);
  });

  test('a published partition that comes empty is a gap, not a withdrawal', async () => {
    finra.rows = bothCuts(['AAA']);
    await fetch();
    finra.rows = symbolRows(['AAA'], 'OTC_W_SMBL', 200);
    bench.at('2025-08-07T12:00');
    const { gaps } = await fetch();
    expect(gaps.find(({ period }) => period === WEEK)?.reason).toMatch(/empty now though it was published/);
    expect(await current('count(*)::integer as n')).toEqual([{ n: 2 }]);
    expect(await status('T1 ATS_W_SMBL')).toBe('ok');
  });

  test('undated rows are visible from the publication clock', async () => {
    finra.rows = [weeklyRow({ week: WEEK, symbol: 'AAA', shares: 1 })];
    await fetch();
    expect(await versions()).toMatchObject([{ visible_from: '2025-08-04' }]);
  });

  test('fractions, E notation, case and blanks', async () => {
    finra.rows = [
      weeklyRow({ week: WEEK, symbol: 'TPC', shares: 0.000001, published: '2025-08-04' }),
      weeklyRow({ week: WEEK, symbol: 'TpC', shares: '1.737763230522162E9', published: '2025-08-04' }),
      weeklyRow({ week: WEEK, symbol: ' ', shares: 7, published: '2025-08-04' }),
      weeklyRow({ week: WEEK, symbol: 'KKR$D', shares: 3, published: '2025-08-04' }),
      weeklyRow({ week: WEEK, symbol: 'BRK.B', shares: 4, name: 'BERKSHIRE  ', published: '2025-08-04' }),
    ];
    await fetch();
    expect(
      await bench.db.rows(
        'select symbol, raw_symbol, shares, issue_name from finra_otc_weekly_current order by symbol',
      ),
    ).toEqual([
      { symbol: 'BRK.B', raw_symbol: 'BRK.B', shares: 4, issue_name: 'BERKSHIRE' },
      { symbol: 'KKRpD', raw_symbol: 'KKR$D', shares: 3, issue_name: 'KKR$D Inc.' },
      { symbol: 'TPC', raw_symbol: 'TPC', shares: 0.000001, issue_name: 'TPC Inc.' },
      { symbol: 'TpC', raw_symbol: 'TpC', shares: 1737763230.522162, issue_name: 'TpC Inc.' },
    ]);
  });

  test('rows that cannot be right are not stored', async () => {
    finra.rows = [...bothCuts(['AAA']), weeklyRow({ week: WEEK, symbol: 'BAD', shares: -1 })];
    const { gaps } = await fetch();
    expect(gaps.find(({ period }) => period === WEEK)?.reason).toMatch(/row 2 has shares "-1"/);
    expect(await current('distinct summary_type')).toEqual([{ summary_type: 'OTC_W_SMBL' }]);
  });
});
