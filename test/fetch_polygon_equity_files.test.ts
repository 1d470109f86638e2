import { chmod, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataError, messageOf } from '../darkpool_analysis/errors.js';
import { DAY, PolygonBench, session } from './support/polygon_bench.js';

let bench: PolygonBench;
beforeAll(async () => {
  bench = await PolygonBench.open();
});
afterAll(() => bench.close());
let serial = 0;
beforeEach(async () => {
  await bench.empty();
  serial += 1;
});

const OPEN = session().openNs;
const TICKERS = 'NA,NULL,nan,TRUE,ABCpD';

interface Row {
  readonly ticker: string;
  readonly conditions: string;
  readonly correction: string;
  readonly exchange: string;
  readonly id: string;
  readonly participant_timestamp: string;
  readonly price: string;
  readonly sequence_number: string;
  readonly sip_timestamp: string;
  readonly size: string;
  readonly tape: string;
  readonly trf_id: string;
  readonly trf_timestamp: string;
}
const COLUMNS = [
  'ticker',
  'conditions',
  'correction',
  'exchange',
  'id',
  'participant_timestamp',
  'price',
  'sequence_number',
  'sip_timestamp',
  'size',
  'tape',
  'trf_id',
  'trf_timestamp',
] as const;

/** A day of flat-file rows: tickers that look like nothing, odd stamps, fractions, absent fields. */
function flatRows(date = DAY, count = 40): Row[] {
  const open = session(date).openNs;
  const tickers = TICKERS.split(',');
  return Array.from({ length: count }, (_, i) => {
    const ns = open + BigInt(i) * 1_000_003n + 1n;
    return {
      ticker: tickers[i % tickers.length] ?? '',
      conditions: i % 4 === 0 ? '' : i % 4 === 1 ? '37' : '14,37',
      correction: i % 9 === 0 ? '1' : '0',
      exchange: i % 3 === 0 ? '4' : '11',
      id: i % 6 === 0 ? '' : `${5000 + i}`,
      participant_timestamp: i % 8 === 0 ? '' : String(ns - 3n),
      price: `${10 + (i % 5) / 100}`,
      sequence_number: String(100 + i),
      sip_timestamp: String(ns),
      size: i % 7 === 0 ? '0.5' : `${i + 1}`,
      tape: '1',
      trf_id: i % 3 === 0 ? '202' : '0',
      trf_timestamp: '',
    };
  });
}

const csv = (rows: readonly Row[]) =>
  `${COLUMNS.join(',')}\n${rows
    .map((row) => COLUMNS.map((name) => (name === 'conditions' ? `"${row[name]}"` : row[name])).join(','))
    .join('\n')}\n`;

/** The same row as REST writes it: numbers, lists, absent what is empty. */
function restRow(row: Row): string {
  const fields = COLUMNS.filter((name) => row[name] !== '').map((name) => {
    const value = row[name];
    if (name === 'ticker' || name === 'id') return `"${name}":"${value}"`;
    return `"${name}":${name === 'conditions' ? `[${value}]` : value}`;
  });
  return `{${fields.join(',')}}`;
}
const array = (rows: readonly Row[]) => `[${rows.map(restRow).join(',')}]`;

