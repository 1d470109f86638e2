import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { literal, type Sql } from './db.js';
import { ConfigError, DataError, messageOf } from './errors.js';

/** A file that a setting names. */
export interface SourceFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedNs: bigint;
}

/** A user's file, ready to be read by SQL. */
export interface OpenedTable {
  /** SQL to stand after FROM. */
  readonly relation: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

const DATA_FILE = /\.(csv|tsv|psv|txt|json|jsonl|ndjson|parquet)(\.gz)?$/i;

/**
 * The files that a setting names: one file, every data file directly in a folder, or a glob; sorted by path.
 * @throws ConfigError naming the setting and its value when there is none.
 */
export async function listFiles(setting: string, value: string): Promise<SourceFile[]> {
  const paths: string[] = [];
  const found = await stat(value).catch(() => undefined);
  if (found?.isDirectory() === true) {
    for (const name of await readdir(value)) {
      if (DATA_FILE.test(name) && !name.startsWith('.')) paths.push(path.join(value, name));
    }
    if (paths.length === 0) {
      throw new ConfigError(`${setting}=${value}: the folder holds no CSV, JSON or Parquet file.`);
    }
  } else if (found !== undefined) {
    paths.push(value);
  } else if (/[*?[{]/.test(value)) {
    paths.push(...(await matches(value)));
    if (paths.length === 0) throw new ConfigError(`${setting}=${value}: no file matches.`);
  } else {
    throw new ConfigError(`${setting}=${value}: there is no such file; give a file, a folder or a glob.`);
  }
  const files: SourceFile[] = [];
  for (const file of paths.sort()) {
    const info = await stat(file, { bigint: true });
    if (info.isFile()) files.push({ path: file, bytes: Number(info.size), modifiedNs: info.mtimeNs });
  }
  return files;
}

/** Shell-style matches of `*`, `?`, `[…]` and `{a,b}` in any part of the path (fs.glob is Node 22 and later). */
async function matches(pattern: string): Promise<string[]> {
  let found = [path.parse(path.resolve(pattern)).root];
  for (const part of path.resolve(pattern).split(path.sep).filter(Boolean)) {
    if (!/[*?[{]/.test(part)) {
      found = found.map((folder) => path.join(folder, part));
      continue;
    }
    const expression = new RegExp(`^${globPart(part)}$`);
    const next: string[] = [];
    for (const folder of found) {
      const names = await readdir(folder).catch(() => []);
      next.push(...names.filter((name) => expression.test(name)).map((name) => path.join(folder, name)));
    }
    found = next;
  }
  const existing: string[] = [];
  for (const file of found) if ((await stat(file).catch(() => undefined)) !== undefined) existing.push(file);
  return existing;
}

function globPart(part: string): string {
  return part
    .replace(/[.+^$()|\\]/g, '\\$&')
    .replace(/\{([^}]*)\}/g, (_, list: string) => `(${list.replaceAll(',', '|')})`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
}

/** Fingerprint of a file's bytes. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Opens a user's file of any form: CSV (comma, pipe, tab or semicolon), JSON (array, `{data}`, `{results}`, one
 * object a line) or Parquet, each but Parquet also gzipped. What a file is, its first bytes say, not its name.
 * Columns of CSV and JSON are all VARCHAR: nothing is sniffed, so `NA` stays a ticker and a stamp keeps its digits.
 * @throws DataError naming the file when it cannot be read, is empty or has no header.
 */
export async function openTable(sql: Sql, file: string): Promise<OpenedTable> {
  const head = await readHead(file);
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') {
    const relation = `read_parquet(${literal(file)})`;
    return { relation, columns: await describe(sql, file, relation) };
  }
  const gzipped = head[0] === 0x1f && head[1] === 0x8b;
  const text = gzipped ? await gunzippedHead(file) : head.toString('utf8');
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (start === '') throw new DataError(`${file} is empty: it should hold a header and rows.`);
  if (/^<(!doctype|html|\?xml)/i.test(start)) {
    throw new DataError(
      `${file} is a web page or XML (an error page saved as data?): it should be CSV, JSON or Parquet.`,
    );
  }
  const compression = gzipped ? 'gzip' : 'uncompressed';
  return start.startsWith('[') || start.startsWith('{')
    ? openJson(sql, file, start, compression)
    : openCsv(file, start, compression);
}

function openCsv(file: string, start: string, compression: string): OpenedTable {
  const header = (start.split(/\r?\n/, 1)[0] ?? '').replace(/\r$/, '');
  const delimiter = [',', '|', '\t', ';']
    .map((mark) => ({ mark, count: header.split(mark).length }))
    .reduce((best, next) => (next.count > best.count ? next : best)).mark;
  const names = header.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  if (names.length < 2 || names.some((name) => name === '' || /^[\d.-]+$/.test(name))) {
    throw new DataError(
      `${file} has no header: its first line is ${JSON.stringify(header.slice(0, 80))}, where column names separated by "," "|" ";" or tab should stand.`,
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new DataError(`${file} has the column ${twice} twice.`);
  const columns = names.map((name) => ({ name, type: 'VARCHAR' }));
  const columnList = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return {
    // nullstr far from any real value: tickers NA and NULL exist, and an empty field is told from a missing one later.
    relation: `read_csv(${literal(file)}, header = true, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columnList}}, auto_detect = false, compression = '${compression}', nullstr = '\\0', strict_mode = true)`,
    columns,
  };
}

async function openJson(sql: Sql, file: string, start: string, compression: string): Promise<OpenedTable> {
  const wrapper =
    /^\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\d.eE+-]+|true|false|null)\s*,\s*)*"(results|data)"\s*:\s*\[/.exec(
      start,
    )?.[1];
  const source = `read_json_objects(${literal(file)}, format = '${wrapper === undefined ? 'auto' : 'unstructured'}', maximum_object_size = 1073741824, compression = '${compression}')`;
  const objects =
    wrapper === undefined
      ? `(select json from ${source})`
      : `(select unnest(from_json(json -> '${wrapper}', '["json"]')) as json from ${source})`;
  let keys: { key: string }[];
  try {
    // Optional fields may be absent from the first rows, so look at more than one.
    keys = await sql.rows<{ key: string }>(
      `select distinct unnest(json_keys(json)) as key from (select json from ${objects} limit 20000) order by key`,
    );
  } catch (error) {
    throw new DataError(`${file} is not readable as JSON: ${firstLine(error)}`, { cause: error });
  }
  if (keys.length === 0) throw new DataError(`${file} holds no JSON objects: it should be an array of rows.`);
  const list = keys.map(({ key }) => `json ->> ${literal(key)} as "${key.replaceAll('"', '""')}"`).join(', ');
  return {
    relation: `(select ${list} from ${objects})`,
    columns: keys.map(({ key }) => ({ name: key, type: 'VARCHAR' })),
  };
}

async function describe(sql: Sql, file: string, relation: string) {
  try {
    const rows = await sql.rows<{ column_name: string; column_type: string }>(
      `describe select * from ${relation}`,
    );
    return rows.map((row) => ({ name: row.column_name, type: row.column_type }));
  } catch (error) {
    throw new DataError(`${file} is not readable as Parquet: ${firstLine(error)}`, { cause: error });
  }
}

/** The first line of what an engine says: the rest is its own hints, not the user's concern. */
export function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

async function readHead(file: string): Promise<Buffer> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(65536), 0, 65536, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

async function gunzippedHead(file: string): Promise<string> {
  const input = createReadStream(file);
  const gunzip = createGunzip();
  input.on('error', (error) => gunzip.destroy(error));
  const lines = createInterface({ input: input.pipe(gunzip) });
  let text = '';
  try {
    for await (const line of lines) {
      text += `${line}\n`;
      if (text.length > 16384) break;
    }
  } catch (error) {
    throw new DataError(`${file} is not readable as gzip: ${messageOf(error)}`, { cause: error });
  } finally {
    lines.close();
    input.destroy();
    gunzip.destroy();
  }
  return text;
}
