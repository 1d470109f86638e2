import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sql } from '../darkpool_analysis/db.js';
import { finraDueDate, sessionsBetween } from '../darkpool_analysis/market_calendar.js';
import { dailyPaths } from '../darkpool_analysis/sample/daily_path.js';
import { DayFiles } from '../darkpool_analysis/sample/day_files.js';
import { INSTRUMENTS, OUTAGE } from '../darkpool_analysis/sample/instruments.js';
import { SEED } from '../darkpool_analysis/sample/manifest.js';
import { conditionList, effectOf, retailPrice } from '../darkpool_analysis/sample/prints.js';
import { Random, weighted } from '../darkpool_analysis/sample/random.js';
import { simulateDay } from '../darkpool_analysis/sample/simulate_day.js';
import { TextBuffer } from '../darkpool_analysis/sample/text_buffer.js';
import { ensureSample, SAMPLE_LABEL, type SampleFiles } from '../darkpool_analysis/sample.js';

const root = mkdtempSync(path.join(tmpdir(), 'darkpool-sample-'));
const first = path.join(root, 'first');
const second = path.join(root, 'second');
const sessions = sessionsBetween('2025-11-03', '2025-12-12');
let sample: SampleFiles;
let instance: DuckDBInstance;
let sql: Sql;

/** Every file below a folder with its size and time of change. */
function listing(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const { size, mtimeMs, ino } = statSync(file);
      return `${path.relative(dir, file)} ${size} ${mtimeMs} ${ino}`;
    })
    .sort();
}

const NEW_YORK_MIDNIGHT_NS = (date: string) =>
  sessions.find((session) => session.date === date)?.dayStartNs ?? 0n;

beforeAll(async () => {
  sample = await ensureSample(first);
  instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  sql = new Sql(await instance.connect());
  await sql.run(
    `create table sessions (date date, week_start date, midnight bigint, open bigint, close bigint)`,
  );
  for (const { date, weekStart, dayStartNs, openNs, closeNs } of sessions) {
    await sql.run(
      `insert into sessions values ($date::date, $weekStart::date, $dayStartNs, $openNs, $closeNs)`,
      { date, weekStart, dayStartNs, openNs, closeNs },
    );
  }
  // Types are those of the flat files: nothing is sniffed, nothing but '' is null.
  await sql.run(
    `create table trades as
     select *, parse_filename(filename)[1:10]::date as date, row_number() over () as line,
       list_transform(string_split(coalesce(conditions, ''), ','), c -> try_cast(c as integer)) as codes
     from read_csv($trades, filename = true, header = true, columns = {ticker: 'VARCHAR', conditions: 'VARCHAR',
       correction: 'INTEGER', exchange: 'INTEGER', id: 'VARCHAR', participant_timestamp: 'BIGINT',
       price: 'DECIMAL(18,6)', sequence_number: 'BIGINT', sip_timestamp: 'BIGINT', size: 'BIGINT', tape: 'INTEGER',
       trf_id: 'INTEGER', trf_timestamp: 'BIGINT'});
     create table quotes as
     select *, parse_filename(filename)[1:10]::date as date, row_number() over () as line
     from read_csv($quotes, filename = true, header = true, columns = {ticker: 'VARCHAR', ask_exchange: 'INTEGER',
       ask_price: 'DECIMAL(18,6)', ask_size: 'BIGINT', bid_exchange: 'INTEGER', bid_price: 'DECIMAL(18,6)',
       bid_size: 'BIGINT', conditions: 'VARCHAR', indicators: 'VARCHAR', participant_timestamp: 'BIGINT',
       sequence_number: 'BIGINT', sip_timestamp: 'BIGINT', tape: 'INTEGER', trf_timestamp: 'BIGINT'});
     create table truth as from read_csv($truth, header = true);
     create table bars as from read_csv($bars, header = true);
     create table weekly as from read_csv($weekly, header = true);
     create table tape as
     select distinct on (ticker, date, exchange, trf_id, id, sequence_number) * from trades
     where correction not in (7, 8, 10, 11, 12) and not list_has_any(codes, [15, 16, 38])`,
    {
      trades: sample.tradesFiles,
      quotes: sample.quotesFiles,
      truth: sample.truthFile,
      bars: sample.barsFile,
      weekly: sample.finraWeeklyFile,
    },
  );
  await sql.run(
    `create table regsho as
     select strptime("Date", '%Y%m%d')::date as date, replace("Symbol", '/', '.') as symbol,
       "ShortVolume"::bigint as short, "ShortExemptVolume"::bigint as exempt, "TotalVolume"::bigint as total
     from read_csv($files, delim = '|', header = true, all_varchar = true, null_padding = true)
     where "Symbol" is not null`,
    { files: path.join(sample.regshoFolder, 'CNMSshvol*.txt') },
  );
});

