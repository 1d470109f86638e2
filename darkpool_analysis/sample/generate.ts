import { promisify } from 'node:util';
import { gzip as gzipCallback, constants as zlib } from 'node:zlib';
import { sessionsBetween } from '../market_calendar.js';
import { dailyPaths } from './daily_path.js';
import { DayFiles } from './day_files.js';
import { barsText, type DayTotals, regshoText, totalsOf } from './day_totals.js';
import { FILLERS } from './fillers.js';
import { finraWeeklyText } from './finra_weekly.js';
import { FIRST_DATE, INSTRUMENTS, LAST_DATE, OUTAGE } from './instruments.js';
import { SampleWriter, SEED } from './manifest.js';
import { simulateDay } from './simulate_day.js';

const gzip = promisify(gzipCallback);
// Level 1: a third of level 6's time for a fifth more bytes. Compression runs beside the simulation, on zlib's threads.
const compress = (text: Buffer) => gzip(text, { level: zlib.Z_BEST_SPEED, chunkSize: 2 ** 20 });
const DAY_FOLDERS = ['trades', 'quotes', 'regsho'];

/** Sessions simulated ahead of the disk: bounds the memory. */
const IN_FLIGHT = 2;

/** Writes the whole sample into `dir`. */
export async function generateSample(dir: string): Promise<void> {
  const writer = await SampleWriter.open(dir, DAY_FOLDERS);
  const sessions = sessionsBetween(FIRST_DATE, LAST_DATE);
  const paths = INSTRUMENTS.map((instrument) => dailyPaths(SEED, instrument, sessions));
  const texts = new DayFiles();
  const totals: DayTotals[] = [];
  const truth: Buffer[] = [];
  const writing: Promise<void>[] = [];

  for (const [index, session] of sessions.entries()) {
    const days = INSTRUMENTS.map((instrument, i) => {
      const path = paths[i]?.[index];
      if (path === undefined) throw new Error(`no path for ${instrument.symbol} on ${session.date}`);
      return simulateDay(SEED, instrument, path);
    });
    const totalsOfDay = days.map((day) => totalsOf(day, session));
    totals.push(...totalsOfDay);
    const stamp = session.date.replaceAll('-', '');
    await writer.write(`regsho/CNMSshvol${stamp}.txt`, regshoText(totalsOfDay, regshoSymbol));
    // No OTC equity is simulated: the empty day as FINRA writes it.
    await writer.write(`regsho/FORFshvol${stamp}.txt`, regshoText([], regshoSymbol));

    const delivered = days.filter(
      ({ instrument }) => instrument.symbol !== OUTAGE.symbol || session.date !== OUTAGE.date,
    );
    const files = texts.write(session, delivered);
    truth.push(files.truth);
    if (writing.length >= IN_FLIGHT) await writing.shift();
    const written = writeDay(writer, session.date, files.trades, files.quotes);
    // Awaited later: a failure meanwhile is not an unhandled one.
    written.catch(() => {});
    writing.push(written);
  }
  await Promise.all(writing);

  const weeks = [...new Set(sessions.map(({ weekStart }) => weekStart))];
  await writer.write('truth.csv.gz', await compress(Buffer.concat(truth)));
  await writer.write('bars.csv', barsText(totals));
  await writer.write('finra_weekly.csv', finraWeeklyText(SEED, weeks, totals));
  await writer.write('sectors.csv', sectorsText());
  await writer.write('reference.csv', referenceText());
  await writer.close(DAY_FOLDERS);
}

async function writeDay(writer: SampleWriter, date: string, trades: Buffer, quotes: Buffer): Promise<void> {
  const [tradesGz, quotesGz] = await Promise.all([compress(trades), compress(quotes)]);
  await writer.write(`trades/${date}.csv.gz`, tradesGz);
  await writer.write(`quotes/${date}.csv.gz`, quotesGz);
}

function regshoSymbol(symbol: string): string {
  return INSTRUMENTS.find((instrument) => instrument.symbol === symbol)?.regshoSymbol ?? symbol;
}

function sectorsText(): string {
  const rows = [...INSTRUMENTS, ...FILLERS].map(({ symbol, sector }) => `${symbol},${sector}\n`);
  return `symbol,sector\n${rows.join('')}`;
}

/** Market capitalisations are the real size, unlike the volumes. */
function referenceText(): string {
  const rows = INSTRUMENTS.map(
    ({ symbol, name, type, sector, sicCode, marketCap }) =>
      `${symbol},${name},${type},${sector},${sicCode},${marketCap}\n`,
  );
  return `symbol,name,type,sector,sic_code,market_cap\n${rows.join('')}`;
}
