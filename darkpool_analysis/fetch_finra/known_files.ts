import path from 'node:path';
import type { Sql } from '../db.js';
import { type SourceFile, sha256Of } from '../tabular_file.js';

/** What a file held: for source_files. */
export interface FileContents {
  readonly rows: number;
  readonly firstDate: string | null;
  readonly lastDate: string | null;
}

/**
 * The file's fingerprint, or undefined when what is in it has been read: same path, size and time of change, or else the
 * same bytes under any name, or under this file name where the name is part of the data. `setting` names the setting
 * and how it was read, so that other field names read anew.
 */
export async function fingerprintOfNew(
  sql: Sql,
  setting: string,
  file: SourceFile,
  sameBytesAre: 'known' | 'known under this name' = 'known',
): Promise<string | undefined> {
  const known = await sql.row(
    `select 1 from source_files
     where setting = $setting and path = $path and bytes = $bytes and modified_ns = $modified`,
    { setting, path: file.path, bytes: file.bytes, modified: file.modifiedNs },
  );
  if (known !== undefined) return undefined;
  const sha256 = await sha256Of(file.path);
  const same = await sql.row(
    `select 1 from source_files
     where setting = $setting and sha256 = $sha256 and ($anyName or parse_filename(path) = $name)`,
    { setting, sha256, anyName: sameBytesAre === 'known', name: path.basename(file.path) },
  );
  return same === undefined ? sha256 : undefined;
}

/** Remembers a file as read. Call in the transaction that stores its rows. */
export async function rememberFile(
  sql: Sql,
  setting: string,
  file: SourceFile,
  sha256: string,
  contents: FileContents,
): Promise<void> {
  await sql.run(
    `delete from source_files where setting = $setting and path = $path;
     insert into source_files
     values ($setting, $path, $bytes, $modified, $sha256, $firstDate::date, $lastDate::date, $rows)`,
    {
      setting,
      path: file.path,
      bytes: file.bytes,
      modified: file.modifiedNs,
      sha256,
      firstDate: contents.firstDate,
      lastDate: contents.lastDate,
      rows: contents.rows,
    },
  );
}
