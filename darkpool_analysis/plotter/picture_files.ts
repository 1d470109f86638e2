import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const PICTURES = ['buy_ratio', 'weekly_volume'] as const;
export type PictureName = (typeof PICTURES)[number];

export interface PictureFiles {
  readonly spec: string;
  readonly svg: string;
  readonly png: string;
}

/**
 * A symbol as part of a file name, different for every symbol on every file system: `TpC` becomes `T_pC`, for where
 * case does not count it would be `TPC`'s file. Capitals, digits, `.` and `-` stay; a lower-case letter gets `_`
 * before it; anything else is `=` and the hexadecimal of its UTF-8 bytes.
 */
export function symbolFileName(symbol: string): string {
  const name = [...symbol]
    .map((character, i) => {
      if (/[A-Z0-9-]/.test(character) || (character === '.' && i > 0)) return character;
      if (/[a-z]/.test(character)) return `_${character}`;
      return [...Buffer.from(character)]
        .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
        .join('');
    })
    .join('');
  if (name.length <= 100) return name;
  // No real symbol is that long, but file systems end at 255 bytes and data may hold anything.
  return `${name.slice(0, 80)}==${createHash('sha256').update(symbol).digest('hex').slice(0, 16)}`;
}

/** Where the three files of a picture are. */
export function pictureFiles(outputDir: string, symbol: string, picture: PictureName): PictureFiles {
  const stem = path.join(outputDir, 'plots', `${symbolFileName(symbol)}_${picture}`);
  return { spec: `${stem}.vl.json`, svg: `${stem}.svg`, png: `${stem}.png` };
}

/** True when the picture on disk was made from exactly this specification. */
export async function isCurrent(files: PictureFiles, spec: string): Promise<boolean> {
  if (!existsSync(files.svg) || !existsSync(files.png)) return false;
  const stored = await readFile(files.spec, 'utf8').catch(() => undefined);
  return stored === spec;
}

/**
 * Writes the three files, each by a temporary name and a rename. The specification comes last: it is what says that
 * the other two are there and made from it, so a run that dies in between is simply made again.
 */
export async function writePicture(
  files: PictureFiles,
  content: { spec: string; svg: string; png: Uint8Array },
): Promise<void> {
  await mkdir(path.dirname(files.spec), { recursive: true });
  // An old specification must not vouch for a new SVG beside an old PNG.
  await rm(files.spec, { force: true });
  await writeByRename(files.svg, content.svg);
  await writeByRename(files.png, content.png);
  await writeByRename(files.spec, content.spec);
}

/** Removes a picture; true when there was one. */
export async function removePicture(files: PictureFiles): Promise<boolean> {
  const there = Object.values(files).filter((file) => existsSync(file));
  for (const file of there) await rm(file, { force: true });
  return there.length > 0;
}

async function writeByRename(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
