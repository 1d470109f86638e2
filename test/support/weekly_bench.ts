import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { SettingName } from '../../darkpool_analysis/config.js';
import { FakeFinra, type FinraRow, weeklyRow } from './fake_finra.js';
import { FinraBench } from './finra_context.js';

/** Live bindings: every test gets its own. */
export let finra: FakeFinra;
export let bench: FinraBench;

export const WEEK = '2025-07-14';
// Tier 1 of the week is due on 2025-08-04, Tier 2 and OTCE on 2025-08-18. The range's 13 weeks before come empty.
export const BEFORE_T2 = '2025-08-05T12:00';

/** A fake FINRA and a database of its own for every test of the file. */
export function useWeeklyBench(): void {
  beforeEach(async () => {
    finra = await FakeFinra.start();
    bench = await FinraBench.open(BEFORE_T2);
  });
  afterEach(async () => {
    await bench.close();
    await finra.stop();
  });
}

/** Reg SHO has tests of its own: here it reads one file. */
const REGSHO = path.join(import.meta.dirname, '../fixtures/finra/CNMSshvol20250714.txt');
export const settings = (more: Partial<Record<SettingName, string>> = {}) => ({
  DATA_SOURCE: 'live',
  TICKERS: 'AAA',
  FINRA_OTC_URL: `${finra.url}/weeklySummary`,
  FINRA_TOKEN_URL: `${finra.url}/token`,
  FINRA_REGSHO_FILE: REGSHO,
  ...more,
});
/** The week of 2025-07-14, and the weeks it looks back on. */
export const fetch = (more: Partial<Record<SettingName, string>> = {}) => bench.fetch(settings(more));

export const symbolRows = (symbols: string[], cut: string, shares = 100): FinraRow[] =>
  symbols.map((symbol, i) =>
    weeklyRow({ week: WEEK, cut, symbol, shares: shares + i, published: '2025-08-04' }),
  );
export const bothCuts = (symbols: string[]) => [
  ...symbolRows(symbols, 'ATS_W_SMBL', 100),
  ...symbolRows(symbols, 'OTC_W_SMBL', 200),
];
export const current = (columns = 'symbol, summary_type, shares', order = 'all') =>
  bench.db.rows(`select ${columns} from finra_otc_weekly_current order by ${order}`);
export const everything = () =>
  bench.db.rows(
    `select * exclude (fetched_at) from finra_otc_weekly order by week_start, tier, summary_type, symbol, mpid, firm_crd, visible_from`,
  );
export const status = async (subject: string, week = WEEK) =>
  (
    await bench.db.row<{ status: string }>(
      'select status from ingest_log where period = $week and symbol_or_tier = $subject',
      { week, subject },
    )
  )?.status;
/** Requests for the week of 2025-07-14 alone. */
export const askedOfWeek = () =>
  finra.weeklyAsked.filter(({ json }) => JSON.stringify(json).includes(`"fieldValue":"${WEEK}"`));

/** Partitions are asked for side by side. */
export const offsetsOfWeek = () =>
  askedOfWeek()
    .map(({ json }) => json.offset as number)
    .sort();