function shuffled<T>(rows: readonly T[]): T[] {
  return rows
    .map((row, i) => ({ row, at: (i * 7919 + 13) % 104_729 }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
}

async function parquet(name: string, sql: string): Promise<string> {
  const file = path.join(bench.folder, name);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`copy (${sql}) to '${file}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
  return file;
}

const read = (trades: string, settings: Record<string, string> = {}, dates?: readonly string[]) =>
  bench.fetch({ TICKERS, POLYGON_TRADES_FILE: trades, ...settings }, dates);
/** Files named anew each time, so that none is known from before. */
const named = (name: string) => `f${serial}-${name}`;

describe('one day in any form gives one table', () => {
  let expected: string[];
  const rows = flatRows();
  beforeAll(async () => {
    await bench.empty();
    await read(await bench.write('reference.csv', csv(rows)));
    expected = await bench.rows();
  });

  test('every row is there, in tape order, symbols as they are spelt', async () => {
    expect(expected).toHaveLength(rows.length);
    expect(expected[1]).toBe(
      "{'symbol': ABCpD, 'date': 2025-07-14, 'sip_timestamp': '2025-07-14 13:30:00.009000028', 'participant_timestamp': '2025-07-14 13:30:00.009000025', 'sequence_number': 109, 'trade_id': 5009, 'exchange': 4, 'trf_id': 202, 'conditions': [37], 'correction': 1, 'price': 10.04, 'size': 10.0, 'tape': 1, 'bid': NULL, 'ask': NULL, 'quote_timestamp': NULL}",
    );
    await read(path.join(bench.folder, 'reference.csv'));
    expect((await bench.rows('polygon_trades', 'distinct symbol')).sort()).toEqual(
      TICKERS.split(',')
        .map((symbol) => `{'symbol': ${symbol === 'NULL' ? "'NULL'" : symbol}}`)
        .sort(),
    );
  });

  const flat = shuffled(rows);
  test.each<[string, () => Promise<string>]>([
    ['CSV, shuffled', () => bench.write(named('t.csv'), csv(flat))],
    ['CSV, gzipped', () => bench.write(named('t.csv.gz'), gzipSync(csv(rows)))],
    ['CSV, gzipped under another name', () => bench.write(named('t.csv'), gzipSync(csv(rows)))],
    [
      'CSV with CRLF and BOM',
      () => bench.write(named('t.csv'), `\uFEFF${csv(rows).replaceAll('\n', '\r\n')}`),
    ],
    [
      'pipe-separated',
      () => bench.write(named('t.psv'), csv(rows).replace(/,(?=[^"]*(?:"[^"]*"[^"]*)*$)/gm, '|')),
    ],
    ['a JSON array', () => bench.write(named('t.json'), array(flat))],
    ['a JSON array, gzipped', () => bench.write(named('t.json.gz'), gzipSync(array(rows)))],
    [
      '{results}',
      () => bench.write(named('t.json'), `{"status":"OK","count":3,"results":${array(flat)},"next_url":"x"}`),
    ],
    ['{data}', () => bench.write(named('t.json'), ` {\n "data" : ${array(rows)} }\n`)],
    ['{results}, gzipped', () => bench.write(named('t.json.gz'), gzipSync(`{"results":${array(rows)}}`))],
    ['one object a line', () => bench.write(named('t.ndjson'), `${flat.map(restRow).join('\n')}\n`)],
    [
      'Parquet, all text',
      async () => {
        const file = await bench.write(named('p.csv'), csv(flat));
        return parquet(
          named('t.parquet'),
          `select * from read_csv('${file}', all_varchar = true, nullstr = '\\0')`,
        );
      },
    ],
    [
      'Parquet, typed',
      async () => {
        const file = await bench.write(named('p.json'), array(flat));
        return parquet(
          named('t.parquet'),
          `select * from read_json('${file}', columns = {ticker: 'VARCHAR', conditions: 'INTEGER[]', correction: 'INTEGER',
             exchange: 'INTEGER', id: 'VARCHAR', participant_timestamp: 'BIGINT', price: 'DOUBLE', sequence_number: 'BIGINT',
             sip_timestamp: 'BIGINT', size: 'DECIMAL(18, 6)', tape: 'INTEGER', trf_id: 'INTEGER'})`,
        );
      },
    ],
    [
      'Parquet with timestamps',
      async () => {
        const file = await bench.write(named('p.json'), array(rows));
        return parquet(
          named('t.parquet'),
          `select * replace (make_timestamp_ns(sip_timestamp) as sip_timestamp, make_timestamp_ns(participant_timestamp) as participant_timestamp)
           from read_json('${file}', columns = {ticker: 'VARCHAR', conditions: 'INTEGER[]', correction: 'INTEGER',
             exchange: 'INTEGER', id: 'VARCHAR', participant_timestamp: 'BIGINT', price: 'FLOAT', sequence_number: 'BIGINT',
             sip_timestamp: 'BIGINT', size: 'DOUBLE', tape: 'INTEGER', trf_id: 'INTEGER'})`,
        );
      },
    ],
    [
      'a folder',
      async () => {
        const folder = path.join(bench.folder, named('folder'));
        await mkdir(folder);
        await writeFile(path.join(folder, 'b.csv'), csv(flat.slice(0, 15)));
        await writeFile(path.join(folder, 'a.json'), array(flat.slice(15)));
        await writeFile(path.join(folder, 'notes.md'), 'no data');
        return folder;
      },
    ],
    [
      'a glob over files that overlap in rows with an id',
      async () => {
        const withId = rows.filter(({ id }) => id !== '');
        await bench.write(named('g1.csv'), csv(rows));
        await bench.write(named('g2.csv'), csv(shuffled(withId)));
        return path.join(bench.folder, named('g[12].c*v'));
      },
    ],
  ])('%s', async (_, make) => {
    await read(await make());
    // FLOAT prices come back as the millionths they were made of
    expect(await bench.rows()).toEqual(expected);
  });

  test('a {results} file of more than a few MB', async () => {
    const many = flatRows(DAY, 20_000);
    const text = `{"results":${array(many)},"status":"OK"}`;
    expect(text.length).toBeGreaterThan(2 * 1024 * 1024);
    await read(await bench.write(named('big.json'), text));
    const big = await bench.rows();
    await bench.empty();
    await read(await bench.write(named('big.csv'), csv(many)));
    expect(big).toHaveLength(20_000);
    expect(await bench.rows()).toEqual(big);
  });

  test('a field that first occurs in the last row is read', async () => {
    const many = flatRows(DAY, 25_000).map((row) => ({ ...row, trf_id: '', correction: '' }));
    const last = { ...flatRows(DAY, 1)[0], sequence_number: '99999', correction: '8' } as Row;
    await read(await bench.write(named('late.json'), array([...many, last])));
    expect(await bench.rows('polygon_trades', 'count(*) as n')).toEqual(["{'n': 25000}"]);
  });

  test('rows in the order of their size', async () => {
    // equal however the rows lie: the file's order must not matter where sequence numbers are
    const again = rows.map((row, i) => ({ row, i })).sort((a, b) => a.row.size.localeCompare(b.row.size));
    await read(await bench.write(named('t.csv'), csv(again.map(({ row }) => row))));
    expect(await bench.rows()).toEqual(expected);
  });
});

describe('plain files', () => {
  const plain = async (header: string, lines: string[], settings = {}) => {
    await bench.fetch(
      {
        TICKERS: 'TEST',
        POLYGON_TRADES_FILE: await bench.write(named('plain.csv'), `${header}\n${lines.join('\n')}\n`),
        ...settings,
      },
      [DAY],
    );
  };
  const stamps = () =>
    bench.db.rows<{ ns: string }>('select epoch_ns(sip_timestamp)::varchar as ns from polygon_trades');

  test.each([
    ['ISO without a zone', ['2025-07-14T13:30:00.123456789', '2025-07-14 13:30:01'], 123_456_789],
    ['ISO in UTC', ['2025-07-14T13:30:00.123456789Z', '2025-07-14T13:30:01Z'], 123_456_789],
    ['ISO with an offset', ['2025-07-14T09:30:00.123456789-04:00', '2025-07-14 09:30:01-04'], 123_456_789],
    ['seconds', ['1752499800', '1752499801'], 0],
    ['seconds with a fraction', ['1752499800.123456789', '1752499801.0'], 123_456_789],
    ['ms', ['1752499800123', '1752499801000'], 123_000_000],
    ['µs', ['1752499800123456', '1752499801000000'], 123_456_000],
    ['ns', ['1752499800123456789', '1752499801000000000'], 123_456_789],
  ])('times as %s', async (form, [first, second], fraction) => {
    const file = await bench.write(
      named('plain.csv'),
      `symbol,timestamp,price,size\nTEST,${second},10,5\nTEST,${first},9,5\n`,
    );
    const result = await bench.fetch({ TICKERS: 'TEST', POLYGON_TRADES_FILE: file });
    expect(await stamps()).toEqual([
      { ns: String(OPEN + BigInt(fraction)) },
      { ns: String(OPEN + 1_000_000_000n) },
    ]);
    expect(result.notes.some((note) => note.includes('without a zone'))).toBe(form === 'ISO without a zone');
  });

  test('without an exchange the tape’s volume is unknown, the consolidated is not', async () => {
    await plain('symbol,timestamp,price,size', [`TEST,${OPEN},10,5`, `TEST,${OPEN + 1n},10,6`]);
    expect(
      await bench.rows(
        'tape_totals_daily',
        'off_exchange_shares as shares, off_exchange_trades as trades, consolidated_shares as consolidated',
      ),
    ).toEqual(["{'shares': NULL, 'trades': NULL, 'consolidated': 11.0}"]);
  });

  test('a file’s own bid and ask are used, before those of a quotes file', async () => {
    const quotes = await bench.write(
      named('quotes.csv'),
      `symbol,timestamp,bid_price,ask_price\nTEST,${OPEN - 5n},1,2\n`,
    );
    await plain(
      'symbol,timestamp,price,size,bid,ask',
      [`TEST,${OPEN},10,5,9.5,10.5`, `TEST,${OPEN + 1n},10,5,9.5,`, `TEST,${OPEN + 2n},10,5,,`],
      { POLYGON_QUOTES_FILE: quotes },
    );
    expect(await bench.rows('polygon_trades', 'bid, ask, epoch_ns(quote_timestamp) as q')).toEqual([
      "{'bid': 9.5, 'ask': 10.5, 'q': NULL}",
      "{'bid': 9.5, 'ask': NULL, 'q': NULL}",
      `{'bid': 1.0, 'ask': 2.0, 'q': ${OPEN - 5n}}`,
    ]);
  });

  test('rows of one instant keep the order of the file; equal rows are two trades', async () => {
    await plain('symbol,timestamp,price,size', [
      `TEST,${OPEN},12,5`,
      `TEST,${OPEN},11,5`,
      `TEST,${OPEN},11,5`,
      `TEST,${OPEN},13,5`,
    ]);
    expect(await bench.rows('polygon_trades', 'sequence_number as n, price')).toEqual(
      [12, 11, 11, 13].map((price, i) => `{'n': ${i + 1}, 'price': ${price}.0}`),
    );
  });

  test('a column t is the time, not the ticker T; both in one file are refused', async () => {
    await plain('t,p,s', [`${OPEN},10,5`]);
    expect(await bench.rows('polygon_trades', 'symbol, price, size')).toEqual([
      "{'symbol': TEST, 'price': 10.0, 'size': 5.0}",
    ]);
    await expect(plain('T,t,p,s', [`TEST,${OPEN},10,5`])).rejects.toThrow(/T and t, which differ in case/);
  });

  test('no symbol column: of the one ticker asked for, else an error', async () => {
    const file = await bench.write(named('one.csv'), `timestamp,price,size\n${OPEN},10,5\n`);
    await bench.fetch({ TICKERS: 'ONE', POLYGON_TRADES_FILE: file });
    expect(await bench.rows('polygon_trades', 'symbol')).toEqual(["{'symbol': ONE}"]);
    // though only TWO is missing: nothing says that the rows are its
    await expect(bench.fetch({ TICKERS: 'ONE,TWO', POLYGON_TRADES_FILE: file })).rejects.toThrow(
      /has no symbol column.*TICKERS must name exactly one/,
    );
    await expect(bench.fetch({ TICKERS: 'ALL', POLYGON_TRADES_FILE: file })).rejects.toThrow(
      /no symbol column/,
    );
    expect(await bench.rows('polygon_trades', 'symbol')).toEqual(["{'symbol': ONE}"]);
  });
});

describe('files that cannot be read', () => {
  const HEADER = 'ticker,sip_timestamp,price,size,sequence_number';
  const good = [1, 2, 3].map((n) => `NA,${OPEN + BigInt(n)},10,5,${n}`);
  let before: string[];
  let state: string[];
  beforeEach(async () => {
    await read(await bench.write(named('good.csv'), `${HEADER}\n${good.join('\n')}\n`));
    before = await bench.rows();
    state = await bench.rows('ingest_log', 'source, period, symbol_or_tier, status, rows');
  });
  /** The run fails saying so, and what was stored before is whole. */
  async function fails(file: string, message: RegExp, settings = {}): Promise<void> {
    for (let run = 0; run < 2; run++) {
      const error = await read(file, settings).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DataError);
      expect(messageOf(error)).toMatch(message);
      expect(messageOf(error)).toContain(path.basename(file));
    }
    expect(await bench.rows()).toEqual(before);
    expect(await bench.rows('ingest_log', 'source, period, symbol_or_tier, status, rows')).toEqual(state);
  }

  test.each<[string, string | Buffer, RegExp]>([
    ['empty', '', /is empty/],
    ['white space only', '\n \n', /is empty/],
    ['a header alone', `${HEADER}\n`, /holds no rows/],
    ['an empty JSON array', '[]', /no JSON objects/],
    ['no results', '{"status":"OK","results":[]}', /no JSON objects/],
    ['a web page', '<!DOCTYPE html><html><body>Sign in</body></html>', /web page/],
    ['no header', `${good.join('\n')}\n`, /has no header/],
    ['a column twice', 'ticker,sip_timestamp,price,price\n1,2,3,4\n', /column price twice/],
    [
      'no price column',
      `ticker,sip_timestamp,size\nNA,${OPEN},1\n`,
      /no price column.*called price or p.*ticker, sip_timestamp, size/,
    ],
    ['no size column', `ticker,sip_timestamp,price\nNA,${OPEN},1\n`, /no size column/],
    ['no time column', 'ticker,price,size\nNA,10,1\n', /no timestamp column/],
    [
      'a price that is text',
      `${HEADER}\n${good[0]}\nNA,${OPEN + 2n},ten,5,2\n`,
      /row 2: price is "ten", where a number/,
    ],
    ['a price that is infinite', `${HEADER}\n${good[0]}\nNA,${OPEN + 2n},inf,5,2\n`, /row 2: price is "inf"/],
    [
      'a size that is text',
      `${HEADER}\n${good[0]}\n${good[1]}\nNA,${OPEN + 2n},10,1x,3\n`,
      /row 3: size is "1x"/,
    ],
    [
      'a sequence number that is text',
      `${HEADER}\nNA,${OPEN},10,5,first\n`,
      /row 1: sequence_number is "first"/,
    ],
    [
      'a time that is text',
      `${HEADER}\n${good[0]}\nNA,noon,10,5,2\n`,
      /row 2: sip_timestamp is "noon", where a time/,
    ],
    ['no time in a row', `${HEADER}\n${good[0]}\nNA,,10,5,2\n`, /row 2: sip_timestamp is empty/],
    [
      'conditions that are text',
      `ticker,sip_timestamp,price,size,conditions\nNA,${OPEN},10,5,"@ F"\n`,
      /row 1: conditions is "@ F"/,
    ],
    [
      'a price of zero',
      `${HEADER}\n${good[0]}\nNA,${OPEN + 2n},0,5,2\n`,
      /"NA" at 2025-07-14 13:30:00.000000002 UTC has price 0/,
    ],
    ['no price in a row', `${HEADER}\n${good[0]}\nNA,${OPEN + 2n},,5,2\n`, /has price nothing and size 5/],
    ['a negative size', `${HEADER}\n${good[0]}\nNA,${OPEN + 2n},10,-5,2\n`, /price 10 and size -5/],
    ['too few fields in a row', `${HEADER}\n${good[0]}\nNA,${OPEN + 2n}\n`, /cannot be read/],
    [
      'broken JSON',
      `[{"ticker":"NA","sip_timestamp":${OPEN},"price":10,"size":1},{"ticker":`,
      /not readable as JSON/,
    ],
    [
      'a broken {results}',
      `{"results":[{"ticker":"NA","sip_timestamp":${OPEN},"price":10,"size":1},{"ti`,
      /not readable as JSON/,
    ],
    ['Parquet in name and head only', 'PAR1 and then nothing', /not readable as Parquet/],
  ])('%s', async (_, content, message) => {
    await fails(await bench.write(named('bad'), content), message);
  });

  test('a gzipped file that is cut is an error, not a short table', async () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, i) => `NA,${OPEN + BigInt(i)},${10 + (i % 100) / 100},5,${i}`,
    );
    const whole = gzipSync(`${HEADER}\n${lines.join('\n')}\n`);
    for (const [i, length] of [
      200,
      Math.floor(whole.length / 2),
      whole.length - 8,
      whole.length - 1,
    ].entries()) {
      await fails(
        await bench.write(named(`cut${i}.csv.gz`), whole.subarray(0, length)),
        /gzipped and cut or damaged/,
      );
    }
    const damaged = Buffer.from(whole);
    damaged[Math.floor(whole.length / 2)] = (damaged[Math.floor(whole.length / 2)] ?? 0) ^ 0xff;
    await fails(await bench.write(named('damaged.csv.gz'), damaged), /gzipped and cut or damaged/);
  });

  test('a quotes file with a bad row', async () => {
    const trades = await bench.write(
      named('t.csv'),
      `${HEADER}\n${good.join('\n')}\nNA,${OPEN + 9n},10,5,9\n`,
    );
    const quotes = await bench.write(
      named('q.csv'),
      `ticker,sip_timestamp,bid_price,ask_price\nNA,${OPEN},1,2\nNA,${OPEN},one,2\n`,
    );
    const error = await read(trades, { POLYGON_QUOTES_FILE: quotes }).catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toMatch(/q\.csv, row 2: bid_price is "one"/);
    expect(await bench.rows()).toEqual(before);
  });

  test('a file named for its day with rows of another', async () => {
    const other = session('2025-07-15').openNs;
    const folder = path.join(bench.folder, named('days'));
    await mkdir(folder);
    const file = path.join(folder, `${DAY}.csv`);
    await writeFile(file, `${HEADER}\n${good.join('\n')}\nNA,${other},10,5,4\n`);
    await fails(file, /named for 2025-07-14 but holds 1 rows of 2025-07-15/);
    await writeFile(file, `${HEADER}\n${good.join('\n')}\nNA,,10,5,4\n`);
    await fails(file, /named for 2025-07-14 but holds 1 rows of no time at all/);
    await writeFile(file, `${HEADER}\n`);
    await fails(file, /holds no rows/);
  });

  test('nothing there, and nothing that fits', async () => {
    for (const [value, message] of [
      ['/nowhere/at/all.csv', /POLYGON_TRADES_FILE=.*no such file/],
      ['/nowhere/*.csv', /no file matches/],
    ] as const) {
      await expect(read(value)).rejects.toThrow(message);
    }
    const empty = path.join(bench.folder, named('empty'));
    await mkdir(empty);
    await expect(read(empty)).rejects.toThrow(/folder holds no CSV/);
    expect(await bench.rows()).toEqual(before);
  });

  test.skipIf(process.getuid?.() === 0)('a file without permission', async () => {
    const file = await bench.write(named('secret.csv'), `${HEADER}\n${good.join('\n')}\n`);
    await chmod(file, 0);
    await fails(file, /cannot be read.*EACCES/);
  });
});

