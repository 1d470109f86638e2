import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SettingName } from '../darkpool_analysis/config.js';
import { FakeFinra } from './support/fake_finra.js';
import { FinraBench } from './support/finra_context.js';

/** Real FINRA data: only on machines that have it, never in the repository. */
const DATA = path.resolve(import.meta.dirname, '../../shared/data');
const present = existsSync(DATA);
if (!present) console.log(`fetch_finra.real.test.ts is skipped: ${DATA} is not here`);

let bench: FinraBench;
beforeEach(async () => {
  bench = await FinraBench.open('2026-10-01T12:00');
});
afterEach(() => bench.close());

const weekly = (name: string, more: Partial<Record<SettingName, string>> = {}) =>
  bench.fetch({ DATA_SOURCE: 'files', FINRA_OTC_FILE: path.join(DATA, 'finra_weekly', name), ...more });
const state = () =>
  bench.db.rows(
    'select period, symbol_or_tier, status, rows::integer as rows from ingest_log order by period, symbol_or_tier',
  );

describe.skipIf(!present)('weekly summary', () => {
  test('the whole Tier 1 week of 2025-07-14', async () => {
    const { stored, gaps } = await weekly('weeklySummary_2025-07-14_T1.csv');
    expect(stored.finra_otc_weekly).toBe(4842);
    expect(gaps).toEqual([]);
    expect(
      await bench.db.rows(
        `select count(distinct symbol)::integer as symbols,
           sum(shares) filter (summary_type = 'ATS_W_SMBL') as ats,
           sum(shares) filter (summary_type = 'OTC_W_SMBL') as non_ats,
           min(visible_from) as visible_from, max(visible_from) as visible_to
         from finra_otc_weekly_current where week_start = '2025-07-14' and tier = 'T1'`,
      ),
    ).toEqual([
      {
        symbols: 2425,
        ats: 5_734_820_787,
        non_ats: 10_460_025_398,
        visible_from: '2025-08-04',
        visible_to: '2025-08-04',
      },
    ]);
    expect((await state()).map(({ symbol_or_tier, status }) => [symbol_or_tier, status])).toEqual([
      ['T1 ATS_W_SMBL', 'ok'],
      ['T1 OTC_W_SMBL', 'ok'],
    ]);
    // TQQQ is Tier 2.
    expect(await bench.db.rows(`select 1 from finra_otc_weekly where symbol = 'TQQQ'`)).toEqual([]);
    expect(await weekly('weeklySummary_2025-07-14_T1.csv')).toEqual({
      stored: { finra_otc_weekly: 0 },
      gaps: [],
      notes: [],
    });
  });

  test('the week that the clamp cut is stored, and not whole', async () => {
    const { stored, gaps } = await weekly('weeklySummary_2025-06-02_truncated.csv');
    expect(stored.finra_otc_weekly).toBe(5000);
    expect(bench.warnings).toHaveLength(1);
    expect(gaps).toMatchObject([{ period: '2025-06-02', subject: 'NA' }]);
    expect((await state()).map(({ status }) => status)).toEqual(['error', 'error']);
  });

  test('a site download of OTC equities', async () => {
    const { stored, notes } = await weekly('otce_ats_firm_site_download.txt');
    expect(stored.finra_otc_weekly).toBe(5328);
    expect(notes).toContainEqual(expect.stringContaining('2025-11-10 (OTCE)'));
    expect(await state()).toEqual([
      { period: '2025-11-10', symbol_or_tier: 'OTCE ATS_W_SMBL_FIRM', status: 'ok', rows: 5328 },
    ]);
    expect(
      await bench.db.rows(
        `select mpid, firm_name, shares, trades from finra_otc_weekly where symbol = 'AABB' order by mpid`,
      ),
    ).toEqual([
      { mpid: 'OTCN', firm_name: 'OTCN OTC LINK NQB IDQS', shares: 6_753_871, trades: 171 },
      { mpid: 'OTCX', firm_name: 'OTCX OTC LINK ECN ATS', shares: 40_313, trades: 3 },
    ]);
  });

  test('renamed columns', async () => {
    const { stored } = await weekly('t1_ats_firm_sample.psv');
    expect(stored.finra_otc_weekly).toBe(100);
    // Saturday 2025-12-13 ends the week of Monday 2025-12-08.
    expect(await state()).toEqual([
      { period: '2025-12-08', symbol_or_tier: 'T1 ATS_W_SMBL_FIRM', status: 'ok', rows: 100 },
    ]);
  });

  test('recorded rows of AAPL and BRK.B', async () => {
    const { stored, notes } = await weekly('weeklySummary_*_partial.json');
    expect(stored.finra_otc_weekly).toBe(70);
    expect(notes).toEqual([
      expect.stringContaining('taken as ATS_W_SMBL from the file'),
      expect.stringContaining('taken as ATS_W_SMBL from the file'),
    ]);
    expect(
      await bench.db.rows(
        `select symbol, week_start, tier, summary_type, shares, notional, visible_from from finra_otc_weekly
         where (symbol, week_start) in (('AAPL', date '2022-06-27'), ('BRK.B', date '2026-01-05')) order by symbol`,
      ),
    ).toEqual([
      {
        symbol: 'AAPL',
        week_start: '2022-06-27',
        tier: 'T1',
        summary_type: 'ATS_W_SMBL',
        shares: 16_719_161,
        notional: expect.any(Number),
        visible_from: '2022-07-29',
      },
      {
        symbol: 'BRK.B',
        week_start: '2026-01-05',
        tier: 'T1',
        summary_type: 'ATS_W_SMBL',
        shares: 3_618_382,
        notional: 1_805_336_267.444406,
        visible_from: '2026-01-26',
      },
    ]);
  });

  test('the recorded exchanges for RIVN, played back', async () => {
    interface Exchange {
      request: { url: string; json: { compareFilters: { fieldName: string; fieldValue: string }[] } };
      response: { status: number; headers: Record<string, string>; text: string };
    }
    const exchanges = (
      JSON.parse(
        await readFile(path.join(DATA, 'finra_weekly/RIVN_T1_exchanges_2023-01-24.json'), 'utf8'),
      ) as Exchange[]
    ).filter(({ request }) => request.url.endsWith('/weeklySummary'));
    // The first exchange asks another data set (weeklyDownloadDetails) which weeks there are: nothing to play.
    expect(exchanges).toHaveLength(5);
    const filters = (json: Record<string, unknown>) =>
      JSON.stringify(
        (json.compareFilters as { fieldName: string; fieldValue: string }[])
          .map(({ fieldName, fieldValue }) => `${fieldName}=${fieldValue}`)
          .sort(),
      );
    const finra = await FakeFinra.start();
    finra.intervene = ({ url, json }, response) => {
      if (url.pathname !== '/weeklySummary') return false;
      const played = exchanges.find(({ request }) => filters(request.json) === filters(json));
      if (played === undefined) return false;
      // All headers as recorded, the lie about gzip too: the recorder had unpacked the text.
      response.writeHead(played.response.status, played.response.headers).end(played.response.text);
      return true;
    };
    const regsho = path.join(bench.folder, 'CNMSshvol20250714.txt');
    await symlink(path.join(import.meta.dirname, 'fixtures/finra/CNMSshvol20250714.txt'), regsho);
    await writeFile(path.join(bench.folder, '.env'), '');
    bench.at('2023-01-24T10:49');
    try {
      await bench.fetch(
        {
          DATA_SOURCE: 'live',
          TICKERS: 'RIVN',
          FINRA_OTC_URL: `${finra.url}/weeklySummary`,
          FINRA_REGSHO_FILE: regsho,
          FINRA_REQUEST_JSON: JSON.stringify({
            fields: [
              'issueSymbolIdentifier',
              'totalWeeklyShareQuantity',
              'totalWeeklyTradeCount',
              'lastUpdateDate',
            ],
            sortFields: ['totalWeeklyShareQuantity'],
            compareFilters: [
              { compareType: 'EQUAL', fieldName: 'issueSymbolIdentifier', fieldValue: 'RIVN' },
            ],
          }),
        },
        '2022-12-05',
        '2023-01-06',
      );
    } finally {
      await finra.stop();
    }
    expect(
      await bench.db.rows(
        `select week_start, tier, summary_type, symbol, shares, trades, visible_from
         from finra_otc_weekly_current order by week_start`,
      ),
    ).toEqual(
      [
        ['2022-12-05', 5_059_589, 53_645, '2022-12-27'],
        ['2022-12-12', 11_711_927, 90_553, '2023-01-03'],
        ['2022-12-19', 11_325_061, 72_556, '2023-01-09'],
        ['2022-12-26', 12_149_055, 71_446, '2023-01-17'],
        ['2023-01-02', 13_279_252, 77_299, '2023-01-23'],
      ].map(([week_start, shares, trades, visible_from]) => ({
        week_start,
        tier: 'T1',
        summary_type: 'ATS_W_SMBL',
        symbol: 'RIVN',
        shares,
        trades,
        visible_from,
      })),
    );
  });
});

