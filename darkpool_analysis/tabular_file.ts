import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
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
  const found = await stat(value).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw unreadable(`${setting}=${value}`, error);
  });
  if (found?.isDirectory() === true) {
    const names = await readdir(value).catch((error: unknown) => {
      throw unreadable(`${setting}=${value}`, error);
    });
    for (const name of names) {
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
      const shown = part.startsWith('.') ? names : names.filter((name) => !name.startsWith('.'));
      next.push(...shown.filter((name) => expression.test(name)).map((name) => path.join(folder, name)));
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

/**
 * Fingerprint of a file's bytes. A gzipped file is unpacked on the way: DuckDB reads a cut one without a word as far
 * as it goes, so it must be found out here, before the file counts as known.
 * @throws DataError when the file cannot be read, or is gzipped and cut or damaged.
 */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  const gzipped = isGzip(await readHead(file));
  async function* hashed() {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      yield chunk as Buffer;
    }
  }
  const toNowhere = async (chunks: AsyncIterable<Buffer>) => {
    for await (const _ of chunks);
  };
  try {
    if (gzipped) await pipeline(hashed, createGunzip({ chunkSize: 1 << 18 }), toNowhere);
    else await toNowhere(hashed());
  } catch (error) {
    if (!gzipped) throw unreadable(file, error);
    throw new DataError(
      `${file} is gzipped and cut or damaged (${messageOf(error)}): fetch it again. Nothing of it was stored.`,
      { cause: error },
    );
  }
  return hash.digest('hex');
}

const isGzip = (head: Buffer) => head[0] === 0x1f && head[1] === 0x8b;

function unreadable(what: string, error: unknown): DataError {
  return new DataError(`${what} cannot be read: ${messageOf(error)}`, { cause: error });
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
  const gzipped = isGzip(head);
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
  refuseTwins(file, names);
  const columns = names.map((name) => ({ name, type: 'VARCHAR' }));
  const columnList = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return {
    // nullstr far from any real value: tickers NA and NULL exist, and an empty field is told from a missing one later.
    relation: `read_csv(${literal(file)}, header = true, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columnList}}, auto_detect = false, compression = '${compression}', nullstr = '\\0', strict_mode = true)`,
    columns,
  };
}

/**
 * Bytes up to which a `{results}` or `{data}` file is read as the one object it is, which takes DuckDB several times
 * as much memory; of larger ones the array inside is first copied to a file of its own.
 */
const WRAPPED_IN_PLACE = 1024 * 1024;
/** Bytes of one row as JSON; a real one has a few hundred. */
const MOST_OBJECT_BYTES = 2 * 1024 * 1024;

async function openJson(sql: Sql, file: string, start: string, compression: string): Promise<OpenedTable> {
  const wrapper =
    /^\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\d.eE+-]+|true|false|null)\s*,\s*)*"(results|data)"\s*:\s*\[/.exec(
      start,
    );
  const inPlace =
    wrapper === null || (compression === 'uncompressed' && (await stat(file)).size <= WRAPPED_IN_PLACE);
  let source: { path: string; format: string; compression: string };
  let wrapped: string | undefined;
  if (wrapper === null) {
    source = { path: file, format: jsonFormat(start), compression };
  } else if (inPlace) {
    const whole = `read_json_objects(${literal(file)}, format = 'unstructured', maximum_object_size = ${WRAPPED_IN_PLACE + 1})`;
    wrapped = `(select unnest(from_json(json -> '${wrapper[1]}', '["json"]')) as json from ${whole})`;
    source = { path: file, format: 'unstructured', compression };
  } else {
    const array = await arrayOf(sql, file, Buffer.byteLength(wrapper[0]), compression === 'gzip');
    source = { path: array, format: 'array', compression: 'uncompressed' };
  }
  // DuckDB sets aside twice the largest object for every thread; its own 16 MB would take half of our memory.
  const options = `format = '${source.format}', compression = '${source.compression}', maximum_object_size = ${MOST_OBJECT_BYTES}`;
  const objects = wrapped ?? `(select json from read_json_objects(${literal(source.path)}, ${options}))`;
  let names: string[];
  try {
    // All rows: an optional field (a correction, a decimal size) may first occur late.
    const keys = await sql.rows<{ key: string }>(
      `select distinct unnest(keys) as key from (select distinct json_keys(json) as keys from ${objects}) order by key`,
    );
    names = keys.map(({ key }) => key);
  } catch (error) {
    throw new DataError(`${file} is not readable as JSON: ${firstLine(error)}`, { cause: error });
  }
  if (names.length === 0)
    throw new DataError(`${file} holds no JSON objects: it should be an array of rows.`);
  refuseTwins(file, names);
  const columns = names.map((name) => ({ name, type: 'VARCHAR' }));
  if (wrapped !== undefined) {
    const list = names
      .map((name) => `json ->> ${literal(name)} as "${name.replaceAll('"', '""')}"`)
      .join(', ');
    return { relation: `(select ${list} from ${wrapped})`, columns };
  }
  // Each object parsed once, where `json ->> name` would parse it for every column.
  const list = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return { relation: `read_json(${literal(source.path)}, columns = {${list}}, ${options})`, columns };
}

