import { describe, expect, test } from 'vitest';
import { VendorError } from '../darkpool_analysis/errors.js';
import { weeklyRow } from './support/fake_finra.js';
import {
  bench,
  bothCuts,
  current,
  everything,
  fetch,
  finra,
  status,
  useWeeklyBench,
  WEEK,
} from './support/weekly_bench.js';

useWeeklyBench();

describe('the service', () => {
  test('anonymous by default; a token when configured, renewed once on 401', async () => {
    finra.rows = bothCuts(['AAA']);
    await fetch();
    expect(finra.weeklyAsked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(finra.tokensGiven).toBe(0);
    bench.at('2025-08-06T12:00');
    finra.token = 'asked for';
    let expired = false;
    finra.intervene = () => {
      if (!expired && finra.weeklyAsked.length > 100) {
        expired = true;
        finra.token = 'another';
      }
      return false;
    };
    await fetch({ FINRA_API_KEY: 'id', FINRA_API_SECRET: 'hush' });
    expect(expired).toBe(true);
    expect(finra.tokensGiven).toBe(2);
    const asked = finra.asked.find(({ url }) => url.pathname === '/token');
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('id:hush').toString('base64')}`);
    expect(asked?.url.search).toBe('?grant_type=client_credentials');
  });

  test('a wrong key ends the weekly part; the secret is not told', async () => {
    finra.token = 'never';
    finra.intervene = ({ url }, response) => {
      if (url.pathname !== '/token') return false;
      response.writeHead(401).end('id:hush');
      return true;
    };
    const error = await fetch({ FINRA_API_KEY: 'id', FINRA_API_SECRET: 'hush' }).catch((caught) => caught);
    expect(error).toBeInstanceOf(VendorError);
    expect(error.message).toMatch(/check FINRA_API_KEY and FINRA_API_SECRET/);
    expect(error.message).not.toContain('hush');
    // Reg SHO is not lost by it.
    expect(await bench.db.rows('select count(*)::integer as n from finra_regsho_daily')).toEqual([{ n: 3 }]);
  });

  test('asks for a key when FINRA does, and there is none', async () => {
    finra.token = 'wanted';
    await expect(fetch()).rejects.toThrow(/set FINRA_API_KEY and FINRA_API_SECRET/);
  });

  test('429, 5xx, cut bodies and web pages for a while', async () => {
    finra.rows = bothCuts(['AAA', 'BBB']);
    finra.intervene = (_, response, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '3' }).end();
      else if (count === 2) response.writeHead(429).end();
      else if (count === 3) response.writeHead(502).end();
      else if (count === 4) response.end('<html>maintenance</html>');
      else if (count === 5) response.end('[{"issueSymbolIdentifier":"AAA","totalWee');
      else if (count === 6) {
        response.writeHead(200, { 'content-length': '5000' }).write('[');
        setTimeout(() => response.destroy(), 10);
      } else return false;
      return true;
    };
    await fetch();
    expect(await current('count(*)::integer as n')).toEqual([{ n: 4 }]);
    expect(bench.pauses).toContain(3000);
  });

  test.each([
    ['5xx', 503, 'down', /503/],
    ['web pages', 200, '<html>login</html>', /web page where rows should be/],
    ['403', 403, '{"message":"forbidden"}', /403/],
  ])('%s for ever is an error, with what was stored before whole', async (_, code, body, message) => {
    finra.rows = bothCuts(['AAA']);
    await fetch();
    const before = await everything();
    finra.intervene = (asked, response) => {
      if (!asked.url.pathname.startsWith('/weekly')) return false;
      response.writeHead(code).end(body);
      return true;
    };
    bench.at('2025-08-06T12:00');
    const error = await fetch().catch((caught) => caught);
    expect(error).toBeInstanceOf(VendorError);
    expect(error.message).toMatch(message);
    expect(await everything()).toEqual(before);
    expect(await status('T1 ATS_W_SMBL')).toBe('ok');
  });

  test('one week that fails does not lose the others', async () => {
    finra.rows = ['2025-07-07', WEEK].flatMap((week) =>
      ['ATS_W_SMBL', 'OTC_W_SMBL'].map((cut) =>
        weeklyRow({ week, cut, symbol: 'AAA', shares: 1, published: '2025-08-04' }),
      ),
    );
    finra.intervene = ({ json }, response) => {
      if (!JSON.stringify(json).includes('"2025-07-07"')) return false;
      response.writeHead(500).end();
      return true;
    };
    const { gaps } = await fetch();
    expect(gaps.find(({ period }) => period === '2025-07-07')?.reason).toMatch(/answered 500/);
    expect(await current('distinct week_start')).toEqual([{ week_start: WEEK }]);
    expect(await status('T1 ATS_W_SMBL', '2025-07-07')).toBe('error');
  });

  test('an address that ignores filters is found out', async () => {
    finra.intervene = (_, response) => {
      response.setHeader('Record-Total', '2');
      response.end(JSON.stringify(bothCuts(['AAA'])));
      return true;
    };
    await expect(fetch()).rejects.toThrow(/ignores filters/);
  });

  test('an address that ignores the offset is found out', async () => {
    finra.intervene = (_, response) => {
      response.end(JSON.stringify(bothCuts(['AAA'])));
      return true;
    };
    await expect(fetch()).rejects.toThrow(/ignores the offset/);
  });

  test('GET reads the data set once and takes what is asked for', async () => {
    finra.rows = [...bothCuts(['AAA', 'BBB']), weeklyRow({ week: '2020-01-06', symbol: 'OLD', shares: 1 })];
    finra.pageRows = 2;
    await fetch({ FINRA_REQUEST_METHOD: 'GET', FINRA_REQUEST_PARAMS: '{"fields":"all"}' });
    expect(await current('symbol, shares', 'all')).toEqual([
      { symbol: 'AAA', shares: 100 },
      { symbol: 'AAA', shares: 200 },
      { symbol: 'BBB', shares: 101 },
      { symbol: 'BBB', shares: 201 },
    ]);
    expect(finra.weeklyAsked.map(({ url }) => url.search)).toEqual([
      '?limit=5000&offset=0&fields=all',
      '?limit=5000&offset=2&fields=all',
      '?limit=5000&offset=4&fields=all',
    ]);
  });

  test('filters of the user are added, and make the week less than whole', async () => {
    finra.rows = bothCuts(['AAA', 'BBB']);
    const extra = {
      compareFilters: [{ compareType: 'EQUAL', fieldName: 'issueSymbolIdentifier', fieldValue: 'AAA' }],
    };
    await fetch({ FINRA_REQUEST_JSON: JSON.stringify(extra) });
    expect(await current('distinct symbol')).toEqual([{ symbol: 'AAA' }]);
    await fetch();
    expect(await current('distinct symbol')).toEqual([{ symbol: 'AAA' }, { symbol: 'BBB' }]);
  });
});