describe('reading again', () => {
  const lines = (rows: Row[]) => csv(rows);
  const NEXT = '2025-07-15';
  const both = [...flatRows(DAY, 20), ...flatRows(NEXT, 20)];

  test('an unchanged file is not opened again, and nothing moves', async () => {
    const file = await bench.write(named('t.csv'), lines(both));
    await read(file, {}, [DAY, NEXT]);
    const before = await bench.rows();
    const log = await bench.rows('ingest_log');
    const { atime, mtime } = await import('node:fs/promises').then(({ stat }) => stat(file));
    // the same size and time of change with other bytes: only a reader would notice
    await writeFile(file, Buffer.alloc(lines(both).length, 'x'));
    await utimes(file, atime, mtime);
    const known = await bench.db.row<{ n: string }>('select modified_ns::varchar as n from source_files');
    await bench.db.run('update source_files set modified_ns = $now', { now: await modifiedNs(file) });
    expect(known).toBeDefined();
    await bench.reopen();
    expect(await read(file, {}, [DAY, NEXT])).toMatchObject({ stored: {}, gaps: [] });
    expect(await bench.rows()).toEqual(before);
    expect(await bench.rows('ingest_log')).toEqual(log);
  });

  test('a changed file is read again, and replaces its days', async () => {
    const file = await bench.write(named('t.csv'), lines(both));
    await read(file, {}, [DAY, NEXT]);
    const fewer = both.slice(0, 37);
    await writeFile(file, lines(fewer));
    await read(file, {}, [DAY, NEXT]);
    expect(await bench.rows('polygon_trades', 'count(*) as n')).toEqual(["{'n': 37}"]);
    const changed = await bench.rows();
    await bench.empty();
    await read(await bench.write(named('fresh.csv'), lines(fewer)), {}, [DAY, NEXT]);
    expect(await bench.rows()).toEqual(changed);
  });

  test('with ALL, a symbol that a changed file no longer has goes', async () => {
    const file = await bench.write(named('t.csv'), lines(both));
    await read(file, { TICKERS: 'ALL' }, [DAY]);
    await writeFile(file, lines(both.filter(({ ticker }) => ticker !== 'nan')));
    await read(file, { TICKERS: 'ALL' }, [DAY]);
    expect(await bench.rows('polygon_trades', 'distinct symbol')).not.toContain("{'symbol': nan}");
    expect(await bench.rows('polygon_trades', 'count(*) as n')).toEqual(["{'n': 16}"]);
  });

  test('a ticker asked for later is read from the file already known', async () => {
    const file = await bench.write(named('t.csv'), lines(both));
    await read(file, { TICKERS: 'NA' }, [DAY, NEXT]);
    const first = await bench.rows();
    expect(first).toHaveLength(8);
    await read(file, { TICKERS: 'NA,nan' }, [DAY, NEXT]);
    expect((await bench.rows()).slice(0, 4)).toEqual(first.slice(0, 4));
    expect(await bench.rows('polygon_trades', 'count(*) as n')).toEqual(["{'n': 16}"]);
  });

  test('days in two files of their own, and a day in both', async () => {
    const folder = path.join(bench.folder, named('days'));
    await mkdir(folder);
    await writeFile(path.join(folder, `${DAY}.csv`), lines(flatRows(DAY, 20)));
    await writeFile(path.join(folder, `${NEXT}.csv.gz`), gzipSync(lines(flatRows(NEXT, 20))));
    await read(folder, {}, [DAY, NEXT]);
    const apart = await bench.rows('(select * from polygon_trades order by all)');
    expect(apart).toHaveLength(40);
    await bench.empty();
    await read(await bench.write(named('both.csv'), lines(both)), {}, [DAY, NEXT]);
    expect(await bench.rows('(select * from polygon_trades order by all)')).toEqual(apart);
  });

  test('quotes of another day, and POLYGON_QUOTES=off: stored without NBBO', async () => {
    const quotes = await bench.write(
      named('quotes.csv'),
      `ticker,sip_timestamp,bid_price,ask_price,sequence_number\nNA,${session(NEXT).openNs - 1n},1,2,1\n`,
    );
    const trades = await bench.write(named('t.csv'), lines(both));
    const bids = () => bench.rows('(select distinct date, bid from polygon_trades order by all)');
    const settings = { TICKERS: 'NA', POLYGON_QUOTES_FILE: quotes };
    await read(trades, settings, [DAY, NEXT]);
    expect(await bids()).toEqual([`{'date': ${DAY}, 'bid': NULL}`, `{'date': ${NEXT}, 'bid': 1.0}`]);
    await read(trades, { ...settings, POLYGON_QUOTES: 'off' }, [DAY, NEXT]);
    expect(await bids()).toEqual([`{'date': ${DAY}, 'bid': NULL}`, `{'date': ${NEXT}, 'bid': NULL}`]);
    await read(trades, settings, [DAY, NEXT]);
    expect(await bids()).toContain(`{'date': ${NEXT}, 'bid': 1.0}`);
  });

  test('rows outside the sessions asked for stay out', async () => {
    const file = await bench.write(named('t.csv'), lines(both));
    await read(file, {}, [NEXT]);
    expect(await bench.rows('polygon_trades', 'distinct date')).toEqual([`{'date': ${NEXT}}`]);
  });

  test('a failed read leaves no file behind', async () => {
    const file = await bench.write(named('t.csv'), `${COLUMNS.join(',')}\nx\n`);
    await read(file).catch(() => undefined);
    await rm(file);
    const left = await import('node:fs/promises').then(({ readdir }) =>
      readdir(bench.db.paths.staging, { recursive: true }),
    );
    expect(left.filter((name) => name.endsWith('.parquet'))).toEqual([]);
  });
});

async function modifiedNs(file: string): Promise<bigint> {
  const { stat } = await import('node:fs/promises');
  return (await stat(file, { bigint: true })).mtimeNs;
}
