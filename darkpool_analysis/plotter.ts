/**
 * The plotting step: two pictures of every ticker, each as Vega-Lite specification, SVG and PNG in `output/plots/`.
 * A picture is drawn again only when its specification, data included, has changed.
 */
import type { Context } from './context.js';
import { buyRatioSpec } from './plotter/buy_ratio.js';
import type { RatioDay, RatioWeek } from './plotter/buy_ratio_plot.js';
import {
  isCurrent,
  PICTURES,
  type PictureName,
  pictureFiles,
  removePicture,
  writePicture,
} from './plotter/picture_files.js';
import { weeklyVolumeSpec } from './plotter/weekly_volume.js';
import type { VolumeWeek } from './plotter/weekly_volume_plot.js';

export { PICTURES, type PictureName, pictureFiles, symbolFileName } from './plotter/picture_files.js';

export interface PlotResult {
  /** Absolute paths of the files written. */
  readonly written: string[];
  /** Files that were already right. */
  readonly unchanged: number;
  /** A line for every picture that could not be made for want of data. */
  readonly notes: string[];
}

/**
 * Draws the buy ratio and the weekly volume of each ticker from the summaries. A ticker without data for a picture
 * gets none, but a note; one left from earlier data is removed, for it would show what the database no longer holds.
 * @throws whatever keeps a file from being written; files written before stay whole.
 */
export async function plot(ctx: Context, what: { tickers: readonly string[] }): Promise<PlotResult> {
  const written: string[] = [];
  const notes: string[] = [];
  let unchanged = 0;
  const origin = await ctx.db.row<{ value: string }>("select value from pipeline_state where key = 'origin'");
  const simulated = origin?.value === 'sample';
  const tickers = [...new Set(what.tickers)];
  const progress = ctx.log.progress('pictures', tickers.length * PICTURES.length);
  for (const symbol of tickers) {
    const { name } = (await ctx.db.rowsOfFile<{ name: string | null }>('plots/ticker', { symbol }))[0] ?? {
      name: null,
    };
    for (const picture of PICTURES) {
      const files = pictureFiles(ctx.config.OUTPUT_DIR, symbol, picture);
      const spec = await SPECS[picture](ctx, { symbol, name, simulated });
      if (spec === undefined) {
        const removed = await removePicture(files);
        notes.push(
          `${symbol}: no ${picture.replace('_', ' ')} picture, the database has no ${picture === 'buy_ratio' ? 'buy ratio' : 'FINRA week'} for it${removed ? '; the old one is removed' : ''}`,
        );
      } else if (await isCurrent(files, spec)) {
        unchanged += 3;
      } else {
        // Vega and resvg take longer to load than everything else here: a run with nothing to draw does not.
        const { render } = await import('./plotter/render.js');
        const { svg, png } = await render(spec, (message) =>
          ctx.log.warn(`${symbol} ${picture}: ${message}`, { symbol, picture }),
        );
        await writePicture(files, { spec, svg, png });
        written.push(files.spec, files.svg, files.png);
      }
      progress.advance();
    }
  }
  progress.done();
  return { written, unchanged, notes };
}

interface Ticker {
  readonly symbol: string;
  readonly name: string | null;
  readonly simulated: boolean;
}

const SPECS: Record<PictureName, (ctx: Context, ticker: Ticker) => Promise<string | undefined>> = {
  async buy_ratio({ db, config }, ticker) {
    const { symbol } = ticker;
    return buyRatioSpec({
      ...ticker,
      days: await db.rowsOfFile<RatioDay>('plots/buy_ratio_days', { symbol }),
      weeks: await db.rowsOfFile<RatioWeek>('plots/buy_ratio_weeks', { symbol }),
      botThreshold: config.BOT_THRESHOLD,
      sellThreshold: config.SELL_THRESHOLD,
    });
  },
  async weekly_volume({ db }, ticker) {
    const { symbol } = ticker;
    return weeklyVolumeSpec({
      ...ticker,
      weeks: await db.rowsOfFile<VolumeWeek>('plots/weekly_volume', { symbol }),
    });
  },
};
