import path from 'node:path';
import type { Context, FetchResult } from '../context.js';
import type { SourceFile } from '../tabular_file.js';
import { fingerprintOfNew, rememberFile } from './known_files.js';
import { auditRegsho, REGSHO_SOURCE, regshoName, storeRegshoFile } from './regsho_daily.js';
import { makeMacros } from './weekly_staging.js';

const SETTING = 'FINRA_REGSHO_FILE';

/**
 * Reg SHO daily files from FINRA_REGSHO_FILE, all six families; family and date are taken from the name and the rows
 * checked against it. A file that has been read is skipped.
 * @throws DataError naming file and line; files before it are stored whole.
 */
export async function fetchRegshoFiles(ctx: Context, files: readonly SourceFile[]): Promise<FetchResult> {
  await makeMacros(ctx.db);
  const ignored: string[] = [];
  let stored = 0;
  const progress = ctx.log.progress('Reg SHO files', files.length);
  try {
    for (const file of files) {
      progress.advance();
      const named = regshoName(file.path);
      if (named === undefined) {
        ignored.push(path.basename(file.path));
        continue;
      }
      const sha256 = await fingerprintOfNew(ctx.db, SETTING, file, 'known under this name');
      if (sha256 === undefined) continue;
      const source = ctx.config.DATA_SOURCE === 'sample' ? 'sample' : path.basename(file.path);
      stored += await storeRegshoFile(
        ctx,
        { ...named, path: file.path, sha256, source, shownAs: file.path },
        (rows) =>
          rememberFile(ctx.db, SETTING, file, sha256, {
            rows,
            firstDate: named.date,
            lastDate: named.date,
          }),
      );
    }
  } finally {
    progress.done();
  }
  const notes = stored > 0 ? await auditRegsho(ctx) : [];
  for (const note of notes) ctx.log.warn(note);
  if (ignored.length > 0) {
    const shown = ignored.slice(0, 3).join(', ');
    notes.push(
      `${SETTING}: ${ignored.length} file${ignored.length === 1 ? '' : 's'} not named like CNMSshvol20250910.txt ignored (${shown}${ignored.length > 3 ? ', …' : ''})`,
    );
  }
  return { stored: { [REGSHO_SOURCE]: stored }, gaps: [], notes };
}
