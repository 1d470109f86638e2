import type { PolygonService } from './polygon_service.js';

/** The small calls, by the vendor's client package: it knows the addresses, our service does the asking. */
export interface PolygonClient {
  /** Raw text of the answer: bars of a day each, `t` in ms, oldest first. */
  dailyBars(symbol: string, from: string, to: string, adjusted: boolean): Promise<string>;
  /** Raw text of the answer: unadjusted bars of the minutes from `fromMs` to `toMs`, `t` in ms, oldest first. */
  minuteBars(symbol: string, fromMs: bigint, toMs: bigint): Promise<string>;
  /** Raw text of a ticker's details, `{"status":"NOT_FOUND"}` when Polygon does not know it. */
  ticker(symbol: string): Promise<string>;
}

/**
 * The client package over our transport. Left to itself it puts the key into the URL, never retries, never waits and
 * keeps no rate; given no key and an axios of ours, it only builds the requests.
 */
export async function createPolygonClient(service: PolygonService, baseUrl: string): Promise<PolygonClient> {
  const { Configuration, DefaultApi, GetStocksAggregatesSortEnum, GetStocksAggregatesTimespanEnum } =
    await import('@polygon.io/client-js');
  const transport = {
    defaults: {},
    request: ({ url }: { url: string }) => service.text(service.address(url)),
  };
  const api = new DefaultApi(
    new Configuration({ basePath: baseUrl }),
    baseUrl,
    transport as unknown as ConstructorParameters<typeof DefaultApi>[2],
  );
  return {
    dailyBars: async (symbol, from, to, adjusted) =>
      (await api.getStocksAggregates(
        symbol,
        1,
        GetStocksAggregatesTimespanEnum.Day,
        from,
        to,
        adjusted,
        GetStocksAggregatesSortEnum.Asc,
        50000,
      )) as unknown as string,
    minuteBars: async (symbol, fromMs, toMs) =>
      (await api.getStocksAggregates(
        symbol,
        1,
        GetStocksAggregatesTimespanEnum.Minute,
        String(fromMs),
        String(toMs),
        false,
        GetStocksAggregatesSortEnum.Asc,
        50000,
      )) as unknown as string,
    ticker: async (symbol) => (await api.getTicker(symbol)) as unknown as string,
  };
}