afterAll(() => {
  sql?.close();
  instance?.closeSync();
  rmSync(root, { recursive: true, force: true });
});

/** Rows that break a rule, with a look at the first. */
async function violations(query: string): Promise<unknown[]> {
  return sql.rows(`select * from (${query}) limit 3`);
}

describe('the files as a whole', () => {
  test('a damaged folder is written anew: the same bytes, and strangers beside the days removed', async () => {
    cpSync(first, second, { recursive: true });
    truncateSync(path.join(second, 'quotes', '2025-11-05.csv.gz'), 1000);
    writeFileSync(path.join(second, 'trades', '2024-01-02.csv.gz'), 'old');
    const before = listing(second);
    await ensureSample(second);
    const after = new Set(listing(second));
    expect(before.filter((file) => after.has(file))).toEqual([]);
    expect(readdirSync(path.join(second, 'trades'))).toEqual(sessions.map(({ date }) => `${date}.csv.gz`));

    const manifest = (dir: string) => readFileSync(path.join(dir, 'manifest.json'), 'utf8');
    expect(manifest(second)).toBe(manifest(first));
    const { label, files } = JSON.parse(manifest(second));
    expect(label).toBe(SAMPLE_LABEL);
    expect(files.length).toBe(4 * sessions.length + 5);
    for (const { name, size, sha256 } of files) {
      const bytes = readFileSync(path.join(second, name));
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([size, sha256]);
    }
  });

  test('a second call touches nothing and is instant', async () => {
    const before = listing(first);
    const start = performance.now();
    const again = await ensureSample(first);
    expect(performance.now() - start).toBeLessThan(500);
    expect(again).toEqual(sample);
    expect(listing(first)).toEqual(before);
  });

  test('says what it holds', () => {
    expect(sample.symbols).toEqual(['AAPL', 'BRK.B', 'GME', 'SPY', 'TQQQ']);
    expect([sample.firstDate, sample.lastDate]).toEqual(['2025-11-03', '2025-12-12']);
    expect(sample.asOf.toISO()).toBe('2025-12-13T07:30:00.000-05:00');
  });

  test('a day is the same bytes whatever else is generated', () => {
    const date = '2025-11-28';
    const session = sessions.find((one) => one.date === date);
    if (session === undefined) throw new Error('no session');
    const days = INSTRUMENTS.filter(({ symbol }) => symbol === 'GME').map((instrument) => {
      const dayPath = dailyPaths(SEED, instrument, sessions)[sessions.indexOf(session)];
      if (dayPath === undefined) throw new Error('no path');
      return simulateDay(SEED, instrument, dayPath);
    });
    const alone = new DayFiles().write(session, days);
    const whole = gunzipSync(readFileSync(path.join(first, 'quotes', `${date}.csv.gz`))).toString();
    expect(whole).toContain(alone.quotes.toString().split('\n').slice(1).join('\n'));
  });
});