/** Told to DuckDB, whose own finding out (`auto`) takes hundreds of MB on a file of 50. */
function jsonFormat(start: string): 'array' | 'newline_delimited' | 'unstructured' {
  if (start.startsWith('[')) return 'array';
  try {
    JSON.parse(start.split('\n', 1)[0] ?? '');
    return 'newline_delimited';
  } catch {
    return 'unstructured';
  }
}

/** DuckDB does not tell columns by case. */
function refuseTwins(file: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new DataError(
        twin === name
          ? `${file} has the column ${name} twice.`
          : `${file} has columns ${twin} and ${name}, which differ in case alone: rename one of them.`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
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

/** Removes the copies that `openTable` made of large `{results}` and `{data}` files, once they have been read. */
export async function removeArrays(sql: Sql): Promise<void> {
  const folder = await temporaryFolder(sql);
  for (const name of await readdir(folder).catch(() => [])) {
    if (/^array-.*\.json(\.tmp)?$/.test(name)) await rm(path.join(folder, name), { force: true });
  }
}

async function temporaryFolder(sql: Sql): Promise<string> {
  const setting = await sql.row<{ folder: string }>("select current_setting('temp_directory') as folder");
  return setting?.folder ?? '.';
}

/** Copies the array inside a `{results}` or `{data}` file, from its `[` on, into DuckDB's temporary folder. */
async function arrayOf(sql: Sql, file: string, wrapperLength: number, gzipped: boolean): Promise<string> {
  const name = createHash('sha256').update(file).digest('hex').slice(0, 16);
  const target = path.join(await temporaryFolder(sql), `array-${name}.json`);
  async function* cut(chunks: AsyncIterable<Buffer>) {
    // What stands before the array is in the first pieces, what stands after it in the last: hold those back.
    let held: Buffer = Buffer.alloc(0);
    let begun = false;
    for await (const chunk of chunks) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      if (!begun) {
        const before = /^(?:\xef\xbb\xbf)?\s*/.exec(held.toString('latin1', 0, 4096))?.[0].length ?? 0;
        if (held.length < before + wrapperLength) continue;
        held = held.subarray(before + wrapperLength - 1);
        begun = true;
      }
      if (held.length > 65536) {
        yield held.subarray(0, -65536);
        held = held.subarray(-65536);
      }
    }
    // Cut in the middle: hand on what is there, and DuckDB says where it breaks off.
    yield held.subarray(0, endOfArray(held) ?? held.length);
  }
  try {
    const source = createReadStream(file, { highWaterMark: 1 << 20 });
    const output = createWriteStream(`${target}.tmp`);
    await (gzipped ? pipeline(source, createGunzip(), cut, output) : pipeline(source, cut, output));
    await rename(`${target}.tmp`, target);
  } catch (error) {
    throw unreadable(file, error);
  }
  return target;
}

/** Where the rows' array ends in the tail of a file: behind a row, with a rest that closes the object around it. */
function endOfArray(tail: Buffer): number | undefined {
  for (let at = tail.lastIndexOf(0x5d); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(0x5d, at - 1)) {
    if (!/[}[]\s*$/.test(tail.toString('latin1', Math.max(0, at - 64), at))) continue;
    try {
      JSON.parse(`{"rows":[]${tail.toString('utf8', at + 1)}`);
      return at + 1;
    } catch {
      // a bracket inside what follows the rows
    }
  }
  return undefined;
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
    throw unreadable(file, error);
  }
}

/** The first bytes of what is packed; by bytes, not lines, since a JSON file may be one line of a gigabyte. */
async function gunzippedHead(file: string): Promise<string> {
  const input = createReadStream(file);
  const gunzip = createGunzip();
  input.on('error', (error) => gunzip.destroy(error));
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of input.pipe(gunzip)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > 65536) break;
    }
  } catch (error) {
    throw new DataError(`${file} is not readable as gzip: ${messageOf(error)}`, { cause: error });
  } finally {
    input.destroy();
    gunzip.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}