describe.skipIf(!present)('Reg SHO daily', () => {
  const regsho = (pattern = '') =>
    bench.fetch({ DATA_SOURCE: 'files', FINRA_REGSHO_FILE: path.join(DATA, 'finra_regsho', pattern) });

  test('three days of 2020 in six families: every row, and CNMS = the sum of the facilities', async () => {
    const { notes } = await regsho('*2020*');
    expect(notes).toEqual([]);
    expect(
      await bench.db.rows(
        `select period, symbol_or_tier as family, rows::integer as rows from ingest_log
         where symbol_or_tier in ('CNMS', 'FORF', 'FNRA') order by all`,
      ),
    ).toEqual([
      { period: '2020-01-02', family: 'CNMS', rows: 8172 },
      { period: '2020-01-02', family: 'FNRA', rows: 0 },
      { period: '2020-01-02', family: 'FORF', rows: 3149 },
      { period: '2020-01-03', family: 'CNMS', rows: 8124 },
      { period: '2020-01-03', family: 'FNRA', rows: 0 },
      { period: '2020-01-03', family: 'FORF', rows: 3127 },
      { period: '2020-01-06', family: 'CNMS', rows: 8075 },
      { period: '2020-01-06', family: 'FNRA', rows: 0 },
      { period: '2020-01-06', family: 'FORF', rows: 3515 },
    ]);
    expect(
      await bench.db.rows(
        `select "date", sum(total_volume) filter (family = 'CNMS') as cnms,
           sum(total_volume) filter (family in ('FNSQ', 'FNYX', 'FNQC', 'FNRA')) as facilities
         from finra_regsho_daily group by "date" having cnms <> facilities`,
      ),
    ).toEqual([]);
    expect(await bench.db.rowsOfFile('checks/regsho_cnms_equals_facilities')).toEqual([]);
    await bench.db.run(
      `update finra_regsho_daily set total_volume = total_volume + 1
       where family = 'FNSQ' and symbol = 'AA' and "date" = '2020-01-02'`,
    );
    expect(await bench.db.rowsOfFile('checks/regsho_cnms_equals_facilities')).toEqual([
      {
        check_name: 'regsho_cnms_equals_facilities',
        detail: '2020-01-02 AA: CNMS 1120833.0 shares, facilities 1120834.0',
      },
    ]);
    expect(
      await bench.db.rows(
        `select symbol from finra_regsho_daily where family = 'CNMS' and "date" = '2020-01-02' and lower(symbol) = 'cpk' order by symbol`,
      ),
    ).toEqual([{ symbol: 'CPK' }, { symbol: 'CpK' }]);
    expect((await regsho('*2020*')).stored).toEqual({ finra_regsho_daily: 0 });
  });

  test('2025 and 2026: order without case, fractions', async () => {
    await regsho('CNMSshvol202[56]*.txt');
    expect(
      await bench.db.rows(
        `select "date", count(*)::integer as n from finra_regsho_daily group by "date" order by "date"`,
      ),
    ).toEqual([
      { date: '2025-09-10', n: 10_795 },
      { date: '2026-07-30', n: 3 },
    ]);
    expect(
      await bench.db.rows(
        `select raw_symbol, short_volume, total_volume from finra_regsho_daily where symbol = 'BRK.B' and "date" = '2026-07-30'`,
      ),
    ).toEqual([{ raw_symbol: 'BRK/B', short_volume: 691476.764953, total_volume: 1280099.715143 }]);
  });
});