describe('trades and quotes', () => {
  test('one file a session: no Thanksgiving, no weekend', () => {
    const dates = readdirSync(path.join(first, 'quotes')).map((name) => name.slice(0, 10));
    expect(dates).toEqual(sessions.map(({ date }) => date));
    expect(dates).toHaveLength(29);
    expect(dates).not.toContain('2025-11-27');
  });

  test('enough rows to be a market, few enough to be quick', async () => {
    const counts = await sql.row<Record<string, string>>(
      'select (select count(*) from trades) as trades, (select count(*) from quotes) as quotes',
    );
    expect(Number(counts?.trades)).toBeGreaterThan(250_000);
    expect(Number(counts?.trades)).toBeLessThan(400_000);
    expect(Number(counts?.quotes)).toBeGreaterThan(800_000);
    expect(Number(counts?.quotes)).toBeLessThan(1_200_000);
  });

  test.each(['trades', 'quotes'])(
    '%s: sorted as flat files, within their day, clocks in order',
    async (table) => {
      expect(
        await violations(
          `select * from (select *, lag(ticker) over w as t, lag(sip_timestamp) over w as s,
           lag(sequence_number) over w as n from ${table} window w as (partition by date order by line))
         where ticker < t or (ticker = t and (sip_timestamp, sequence_number) < (s, n))`,
        ),
      ).toEqual([]);
      expect(
        await violations(
          `from ${table} join sessions using (date)
         where participant_timestamp < midnight + 4 * 3600000000000 or sip_timestamp >= midnight + 20 * 3600000000000
           or participant_timestamp > sip_timestamp`,
        ),
      ).toEqual([]);
    },
  );

  test('trades have prices, sizes and identities', async () => {
    expect(await violations('from trades where price < 1 or size < 1 or price * 10000 % 1 <> 0')).toEqual([]);
    expect(await violations('from trades where (exchange = 4) <> (trf_id in (201, 202, 203))')).toEqual([]);
    expect(await violations('from trades where (exchange = 4) <> (trf_timestamp > 0)')).toEqual([]);
    expect(await violations('from trades where (size < 100) <> list_contains(codes, 37)')).toEqual([]);
    expect(await violations('select date, ticker, id from tape group by all having count(*) > 1')).toEqual(
      [],
    );
    const doubled = await sql.row<Record<string, string>>(
      'select count(*) - count(distinct (ticker, date, exchange, id, sequence_number)) as n from trades',
    );
    expect(Number(doubled?.n)).toBeGreaterThan(20);
  });

  test('regular trading keeps to its hours, on the early close too', async () => {
    expect(
      await violations(
        `from trades join sessions using (date)
         where exchange <> 4 and not list_has_any(codes, [12, 17, 25, 19, 8, 15, 16])
           and (participant_timestamp < open or participant_timestamp >= close)`,
      ),
    ).toEqual([]);
    expect(
      await violations(
        `from trades join sessions using (date)
         where list_contains(codes, 12) and participant_timestamp >= open and participant_timestamp < close`,
      ),
    ).toEqual([]);
    const close = sessions.find(({ date }) => date === '2025-11-28')?.closeNs ?? 0n;
    expect(close - NEW_YORK_MIDNIGHT_NS('2025-11-28')).toBe(13n * 3_600_000_000_000n);
  });

  test('each symbol-day has its auctions once, and their re-reports', async () => {
    expect(
      await violations(
        `select date, ticker from trades group by all
         having count(*) filter (list_has_any(codes, [17, 25])) <> 1
           or count(*) filter (list_has_any(codes, [8, 19])) <> 1
           or count(*) filter (list_contains(codes, 15)) <> 1 or count(*) filter (list_contains(codes, 16)) <> 1`,
      ),
    ).toEqual([]);
  });

  test('every condition and correction the cleaning must know occurs', async () => {
    const codes = await sql.rows<{ code: number }>('select distinct unnest(codes) as code from trades');
    expect(codes.map(({ code }) => code)).toEqual(
      expect.arrayContaining([2, 8, 10, 12, 13, 14, 15, 16, 17, 19, 22, 25, 29, 32, 37, 52, 53]),
    );
    const corrections = await sql.rows<{ c: number }>(
      'select distinct correction as c from trades order by all',
    );
    expect(corrections.map(({ c }) => c)).toEqual([0, 1, 7, 8, 10, 11, 12]);
    const quotes = await sql.row<Record<string, string>>(
      `select count(*) filter (bid_price = 0 or ask_price = 0) as one_sided,
         count(*) filter (bid_price = ask_price) as locked,
         count(*) filter (bid_price > ask_price and ask_price > 0) as crossed from quotes`,
    );
    for (const count of Object.values(quotes ?? {})) expect(Number(count)).toBeGreaterThan(50);
  });

  test('most quotes repeat their prices', async () => {
    const row = await sql.row<{ share: number }>(
      `select avg((bid_price = b and ask_price = a)::int) as share from (select *, lag(bid_price) over w as b,
         lag(ask_price) over w as a from quotes window w as (partition by date, ticker order by line))`,
    );
    expect(row?.share).toBeGreaterThan(0.7);
    expect(row?.share).toBeLessThan(0.85);
  });

  test('off-exchange volume is 40 to 48 % of each symbol', async () => {
    expect(
      await violations(
        `select ticker, sum(size) filter (exchange = 4) / sum(size) as share from tape group by all
         having share not between 0.4 and 0.48`,
      ),
    ).toEqual([]);
  });

  test('the outage day has neither trades nor quotes, only what others publish', async () => {
    const { symbol, date } = OUTAGE;
    for (const table of ['trades', 'quotes']) {
      expect(await violations(`from ${table} where ticker = '${symbol}' and date = '${date}'`)).toEqual([]);
    }
    for (const table of ['bars', 'regsho']) {
      const found = await violations(`from ${table} where symbol = '${symbol}' and date = '${date}'`);
      expect(found.length).toBeGreaterThan(0);
    }
    const days = await sql.row<{ n: string }>('select count(distinct (ticker, date)) as n from trades');
    expect(Number(days?.n)).toBe(5 * sessions.length - 1);
  });
});

