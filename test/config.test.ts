import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, loadConfig, SETTING_NAMES } from '../darkpool_analysis/config.js';
import { ConfigError } from '../darkpool_analysis/errors.js';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'darkpool-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));
const load = (env: Record<string, string> = {}, flags: Record<string, string> = {}): Config =>
  loadConfig({ env, flags, cwd });

describe('precedence', () => {
  test('flags > environment > .env.local > .env > defaults', () => {
    expect(load().MIN_LIT_VOLUME).toBe(10_000);
    writeFileSync(path.join(cwd, '.env'), 'MIN_LIT_VOLUME=1\n');
    expect(load().MIN_LIT_VOLUME).toBe(1);
    writeFileSync(path.join(cwd, '.env.local'), 'MIN_LIT_VOLUME=2\n');
    expect(load().MIN_LIT_VOLUME).toBe(2);
    expect(load({ MIN_LIT_VOLUME: '3' }).MIN_LIT_VOLUME).toBe(3);
    expect(load({ MIN_LIT_VOLUME: '3' }, { MIN_LIT_VOLUME: '4' }).MIN_LIT_VOLUME).toBe(4);
  });

  test('an empty value takes a setting back', () => {
    writeFileSync(path.join(cwd, '.env.local'), 'POLYGON_TRADES_FILE=x.csv\n');
    expect(load({ POLYGON_TRADES_FILE: '' }).POLYGON_TRADES_FILE).toBeUndefined();
    expect(load({ POLYGON_TRADES_FILE: '' }).DATA_SOURCE).toBe('sample');
  });

  test('the shipped .env holds the defaults, and no secret', () => {
    const shipped = loadConfig({ env: {}, cwd: path.resolve(import.meta.dirname, '..') });
    const bare = load();
    for (const name of SETTING_NAMES) {
      if (name.endsWith('_DIR')) continue;
      expect(shipped[name as keyof Config], name).toEqual(bare[name as keyof Config]);
    }
    expect(shipped.secrets).toEqual([]);
  });
});

describe('wrong settings', () => {
  test.each([
    [
      'DATA_SOURCE',
      'demo',
      /DATA_SOURCE="demo" \(from the environment\) is wrong: it should be one of sample, files, live/,
    ],
    ['RUN_MODE', 'hourly', /one of daily, weekly/],
    ['TARGET_DATE', '2025-02-30', /YYYY-MM-DD/],
    ['TARGET_DATE', '18.07.2025', /YYYY-MM-DD/],
    ['RTH_START', '9:30', /HH:MM/],
    ['RTH_END', '09:00', /RTH_START=09:30 is not before RTH_END=09:00/],
    ['MARKET_TZ', 'Mars/Olympus', /time zone/],
    ['INFERENCE_VERSION', 'OptionB', /OptionB_v1, Tick_v1/],
    ['BACKFILL_WEEKS', '0', /at least 1/],
    ['BACKFILL_WEEKS', 'four', /a number/],
    ['QUOTE_LAG_NS', '-1', /at least 0/],
    ['SELL_THRESHOLD', '2', /not below BOT_THRESHOLD/],
    ['POLYGON_BASE_URL', 'api.polygon.io', /http/],
    ['POLYGON_REQUESTS_PER_MINUTE', '0', /at least 1/],
    ['FINRA_REQUEST_JSON', '[1]', /JSON object/],
    ['FINRA_API_KEY', 'k', /FINRA_API_SECRET is missing/],
    ['DUCKDB_MEMORY_LIMIT', 'lots', /amount of memory/],
    ['TICKERS', '', /^/],
    ['TICKERS', 'SPY,@none', /@none.*@mag7/],
    ['TICKERS', '../../etc', /is no ticker/],
    ['TICKERS', 'ALL,SPY', /ALL stands alone/],
    ['TICKERS', ' , ', /names no ticker/],
  ])('%s=%s names the setting, the value and what would be right', (name, value, message) => {
    if (value === '') return expect(load({ [name]: value }).TICKERS).toEqual(['TQQQ', 'SPY']);
    expect(() => load({ [name]: value })).toThrow(ConfigError);
    expect(() => load({ [name]: value })).toThrow(message);
  });

  test('every wrong setting at once, and never a secret’s value', () => {
    let said = '';
    try {
      load({ RUN_MODE: 'x', DATA_SOURCE: 'y', API_TOKEN: 'secret-token', POLYGON_API_KEY: 'secret-key' });
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said.split('\n')).toHaveLength(2);
    expect(said).not.toContain('secret');
  });

  test('a misspelt name in .env.local is pointed out', () => {
    writeFileSync(path.join(cwd, '.env.local'), 'POLYGON_APIKEY=abc\n');
    expect(load().notes.join()).toContain('did you mean POLYGON_API_KEY?');
  });
});

describe('tickers', () => {
  test('lists are opened, spellings made canonical, index roots set apart, case kept', () => {
    const config = load({ TICKERS: 'BRK/B, TpC,@indexes,SPY,spxw,KKR$D,OPFI.W' });
    expect(config.TICKERS).toEqual(['BRK.B', 'TpC', 'SPY', 'QQQ', 'IWM', 'DIA', 'KKRpD', 'OPFI.WS']);
    expect(config.skippedTickers.map(({ symbol }) => symbol)).toEqual(['spxw']);
  });

  test('a user’s own lists add to the shipped ones', () => {
    writeFileSync(path.join(cwd, 'watchlists.json'), '{"mine":["GME"],"mag7":["AAPL"]}');
    expect(load({ TICKERS: '@mine,@mag7' }).TICKERS).toEqual(['GME', 'AAPL']);
  });
});

test('a market file turns the sample into files, and says so', () => {
  const config = load({ FINRA_OTC_FILE: 'weeks.csv' });
  expect(config.DATA_SOURCE).toBe('files');
  expect(config.FINRA_OTC_FILE).toBe(path.join(cwd, 'weeks.csv'));
  expect(config.notes.join()).toContain('never mixed');
  expect(Object.isFrozen(config)).toBe(true);
});
