import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context, FetchResult } from '../context.js';
import { literal } from '../db.js';
import { DataError } from '../errors.js';
import { ingestState, logIngest, sqlTime } from '../ingest_log.js';
import { canonicalSymbolSql } from '../symbols.js';
import { firstLine, listFiles, type OpenedTable, openTable, sha256Of } from '../tabular_file.js';

/**
 * Daily off-exchange totals from `TAPE_TOTALS_FILE` (`date,symbol,off_exchange_shares,off_exchange_trades`), for users
 * without tick data. Stored for every symbol of the file. A symbol that has no row on a day that the file covers
 * printed nothing then: 0. Where trades of a day are stored, they win.
 * @throws DataError naming file, column, symbol and day; nothing of the file is stored then.
 */
export async function fetchTapeTotals(ctx: Context): Promise<FetchResult> {
  const { config, db } = ctx;
  const state = await ingestState(db, 'tape_totals_daily');
  let stored = 0;
  for (const file of await listFiles('TAPE_TOTALS_FILE', config.TAPE_TOTALS_FILE ?? '')) {
    const name = path.basename(file.path);
    const sha256 = await sha256Of(file.path);
    if (state.get(`${name} file`)?.sha256 === sha256) continue;
    const table = await openTable(db, file.path);
    const column = (wanted: string) => columnOf(file.path, table.columns, wanted);
    const number = (sql: string) => `cast(nullif(trim(${sql}::varchar), '') as double)`;
    try {
      await db.run(`create or replace temp table staged_tape_totals as
        select ${canonicalSymbolSql(`${column('symbol')}::varchar`)} as symbol, cast(${column('date')} as date) as date,
          ${number(column('off_exchange_shares'))} as shares, ${number(column('off_exchange_trades'))} as trades
        from ${table.relation}`);
    } catch (error) {
      throw new DataError(`${file.path} cannot be read: ${firstLine(error)}. Nothing of it was stored.`, {
        cause: error,
      });
    }
    await check(ctx, file.path);
    stored += await db.transaction(async () => {
      await db.runFile('staging/tape_totals_store', {
        source: config.DATA_SOURCE === 'sample' ? 'sample' : name,
      });
      const row = await db.row<{ n: number }>('select count(*)::double as n from changed_tape_totals');
      await logIngest(db, {
        source: 'tape_totals_daily',
        period: name,
        subject: 'file',
        status: 'ok',
        rows: row?.n ?? 0,
        sha256,
        fetchedAt: sqlTime(ctx.clock.now()),
        message: null,
      });
      return row?.n ?? 0;
    });
    await db.run('drop table staged_tape_totals');
  }
  return { stored: { tape_totals_daily: stored }, gaps: [], notes: [] };
}

/**
 * The members of the index behind DIX, from `INDEX_MEMBERS_FILE` (`symbol[,weight]`); without the setting, none: the
 * watch list stands in.
 * @throws DataError naming the file and what is missing.
 */
export async function fetchIndexMembers(ctx: Context): Promise<FetchResult> {
  const { config, db } = ctx;
  const file = config.INDEX_MEMBERS_FILE;
  if (file === undefined) {
    // forgotten, or the same file set again would count as read
    await db.run("delete from index_members; delete from ingest_log where source = 'index_members'");
    return { stored: {}, gaps: [], notes: [] };
  }
  const name = path.basename(file);
  const sha256 = await sha256Of(file);
  const state = await ingestState(db, 'index_members');
  if (state.get(`${name} file`)?.sha256 === sha256) return { stored: {}, gaps: [], notes: [] };
  const table = await openMembers(ctx, file);
  const symbol = columnOf(file, table.columns, 'symbol');
  const weight = table.columns.find((column) => column.name.toLowerCase() === 'weight');
  await db.transaction(async () => {
    await db.run('delete from index_members');
    await db.run(
      `insert into index_members
       select ${canonicalSymbolSql(`${symbol}::varchar`)} as member,
         max(${weight === undefined ? 'null::double' : `try_cast("${weight.name}" as double)`}), ${literal(name)}
       from ${table.relation} where trim(${symbol}::varchar) <> '' group by member order by member`,
    );
    const row = await db.row<{ n: number }>('select count(*)::double as n from index_members');
    if ((row?.n ?? 0) === 0)
      throw new DataError(`${file} names no symbol: one a line under the header symbol.`);
    // other members, other DIX on every day
    await db.run(`delete from ingest_log where source = 'index_members'`);
    await logIngest(db, {
      source: 'index_members',
      period: name,
      subject: 'file',
      status: 'ok',
      rows: row?.n ?? 0,
      sha256,
      fetchedAt: sqlTime(ctx.clock.now()),
      message: null,
    });
    await db.run(`update short_pressure_daily set dix_universe = '' where dix_universe = $name`, { name });
  });
  return { stored: {}, gaps: [], notes: [] };
}

/** A list of symbols alone has one column, where `openTable` asks for two. */
async function openMembers(ctx: Context, file: string): Promise<OpenedTable> {
  const [header = ''] = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/, 1);
  if (!/^\s*"?symbol"?\s*$/i.test(header)) return openTable(ctx.db, file);
  return {
    relation: `read_csv(${literal(file)}, header = true, delim = ',', quote = '"', escape = '"', columns = {'symbol': 'VARCHAR'}, auto_detect = false, nullstr = '\\0')`,
    columns: [{ name: 'symbol', type: 'VARCHAR' }],
  };
}

function columnOf(file: string, columns: OpenedTable['columns'], wanted: string): string {
  const found = columns.find((column) => column.name.toLowerCase() === wanted);
  if (found === undefined) {
    throw new DataError(
      `${file} has no column ${wanted}; its columns are ${columns
        .map(({ name }) => name)
        .join(', ')
        .slice(0, 200)}.`,
    );
  }
  return `"${found.name}"`;
}

async function check(ctx: Context, file: string): Promise<void> {
  const bad = await ctx.db.row<{ symbol: string | null; date: string | null; what: string }>(
    `select symbol, date::varchar as date,
       case when symbol is null or symbol = '' or date is null then 'has no symbol or no date'
         when shares is null or shares < 0 then 'has no shares or negative ones'
         when trades < 0 then 'has negative trades'
         else 'stands twice' end as what
     from (select *, count(*) over (partition by symbol, date) as times from staged_tape_totals)
     where symbol is null or symbol = '' or date is null or shares is null or shares < 0 or trades < 0 or times > 1
     order by date, symbol limit 1`,
  );
  if (bad !== undefined) {
    throw new DataError(
      `${file}: the row of ${bad.symbol ?? 'no symbol'} on ${bad.date ?? 'no date'} ${bad.what}. Nothing of this file was stored.`,
    );
  }
}