describe('the truth', () => {
  test('covers each print once and nothing else', async () => {
    expect(
      await violations(
        `from (select distinct ticker, date, sequence_number, exchange from trades) as t
         full join truth on truth.symbol = t.ticker and truth.date = t.date
           and truth.sequence_number = t.sequence_number and truth.exchange = t.exchange
         where t.ticker is null or truth.symbol is null`,
      ),
    ).toEqual([]);
    expect(
      await violations('select 1 from truth group by symbol, date, sequence_number having count(*) > 1'),
    ).toEqual([]);
  });

  test('has a side for all but auctions, and retail only off exchange', async () => {
    expect(await violations(`from truth where (true_side = 0) <> (venue_kind = 'auction')`)).toEqual([]);
    expect(await violations(`from truth where retail <> (venue_kind = 'retail_wholesaler')`)).toEqual([]);
    expect(
      await violations(
        `from truth where (exchange = 4) <> (venue_kind in
           ('retail_wholesaler', 'ats_midpoint', 'ats_other', 'otc_other', 'block'))`,
      ),
    ).toEqual([]);
  });

  test('quote rules find it mostly, worse with the book after the trade; the tick rule less', async () => {
    // As tables, not in one query: with a wrong guess of the left side's size (below asof_loop_join_threshold) DuckDB
    // runs an as-of join as nested loops, for minutes.
    await sql.run(
      `create table nbbo as
       select ticker, date, participant_timestamp as at, max_by(bid_price, sequence_number) as bid,
         max_by(ask_price, sequence_number) as ask
       from quotes group by all;
       create table lit as
       select tape.*, true_side, lag(price) over w as previous
       from tape join sessions using (date)
       join truth on truth.symbol = ticker and truth.date = tape.date
         and truth.sequence_number = tape.sequence_number and truth.exchange = tape.exchange
       where tape.exchange <> 4 and venue_kind <> 'auction' and participant_timestamp between open and close
       window w as (partition by ticker, tape.date order by sip_timestamp, tape.sequence_number)`,
    );
    const [row] = await sql.rows<Record<'strict' | 'late' | 'tick', number>>(
      `with ticked as (
         select *, last_value(nullif(sign(price - previous), 0) ignore nulls) over (partition by ticker, date
           order by sip_timestamp, sequence_number) as tick
         from lit
       ), matched as (
         select ticked.*, sign(2 * price - before.bid - before.ask) as q, sign(2 * price - after.bid - after.ask) as r
         from ticked
         asof join nbbo as before on before.ticker = ticked.ticker and before.date = ticked.date
           and ticked.participant_timestamp > before.at
         asof join nbbo as after on after.ticker = ticked.ticker and after.date = ticked.date
           and ticked.participant_timestamp >= after.at
       )
       select avg((coalesce(nullif(q, 0), tick) = true_side)::int) as strict,
         avg((coalesce(nullif(r, 0), tick) = true_side)::int) as late, avg((tick = true_side)::int) as tick
       from matched`,
    );
    expect(row?.strict).toBeGreaterThan(0.87);
    expect(row?.strict).toBeLessThan(0.94);
    expect(row?.late).toBeLessThan((row?.strict ?? 0) - 0.01);
    expect(row?.tick).toBeGreaterThan(0.68);
    expect(row?.tick).toBeLessThan(0.82);
  });
});

