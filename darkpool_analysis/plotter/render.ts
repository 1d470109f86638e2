/**
 * Vega-Lite specification → SVG → PNG. Loads vega, vega-lite and resvg: import it only when something must be drawn.
 */
import { Resvg } from '@resvg/resvg-js';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { DataError } from '../errors.js';
import { fontFiles } from './inter.js';

/** Draws a specification. The bytes depend on it alone. `warn` hears what Vega-Lite has to say about it. */
export async function render(
  spec: string,
  warn: (message: string) => void = () => {},
): Promise<{ svg: string; png: Uint8Array }> {
  const logger: vega.LoggerInterface = {
    level: (() => logger) as vega.LoggerInterface['level'],
    error: (...messages: unknown[]) => said(messages),
    warn: (...messages: unknown[]) => said(messages),
    info: () => logger,
    debug: () => logger,
  };
  const said = (messages: readonly unknown[]) => {
    warn(messages.map(String).join(' '));
    return logger;
  };
  const compiled = compile(JSON.parse(spec) as TopLevelSpec, { logger }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logger });
  try {
    const svg = await view.toSVG();
    return { svg, png: toPng(svg) };
  } finally {
    view.finalize();
  }
}

function toPng(svg: string): Uint8Array {
  const image = new Resvg(svg, {
    // Without font files resvg draws no text and does not say so; system fonts would differ between machines.
    font: { loadSystemFonts: false, fontFiles: fontFiles(), defaultFontFamily: 'Inter' },
    fitTo: { mode: 'original' },
  }).render();
  if (image.width === 0 || image.height === 0) throw new DataError('A picture came out empty.');
  return image.asPng();
}
