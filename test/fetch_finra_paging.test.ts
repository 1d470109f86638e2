import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weeklyRow } from './support/fake_finra.js';
import { FinraBench } from './support/finra_context.js';
import {
  askedOfWeek,
  BEFORE_T2,
  bench,
  bothCuts,
  current,
  everything,
  fetch,
  finra,
  offsetsOfWeek,
  settings,
  status,
  symbolRows,
  useWeeklyBench,
  WEEK,
} from './support/weekly_bench.js';

useWeeklyBench();

describe('paging', () => {
  const symbols = Array.from({ length: 7 }, (_, i) => `S${i}`);

  test('goes on until Record-Total rows have come, however short the pages', async () => {
    finra.rows = bothCuts(symbols);
    finra.pageRows = 3;
    const result = await fetch();
    expect(result.stored.finra_otc_weekly).toBe(14);
    expect(await current('count(*)::integer as n, sum(shares) as shares')).toEqual([{ n: 14, shares: 2142 }]);
    expect(offsetsOfWeek()).toEqual([0, 0, 3, 3, 6, 6]);
    expect(
      askedOfWeek().find(({ json }) => json.offset === 0 && JSON.stringify(json).includes('"ATS_W_SMBL"'))
        ?.json,
    ).toEqual({
      limit: 5000,
      sortFields: ['issueSymbolIdentifier', 'MPID'],
      compareFilters: [
        { compareType: 'EQUAL', fieldName: 'weekStartDate', fieldValue: WEEK },
        { compareType: 'EQUAL', fieldName: 'tierIdentifier', fieldValue: 'T1' },
        { compareType: 'EQUAL', fieldName: 'summaryTypeCode', fieldValue: 'ATS_W_SMBL' },
      ],
      offset: 0,
    });
    expect(askedOfWeek()[0]?.headers.accept).toBe('application/json');
    expect(await status('T1 ATS_W_SMBL')).toBe('ok');
    expect(await readdir(bench.db.paths.staging)).toEqual([]);
  });

  test('without Record-Total only an empty page is the end', async () => {
    finra.rows = bothCuts(symbols);
    finra.pageRows = 4;
    finra.sendTotals = false;
    await fetch();
    expect(await current('count(*)::integer as n')).toEqual([{ n: 14 }]);
    expect(offsetsOfWeek()).toEqual([0, 0, 4, 4, 7, 7]);
  });

  test('a total that changes in between starts the partition anew', async () => {
    finra.rows = bothCuts(symbols);
    finra.pageRows = 4;
    let added = false;
    finra.intervene = ({ json }) => {
      if (!added && json.offset === 4) {
        added = true;
        finra.rows.push(weeklyRow({ week: WEEK, symbol: 'S9', shares: 1, published: '2025-08-04' }));
      }
      return false;
    };
    await fetch();
    expect(await current('count(*)::integer as n')).toEqual([{ n: 15 }]);
    expect(await status('T1 ATS_W_SMBL')).toBe('ok');
  });

  test('a total that is never reached stores nothing and is a gap', async () => {
    finra.rows = bothCuts(symbols);
    finra.intervene = ({ json }, response) => {
      if (json.offset !== 0 || !JSON.stringify(json).includes('ATS_W_SMBL"')) return false;
      if (!JSON.stringify(json).includes(WEEK)) return false;
      response.setHeader('Record-Total', '9');
      response.end(JSON.stringify(symbolRows(symbols, 'ATS_W_SMBL')));
      return true;
    };
    const { gaps } = await fetch();
    expect(gaps.find(({ period }) => period === WEEK)?.reason).toMatch(
      /announces 9 rows and sends nothing after 7|Record-Total went/,
    );
    expect(await current('distinct summary_type')).toEqual([{ summary_type: 'OTC_W_SMBL' }]);
    expect(await status('T1 ATS_W_SMBL')).toBe('error');
    finra.intervene = () => false;
    await fetch();
    expect(await status('T1 ATS_W_SMBL')).toBe('ok');
  });

  test('pages that overlap are found out', async () => {
    finra.rows = bothCuts([...symbols, 'S0']);
    const { gaps } = await fetch();
    expect(gaps.find(({ period }) => period === WEEK)?.reason).toMatch(/rows came twice/);
    expect(await current('count(*)::integer as n')).toEqual([{ n: 0 }]);
  });

  test('sorting refused with 400 is dropped', async () => {
    finra.rows = bothCuts(symbols);
    finra.intervene = ({ json }, response) => {
      if (json.sortFields === undefined) return false;
      response.writeHead(400).end('{"statusCode":400,"message":"sortFields"}');
      return true;
    };
    await fetch();
    expect(await current('count(*)::integer as n')).toEqual([{ n: 14 }]);
  });

  test('order and page size do not change the table', async () => {
    const rows = [
      ...bothCuts(['AAA', 'TPC', 'TpC', 'BRK.B', 'T$C']),
      weeklyRow({
        week: WEEK,
        cut: 'ATS_W_SMBL_FIRM',
        symbol: 'AAA',
        mpid: 'UBSA',
        firm: 'UBS',
        shares: 60,
        published: '2025-08-04',
      }),
      weeklyRow({
        week: WEEK,
        cut: 'ATS_W_SMBL_FIRM',
        symbol: 'AAA',
        firm: 'De Minimis Firms',
        shares: 40,
        published: '2025-08-04',
      }),
    ];
    finra.rows = rows;
    await fetch();
    const expected = await everything();
    expect(expected).toHaveLength(12);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        async (shuffled, pageRows, sendTotals) => {
          const other = await FinraBench.open(BEFORE_T2);
          try {
            Object.assign(finra, { rows: shuffled, pageRows, sendTotals });
            await other.fetch(settings());
            const found = await other.db.rows(
              `select * exclude (fetched_at) from finra_otc_weekly order by week_start, tier, summary_type, symbol, mpid, firm_crd, visible_from`,
            );
            expect(found).toEqual(expected);
          } finally {
            await other.close();
          }
        },
      ),
      { numRuns: 8 },
    );
  });
});
