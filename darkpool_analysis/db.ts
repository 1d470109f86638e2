import { copyFileSync, existsSync, constants as fsConstants, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api';
import { PACKAGE_ROOT } from './config.js';
import { DataError, LockedError, messageOf } from './errors.js';

const SQL_ROOT = path.join(PACKAGE_ROOT, 'darkpool_analysis', 'sql');

/** A value for a `$name` in SQL. Whole numbers bind as INTEGER or BIGINT, arrays as lists of text. */
export type SqlParam = string | number | bigint | boolean | null | readonly string[];
export type SqlParams = Readonly<Record<string, SqlParam>>;

/** A query that failed: keeps the SQL (and its file) and the engine's error. */
export class SqlError extends Error {
  declare readonly sql: string;
  constructor(sql: string, cause: unknown, file?: string) {
    super(`${file === undefined ? '' : `${file}: `}${messageOf(cause)}`, { cause });
    this.name = 'SqlError';
    // Not enumerable: a schema's whole text under every stack trace helps nobody.
    Object.defineProperty(this, 'sql', { value: sql, enumerable: false });
  }
}

/**
 * One connection to a DuckDB file. Temporary tables and views belong to it, so a step that uses them keeps to one.
 * Rows come back as JSON values: DOUBLE and INTEGER are numbers, BIGINT and DECIMAL strings, DATE `YYYY-MM-DD`.
 */
export class Sql {
  readonly #connection: DuckDBConnection;
  #inTransaction = false;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Runs one or more statements; each gets those of `params` that it names. Returns the last one's changed rows. */
  async run(sql: string, params: SqlParams = {}, file?: string): Promise<number> {
    return (await this.#execute(sql, params, file)).rowsChanged;
  }

  /** The rows of the last statement. For results a person or a decision reads, not for bulk. */
  async rows<T = Record<string, unknown>>(sql: string, params: SqlParams = {}, file?: string): Promise<T[]> {
    const result = await this.#execute(sql, params, file);
    return (await result.getRowObjectsJson()) as T[];
  }

  /** The first row, or undefined. */
  async row<T = Record<string, unknown>>(sql: string, params: SqlParams = {}): Promise<T | undefined> {
    return (await this.rows<T>(sql, params))[0];
  }

  /** Runs `sql/<name>.sql`. */
  async runFile(name: string, params: SqlParams = {}): Promise<number> {
    return this.run(sqlText(name), params, `sql/${name}.sql`);
  }

  /** Runs `sql/<name>.sql` and returns its last statement's rows. */
  async rowsOfFile<T = Record<string, unknown>>(name: string, params: SqlParams = {}): Promise<T[]> {
    return this.rows<T>(sqlText(name), params, `sql/${name}.sql`);
  }

  /** All of `work` or nothing of it. A transaction inside a transaction is part of the outer one. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inTransaction) return work();
    await this.run('begin transaction');
    this.#inTransaction = true;
    try {
      const result = await work();
      await this.run('commit');
      return result;
    } catch (error) {
      // A failed commit has already ended the transaction; its own error is the one to tell.
      await this.run('rollback').catch(() => {});
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  close(): void {
    this.#connection.closeSync();
  }

  async #execute(sql: string, params: SqlParams, file?: string) {
    try {
      const statements = await this.#connection.extractStatements(sql);
      let result: Awaited<ReturnType<DuckDBConnection['run']>> | undefined;
      for (let i = 0; i < statements.count; i++) {
        const statement = await statements.prepare(i);
        try {
          const values: Record<string, DuckDBValue> = {};
          const types: Record<string, DuckDBType> = {};
          for (let p = 1; p <= statement.parameterCount; p++) {
            const name = statement.parameterName(p);
            const value = params[name];
            if (value === undefined) throw new Error(`no value is given for $${name}`);
            [values[name], types[name]] = bindable(value);
          }
          if (statement.parameterCount > 0) statement.bind(values, types);
          result = await statement.run();
        } finally {
          statement.destroySync();
        }
      }
      if (result === undefined) throw new Error('no statement to run');
      return result;
    } catch (error) {
      throw new SqlError(sql, error, file);
    }
  }
}

function bindable(value: SqlParam): [DuckDBValue, DuckDBType] {
  if (value === null) return [null, VARCHAR];
  if (typeof value === 'string') return [value, VARCHAR];
  if (typeof value === 'boolean') return [value, BOOLEAN];
  if (typeof value === 'bigint') return [value, BIGINT];
  if (typeof value === 'number') {
    return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? [value, INTEGER] : [value, DOUBLE];
  }
  return [listValue([...value]), LIST(VARCHAR)];
}

const sqlTexts = new Map<string, string>();

/** The text of `sql/<name>.sql`. */
export function sqlText(name: string): string {
  let text = sqlTexts.get(name);
  if (text === undefined) {
    text = readFileSync(path.join(SQL_ROOT, `${name}.sql`), 'utf8');
    sqlTexts.set(name, text);
  }
  return text;
}

/** Names (for `runFile`) of the SQL files in a folder of `sql/`, in order. */
export function sqlFilesIn(folder: string): string[] {
  return readdirSync(path.join(SQL_ROOT, folder))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => `${folder}/${name.slice(0, -'.sql'.length)}`);
}

/** SQL text literal, for the few places that take no parameter (file names in COPY and ATTACH). */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Where the files are. */
export function databasePaths(dataDir: string) {
  const work = path.join(dataDir, 'work');
  return {
    work,
    writer: path.join(work, 'darkpool.duckdb'),
    lock: path.join(work, 'run.lock.duckdb'),
    temp: path.join(work, 'tmp'),
    staging: path.join(work, 'staging'),
    published: path.join(dataDir, 'published'),
    current: path.join(dataDir, 'darkpool.duckdb'),
  };
}
export type DatabasePaths = ReturnType<typeof databasePaths>;

export interface DatabaseOptions {
  readonly dataDir: string;
  /** DuckDB's own limit; the process needs about 120 MB beside it. */
  readonly memoryLimit?: string;
  readonly threads?: number;
  /** Asked of the stored database before anything else: true throws it away, to be made anew. */
  readonly forget?: (stored: Sql) => Promise<boolean>;
}

// v1.4.0 storage: readable by every DuckDB from 1.4 on, and it notices a stale WAL beside a renamed file.
const STORAGE = 'v1.4.0';
/** More threads need more memory for the same work, and the limit is the tighter of the two. */
const THREADS = Math.min(availableParallelism(), 4);
/** Two read-write instances on one path in one process are allowed by DuckDB and lose rows: never here. */
const heldPaths = new Set<string>();

/**
 * The one writer. Holds the run lock, a small DuckDB file of its own, from `open` to `close`: the kernel frees that
 * lock when the process dies, however it dies, so there is no stale lock to heal; and it stays held while `publish`
 * has the database itself closed.
 */
export class Database extends Sql {
  readonly paths: DatabasePaths;
  /** Threads DuckDB may use. */
  readonly threads: number;
  readonly #lock: { release(): void };
  #instance: DuckDBInstance;

  private constructor(
    paths: DatabasePaths,
    threads: number,
    lock: { release(): void },
    instance: DuckDBInstance,
    connection: DuckDBConnection,
  ) {
    super(connection);
    this.paths = paths;
    this.threads = threads;
    this.#lock = lock;
    this.#instance = instance;
  }

  /**
   * Opens the writer's database, made and migrated where needed.
   * @throws LockedError (exit 75) with the holder's PID when another run holds it.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const paths = databasePaths(options.dataDir);
    await mkdir(paths.temp, { recursive: true });
    await mkdir(paths.staging, { recursive: true });
    await mkdir(paths.published, { recursive: true });
    const lock = await acquireRunLock(paths.lock);
    try {
      // What a run that died left behind; only the holder of the lock may.
      await rm(paths.temp, { recursive: true, force: true });
      await mkdir(paths.temp, { recursive: true });
      let instance = await createInstance(paths, options);
      if (options.forget !== undefined && (await isForgotten(instance, options.forget))) {
        instance.closeSync();
        await rm(paths.writer, { force: true });
        await rm(`${paths.writer}.wal`, { force: true });
        instance = await createInstance(paths, options);
      }
      const database = new Database(
        paths,
        options.threads ?? THREADS,
        lock,
        instance,
        await connectUtc(instance),
      );
      await migrate(database);
      return database;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A second connection to the same database, for work side by side. Close it. */
  async connect(): Promise<Sql> {
    return new Sql(await connectUtc(this.#instance));
  }

  /** Ends the writer and frees the run lock. */
  override close(): void {
    super.close();
    this.#instance.closeSync();
    this.#lock.release();
  }

  /**
   * Publishes what is stored and ends the writer: readers of the version before keep it whole, new ones open this.
   * Order as measured in STYLE.md. The run lock is held throughout; it is freed at the end, like in `close`.
   * @returns the published file's path.
   */
  async publish(version: string): Promise<string> {
    const { writer, published, current } = this.paths;
    try {
      await this.run('checkpoint');
      super.close();
      // Opening the file with fs while DuckDB holds it would drop its lock: close first, copy then.
      this.#instance.closeSync();
      if (existsSync(`${writer}.wal`)) {
        throw new DataError(`${writer}.wal is still there after a checkpoint: not publishing.`);
      }
      const name = `darkpool-${version}.duckdb`;
      const target = path.join(published, name);
      const temporary = `${target}.tmp`;
      // A copy-on-write clone where the file system has it, else a plain copy.
      copyFileSync(writer, temporary, fsConstants.COPYFILE_FICLONE);
      await openable(temporary);
      const handle = await open(temporary, 'r+');
      await handle.sync();
      await handle.close();
      await chmod(temporary, 0o444);
      await rename(temporary, target);
      const link = `${current}.new`;
      await rm(link, { force: true });
      await symlink(path.join('published', name), link);
      await rename(link, current);
      await this.#keepLastTwo(name);
      return target;
    } finally {
      this.#lock.release();
    }
  }

  async #keepLastTwo(newest: string): Promise<void> {
    const { published } = this.paths;
    const names = (await readdir(published)).sort();
    const versions = names.filter((name) => name.endsWith('.duckdb') && name !== newest);
    const old = [...versions.slice(0, -1), ...names.filter((name) => name.endsWith('.tmp'))];
    for (const name of old) await rm(path.join(published, name), { force: true });
  }
}

async function isForgotten(
  instance: DuckDBInstance,
  forget: (stored: Sql) => Promise<boolean>,
): Promise<boolean> {
  const stored = new Sql(await connectUtc(instance));
  try {
    const tables = await stored.rows("select 1 from duckdb_tables() where table_name = 'pipeline_state'");
    return tables.length > 0 && (await forget(stored));
  } finally {
    stored.close();
  }
}

async function createInstance(paths: DatabasePaths, options: DatabaseOptions): Promise<DuckDBInstance> {
  return DuckDBInstance.create(paths.writer, {
    storage_compatibility_version: STORAGE,
    temp_directory: paths.temp,
    memory_limit: options.memoryLimit ?? '176MB',
    threads: String(options.threads ?? THREADS),
  });
}

/** Times are UTC whatever the machine's zone: a session's zone would shift every `now()` and cast from text. */
async function connectUtc(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  // Where DuckDB expects few rows on the left it turns an as-of join into a nested loop, and it guesses badly after a
  // filter: 41 s instead of 0.1 s on a day of 17,000 trades and 63,000 quotes.
  await connection.run('set asof_loop_join_threshold = 0');
  return connection;
}

async function acquireRunLock(lockPath: string): Promise<{ release(): void }> {
  if (heldPaths.has(lockPath)) {
    throw new LockedError(`This process (PID ${process.pid}) already holds ${lockPath}.`, process.pid);
  }
  let instance: DuckDBInstance;
  try {
    instance = await DuckDBInstance.create(lockPath, { storage_compatibility_version: STORAGE });
  } catch (error) {
    const pid = /PID (\d+)/.exec(messageOf(error))?.[1];
    if (!/lock/i.test(messageOf(error))) throw error;
    throw new LockedError(
      `Another run${pid === undefined ? '' : ` (PID ${pid})`} holds ${path.dirname(lockPath)}. Wait for it to end, or stop it; readers of the published file are not concerned.`,
      pid === undefined ? undefined : Number(pid),
      error,
    );
  }
  heldPaths.add(lockPath);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      instance.closeSync();
      heldPaths.delete(lockPath);
    },
  };
}

async function openable(file: string): Promise<void> {
  const reader = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  try {
    const connection = await reader.connect();
    await connection.run('select count(*) from pipeline_runs');
    connection.closeSync();
  } finally {
    reader.closeSync();
  }
}

/** Applies the numbered migrations that the file does not have yet, each in a transaction. */
async function migrate(db: Database): Promise<void> {
  await db.run(
    'create table if not exists schema_migrations (name varchar primary key, applied_at timestamp)',
  );
  const applied = new Set(
    (await db.rows<{ name: string }>('select name from schema_migrations')).map(({ name }) => name),
  );
  for (const file of sqlFilesIn('schema')) {
    const name = path.basename(file);
    if (applied.has(name)) continue;
    await db.transaction(async () => {
      await db.runFile(file);
      await db.run('insert into schema_migrations values ($name, now()::timestamp)', { name });
    });
  }
}

/** A published database opened read-only, and the version it shows. */
export class PublishedDatabase extends Sql {
  readonly file: string;
  readonly #instance: DuckDBInstance;

  private constructor(file: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    super(connection);
    this.file = file;
    this.#instance = instance;
  }

  /**
   * Opens the newest published version, never blocking and never blocked by a run.
   * @throws DataError when nothing has been published yet.
   */
  static async open(dataDir: string, options: { threads?: number } = {}): Promise<PublishedDatabase> {
    const { current } = databasePaths(dataDir);
    // A publish between reading the link and opening can remove a version two publishes old: read the link again.
    for (let attempt = 0; ; attempt++) {
      const target = await readlink(current).catch(() => undefined);
      if (target === undefined) {
        throw new DataError(`${current} is not there yet: run \`darkpool run\` (or npm start) first.`);
      }
      const file = path.resolve(path.dirname(current), target);
      try {
        const instance = await DuckDBInstance.create(file, {
          access_mode: 'READ_ONLY',
          ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
        });
        return new PublishedDatabase(file, instance, await connectUtc(instance));
      } catch (error) {
        if (attempt < 3 && !existsSync(file)) continue;
        throw error;
      }
    }
  }

  override close(): void {
    super.close();
    this.#instance.closeSync();
  }
}