describe('what others publish of the same market', () => {
  test('bars are the tape after its rules', async () => {
    expect(
      await violations(
        `from bars join (select ticker, date, sum(size) as shares, count(*) as n,
           min(price) as least, max(price) as most from tape group by all) as t
           on t.ticker = bars.symbol and t.date = bars.date
         where volume <> shares or trades <> n or low < least or high > most or low > least(open, close)
           or high < greatest(open, close) or vwap not between least and most`,
      ),
    ).toEqual([]);
    const counts = await sql.rows<{ adjusted: boolean; n: string }>(
      'select adjusted, count(*) as n from bars group by all order by all',
    );
    expect(counts.map(({ n }) => Number(n))).toEqual([145, 145]);
  });

  test('Reg SHO is laid out byte for byte, and a part of the tape', async () => {
    for (const { date } of sessions) {
      const stamp = date.replaceAll('-', '');
      const text = readFileSync(path.join(sample.regshoFolder, `CNMSshvol${stamp}.txt`), 'utf8');
      const lines = text.split('\r\n');
      expect(lines[0]).toBe('Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market');
      expect(lines.slice(6)).toEqual(['5', '']);
      for (const line of lines.slice(1, 6)) {
        expect(line).toMatch(
          new RegExp(`^${stamp}\\|(AAPL|BRK/B|GME|SPY|TQQQ)(\\|\\d+){3}\\|[BNQ](,[BNQ])*$`),
        );
      }
      const forf = readFileSync(path.join(sample.regshoFolder, `FORFshvol${stamp}.txt`), 'utf8');
      expect(forf).toBe(`${lines[0]}\r\n0\r\n`);
    }
    expect(
      await violations(
        `from regsho join (select ticker, date, sum(size) as shares from tape where exchange = 4 group by all) as t
           on t.ticker = regsho.symbol and t.date = regsho.date
         where total > shares or total < 0.65 * shares or short > total or exempt > short`,
      ),
    ).toEqual([]);
    expect(await violations('select symbol from regsho group by symbol having count(*) <> 29')).toEqual([]);
  });

  test('FINRA has published what is due by the last day, with its delays', async () => {
    const rows = await sql.rows<Record<'week' | 'tier' | 'published' | 'reported', string>>(
      `select distinct weekStartDate::varchar as week, tierIdentifier as tier,
         initialPublishedDate::varchar as published, lastReportedDate::varchar as reported
       from weekly order by tier, week`,
    );
    expect(rows.map(({ week, tier }) => `${tier} ${week}`)).toEqual([
      'OTCE 2025-11-03',
      'T1 2025-11-03',
      'T1 2025-11-10',
      'T1 2025-11-17',
      'T2 2025-11-03',
    ]);
    for (const { week, tier, published } of rows) {
      expect(published).toBe(finraDueDate(week, tier));
      expect(published <= sample.lastDate).toBe(true);
    }
    expect(
      await violations(`from weekly where issueSymbolIdentifier = 'TQQQ' and tierIdentifier <> 'T2'`),
    ).toEqual([]);
  });

  test('firm rows sum to symbol rows, and those are the tape within FINRA’s small error', async () => {
    expect(
      await violations(
        `select weekStartDate, issueSymbolIdentifier as symbol, summaryTypeCode[1:3] as cut,
           sum(totalWeeklyShareQuantity * if(summaryTypeCode like '%FIRM', -1, 1)) as shares,
           sum(totalWeeklyTradeCount * if(summaryTypeCode like '%FIRM', -1, 1)) as trades,
           sum(totalNotionalSum::decimal(18,2) * if(summaryTypeCode like '%FIRM', -1, 1)) as dollars
         from weekly group by all having shares <> 0 or trades <> 0 or dollars <> 0`,
      ),
    ).toEqual([]);
    const ratios = await sql.rows<{ symbol: string; ratio: number; median: number }>(
      `select symbol, finra / shares as ratio, median(finra / shares) over () as median
       from (select weekStartDate as week_start, issueSymbolIdentifier as symbol,
           sum(totalWeeklyShareQuantity) as finra
         from weekly where summaryTypeCode in ('ATS_W_SMBL', 'OTC_W_SMBL') group by all)
       join (select ticker as symbol, week_start, sum(size) as shares from tape join sessions using (date)
         where exchange = 4 group by all) using (symbol, week_start)`,
    );
    expect(ratios).toHaveLength(13);
    expect(Math.abs((ratios[0]?.median ?? 0) - 1)).toBeLessThan(0.00005);
    for (const { symbol, ratio } of ratios) {
      expect(Math.abs(ratio - 1)).toBeLessThan(['GME', 'TQQQ'].includes(symbol) ? 0.02 : 0.0002);
    }
    const pooled = await sql.row<{ n: string }>(
      `select count(*) as n from weekly where marketParticipantName = 'De Minimis Firms' and firmCRDNumber is null`,
    );
    expect(Number(pooled?.n)).toBeGreaterThan(5);
  });
});

