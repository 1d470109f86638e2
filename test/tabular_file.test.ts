import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../darkpool_analysis/db.js';
import { listFiles, openTable, removeArrays, sha256Of } from '../darkpool_analysis/tabular_file.js';

let folder: string;
let db: Database;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'darkpool-tabular-'));
  db = await Database.open({ dataDir: path.join(folder, 'data') });
});
afterAll(async () => {
  db.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, content: string | Buffer): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}
async function rowsOf(file: string): Promise<unknown[]> {
  const { relation, columns } = await openTable(db, file);
  const list = columns.map(({ name }) => `"${name}"`).join(', ');
  return db.rows(`select ${list} from ${relation}`);
}

describe('which files', () => {
  test('a folder’s data files, sorted; a glob in any part of the path; nothing hidden', async () => {
    for (const name of ['b.csv', 'a.json.gz', '.c.csv', 'readme.md', 'sub/d.csv'])
      await write(`list/${name}`, 'x');
    const names = async (value: string) =>
      (await listFiles('X_FILE', path.join(folder, value))).map((file) => path.relative(folder, file.path));
    expect(await names('list')).toEqual(['list/a.json.gz', 'list/b.csv']);
    expect(await names('list/*.csv')).toEqual(['list/b.csv']);
    expect(await names('l?st/{a,b}.*')).toEqual(['list/a.json.gz', 'list/b.csv']);
    expect(await names('list/[!a]*/*.csv')).toEqual(['list/sub/d.csv']);
  });

  test('a path under a file is not there, said with the setting', async () => {
    await write('plain.csv', 'x');
    await expect(listFiles('X_FILE', path.join(folder, 'plain.csv/below'))).rejects.toThrow(
      /X_FILE=.*no such file/,
    );
  });
});

describe('tables', () => {
  test('nothing is sniffed: every field is the text that stands there', async () => {
    const file = await write('text.csv', 'ticker,t\nNA,007\nNULL,1752499800123456789\n"a,b",\n\\0,x\n');
    expect(await rowsOf(file)).toEqual([
      { ticker: 'NA', t: '007' },
      { ticker: 'NULL', t: '1752499800123456789' },
      { ticker: 'a,b', t: '' },
      { ticker: null, t: 'x' },
    ]);
  });

  test.each([',', '|', '\t', ';'])('columns apart by %j', async (mark) => {
    const file = await write('apart.txt', `${['a', 'b', 'c'].join(mark)}\r\n1${mark}2${mark}3\r\n`);
    expect(await rowsOf(file)).toEqual([{ a: '1', b: '2', c: '3' }]);
  });

  const objects = '{"a":"NA","n":1752499800123456789,"list":[12, 37],"x":null}';
  const row = { a: 'NA', list: '[12,37]', n: '1752499800123456789', x: null };
  test.each([
    ['an array', `[${objects},\n${objects}]`],
    ['an object a line', `${objects}\n${objects}\n`],
    ['{data}', `{"data":[${objects},${objects}],"more":{"a":[1]}}`],
    [
      '{results} behind scalars, with a BOM',
      `\uFEFF{"status":"OK","n":1.5e3,"ok":true,"results" : [${objects},${objects}]}`,
    ],
  ])('JSON as %s, packed or not, small or large', async (_, text) => {
    const plain = await write('json.json', text);
    const spread = text.replaceAll('{"a":"NA"', `{${' '.repeat(700_000)}"a":"NA"`);
    for (const file of [
      plain,
      await write('json.gz', gzipSync(text)),
      await write('large.json', spread),
      await write('large.json.gz', gzipSync(spread)),
    ]) {
      const rows = (await rowsOf(file)) as { list: string }[];
      expect(rows.map((found) => ({ ...found, list: found.list.replaceAll(' ', '') }))).toEqual([row, row]);
    }
    await removeArrays(db);
  });

  test('a field that only the last object has is a column', async () => {
    const many = Array.from({ length: 30_000 }, () => '{"a":1}').join(',');
    const { columns } = await openTable(db, await write('late.json', `[${many},{"a":1,"b":2}]`));
    expect(columns.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('columns that differ in case alone are refused', async () => {
    await expect(openTable(db, await write('case.csv', 'T,t\n1,2\n'))).rejects.toThrow(
      /T and t, which differ in case/,
    );
    await expect(openTable(db, await write('case.json', '[{"T":1,"t":2}]'))).rejects.toThrow(
      /differ in case/,
    );
  });
});

describe('fingerprints', () => {
  test('are of the bytes; a gzipped file must be whole', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},${(i * 7919) % 104_729}`).join('\n');
    const whole = gzipSync(lines);
    expect(await sha256Of(await write('abc', 'abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(await sha256Of(await write('whole.gz', whole))).toMatch(/^[0-9a-f]{64}$/);
    // two members, as `cat a.gz b.gz` makes them
    await sha256Of(await write('two.gz', Buffer.concat([whole, whole])));
    for (const length of [20, whole.length >> 1, whole.length - 8, whole.length - 1]) {
      await expect(sha256Of(await write('cut.gz', whole.subarray(0, length)))).rejects.toThrow(
        /cut or damaged/,
      );
    }
    await expect(sha256Of(path.join(folder, 'nowhere'))).rejects.toThrow(/cannot be read/);
  });

  test('members of a gzipped file are all read', async () => {
    const file = await write('members.csv.gz', Buffer.concat([gzipSync('a,b\n1,2\n'), gzipSync('3,4\n')]));
    expect(await rowsOf(file)).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]);
  });
});
