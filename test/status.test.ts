import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeStatus } from '../darkpool_analysis/cli/status_command.js';
import { addDays, finraDueDate } from '../darkpool_analysis/market_calendar.js';
import { status, type WeekStatus } from '../darkpool_analysis/questions/status.js';
import { PipelineBench } from './support/pipeline.js';

let bench: PipelineBench;
beforeAll(async () => {
  bench = await PipelineBench.open();
  const log = (source: string, period: string, subject: string, state: string, message = 'null') =>
    `('${source}', '${period}', '${subject}', '${state}', 10, 'abc', timestamp '2025-08-05 11:30:00', ${message})`;
  await bench.db.run(
    `insert into ingest_log values ${[
      log('finra_otc_weekly', '2025-07-14', 'T1 ATS_W_SMBL', 'ok'),
      log('finra_otc_weekly', '2025-07-14', 'T1 OTC_W_SMBL', 'ok'),
      log('finra_otc_weekly', '2025-07-07', 'T1 ATS_W_SMBL', 'ok'),
      log('finra_otc_weekly', '2025-07-07', 'T1 OTC_W_SMBL', 'error', "'cut at a multiple of 5000 rows'"),
      // firm rows make no week whole, nor does what a request narrowed
      log('finra_otc_weekly', '2025-07-07', 'T1 ATS_W_SMBL_FIRM', 'ok'),
      log('finra_otc_weekly', '2025-06-30', 'T1 ATS_W_SMBL', 'ok', "'narrowed by FINRA_REQUEST_JSON'"),
      log('finra_otc_weekly', '2025-06-30', 'T1 OTC_W_SMBL', 'ok'),
      log('finra_otc_weekly', '2025-06-30', 'T2 ATS_W_SMBL', 'absent', "'not published'"),
      log('finra_regsho_daily', '2025-07-14', 'CNMS', 'ok'),
    ].join()};
     insert into pipeline_state values ('origin', 'real');
     insert into pipeline_runs (run_id, started_at, exit_code, message, seconds)
       values ('20250805', '2025-08-05 11:30:00', 3, '5 days and 1 weeks computed', 12.5), ('20250804', '2025-08-04 11:30:00', null, null, null)`,
  );
});
afterAll(() => bench.close());

/** The state of every week and tier on a morning in New York, `week tier` → state. */
async function statesOn(today: string, newest = '2025-07-28', count = 6) {
  const weeks = Array.from({ length: count }, (_, i) => addDays(newest, -7 * i)).flatMap((week_start) =>
    ['T1', 'T2', 'OTCE'].map((tier) => ({ week_start, tier, due: finraDueDate(week_start, tier) })),
  );
  const result = await status(bench.db, { weeks, today });
  return {
    result,
    states: Object.fromEntries(
      result.weeks.map(({ week_start, tier, state }: WeekStatus) => [`${week_start} ${tier}`, state]),
    ),
  };
}

describe('status', () => {
  test('weeks complete, half here, due, not yet due and not asked, by the clock given', async () => {
    // Tier 1 comes Monday + 21 days, the others + 35
    const { states } = await statesOn('2025-08-05');
    expect(states).toEqual({
      '2025-07-28 T1': 'not yet due', // 08-18
      '2025-07-28 T2': 'not yet due',
      '2025-07-28 OTCE': 'not yet due',
      '2025-07-21 T1': 'not yet due', // 08-11
      '2025-07-21 T2': 'not yet due',
      '2025-07-21 OTCE': 'not yet due',
      '2025-07-14 T1': 'complete',
      '2025-07-14 T2': 'not yet due', // 08-18
      '2025-07-14 OTCE': 'not yet due',
      '2025-07-07 T1': 'partial',
      '2025-07-07 T2': 'not yet due', // 08-11
      '2025-07-07 OTCE': 'not yet due',
      '2025-06-30 T1': 'partial', // what was narrowed is not the cut
      '2025-06-30 T2': 'due', // 08-04
      '2025-06-30 OTCE': 'due',
      '2025-06-23 T1': 'not asked', // before anything here
      '2025-06-23 T2': 'not asked',
      '2025-06-23 OTCE': 'not asked',
    });
  });

  test('due on the day itself, not the day before', async () => {
    expect((await statesOn('2025-08-10')).states['2025-07-21 T1']).toBe('not yet due');
    expect((await statesOn('2025-08-11')).states['2025-07-21 T1']).toBe('due');
    expect((await statesOn('2025-08-17')).states['2025-07-14 T2']).toBe('not yet due');
    expect((await statesOn('2025-08-18')).states['2025-07-14 T2']).toBe('due');
  });

  test('a due day that is a holiday moves to the next business day', async () => {
    // 08-11 + 21 days is Labor Day, 2025-09-01; 07-28 + 35 days is the same; 09-22 + 21 is Columbus Day, no session holiday
    expect(finraDueDate('2025-08-11', 'T1')).toBe('2025-09-02');
    expect(finraDueDate('2025-07-28', 'T2')).toBe('2025-09-02');
    expect((await statesOn('2025-09-01', '2025-08-11')).states['2025-08-11 T1']).toBe('not yet due');
    expect((await statesOn('2025-09-01', '2025-08-11')).states['2025-07-28 OTCE']).toBe('not yet due');
    const { states } = await statesOn('2025-09-02', '2025-08-11');
    expect(states['2025-08-11 T1']).toBe('due');
    expect(states['2025-07-28 OTCE']).toBe('due');
    expect(states['2025-08-11 T2']).toBe('not yet due');
  });

  test('sources, what is missing with its reason, and the last runs', async () => {
    const { result } = await statesOn('2025-08-05');
    expect(result.sources).toEqual([
      {
        source: 'finra_otc_weekly',
        first: '2025-06-30',
        last: '2025-07-14',
        ok: 6,
        absent: 1,
        error: 1,
        rows: 80,
      },
      {
        source: 'finra_regsho_daily',
        first: '2025-07-14',
        last: '2025-07-14',
        ok: 1,
        absent: 0,
        error: 0,
        rows: 10,
      },
    ]);
    expect(result.missing.map(({ period, subject, status: state }) => [period, subject, state])).toEqual([
      ['2025-07-07', 'T1 OTC_W_SMBL', 'error'],
      ['2025-06-30', 'T2 ATS_W_SMBL', 'absent'],
    ]);
    expect(result.runs.map(({ exit_code: code }) => code)).toEqual([3, null]);
    const said = describeStatus(result);
    for (const words of [
      /2025-07-14\s+here\s+due 2025-08-18\s+due 2025-08-18/,
      /2025-07-07\s+half here/,
      /2025-06-30\s+half here\s+due since 2025-08-04/,
      /2025-06-23\s+–\s+–/,
      'cut at a multiple of 5000',
      'died',
    ]) {
      expect(said).toMatch(words);
    }
    expect(said).not.toContain('simulated');
  });

  test('an empty database knows nothing and says so', async () => {
    const empty = await PipelineBench.open();
    try {
      const result = await status(empty.db, {
        weeks: [{ week_start: '2025-07-14', tier: 'T1', due: '2025-08-04' }],
        today: '2025-08-05',
      });
      expect(result).toMatchObject({ origin: 'empty', sources: [], missing: [], runs: [] });
      expect(result.weeks.map(({ state }) => state)).toEqual(['not asked']);
    } finally {
      await empty.close();
    }
  });
});