describe('parts', () => {
  test('numbers are written as the vendor writes them', () => {
    const out = new TextBuffer(1);
    for (const price of [953_600, 950_900, 951_000, 950_000, 6_800_050, 10_001]) {
      out.price(price);
      out.text(' ');
    }
    out.int(0);
    out.comma();
    out.int(52_983_525_028_162);
    out.comma();
    out.stamp(1_762_333_200, 19_000_007);
    expect(out.take().toString()).toBe(
      '95.36 95.09 95.1 95 680.005 1.0001 0,52983525028162,1762333200019000007',
    );
    expect(out.length).toBe(0);
  });

  test('streams are their names’, and roughly even', () => {
    const draw = (...name: (string | number)[]) => {
      const random = new Random(...name);
      return Array.from({ length: 5 }, () => random.uniform());
    };
    expect(draw('a', 1)).toEqual(draw('a', 1));
    expect(draw('a', 1)).not.toEqual(draw('a', 2));
    const random = new Random('even');
    const picks = Array.from({ length: 4000 }, () => random.pick(weighted(['x', 1], ['y', 3])));
    expect(picks.filter((pick) => pick === 'x').length / 4000).toBeCloseTo(0.25, 1);
    const normals = Array.from({ length: 4000 }, () => random.normal());
    expect(Math.abs(normals.reduce((sum, x) => sum + x, 0) / 4000)).toBeLessThan(0.06);
  });

  test('several conditions allow only what each allows', () => {
    expect(effectOf(conditionList(37, 12))).toEqual({ volume: true, highLow: false, openClose: false });
    expect(effectOf(conditionList())).toEqual({ volume: true, highLow: true, openClose: true });
    expect(effectOf(conditionList(15)).volume).toBe(false);
    expect(conditionList(37, 12)).toBe(conditionList(37, 12));
    expect(conditionList(37, 12)).toEqual([12, 37]);
  });

  test('retail never pays more than the quote', () => {
    const random = new Random('retail');
    for (const quoted of [
      { bid: 5500, ask: 5501 },
      { bid: 2240, ask: 2246 },
    ]) {
      for (let i = 0; i < 2000; i++) {
        const side = i % 2 === 0 ? 1 : -1;
        const price = retailPrice(random, quoted, side);
        expect(price >= quoted.bid * 100 && price <= quoted.ask * 100).toBe(true);
        expect(side * (price - (quoted.bid + quoted.ask) * 50)).toBeGreaterThanOrEqual(0);
      }
    }
  });
});
