import { type Weighted, weighted } from './random.js';

/** One simulated security. Prices in cents, volumes in shares a day. */
export interface Instrument {
  readonly symbol: string;
  /** Reg SHO's spelling. */
  readonly regshoSymbol: string;
  readonly name: string;
  readonly type: 'ETF' | 'CS';
  readonly sector: string;
  readonly sicCode: string;
  readonly marketCap: number;
  /** 1 NYSE-listed, 2 Arca and regional listings, 3 Nasdaq-listed. */
  readonly tape: 1 | 2 | 3;
  /** The vendor's id of the listing exchange, where the auctions are. */
  readonly primary: number;
  readonly tier: 'T1' | 'T2';
  readonly startPrice: number;
  /** Shares and prints of an ordinary day. */
  readonly volume: number;
  readonly prints: number;
  /** Quoted spread in cents. */
  readonly spread: Weighted<number>;
  /** Standard deviation of a day's log return, open to close and close to open, beside the market's. */
  readonly ownVolatility: number;
  /** What it makes of the market's return. */
  readonly beta: number;
  readonly oddLots: number;
  /** Mean round lots of a print that is no odd lot. */
  readonly roundLots: number;
  /** Mean shares at the best price. */
  readonly depth: number;
  /** Negotiated blocks a day and their mean size above the least one. */
  readonly blocks: number;
  readonly leastBlock: number;
  /** Part of the off-exchange prints that reach the tape but not the media-reported Reg SHO total. */
  readonly notMediaReported: number;
  /** Standard deviation of FINRA's week around the tape's; 0 = equal but for a share in a hundred thousand. */
  readonly finraError: number;
}

// Shares are about 1 : 125 of the real market of late 2025 (1 : 80 GME to 1 : 140 AAPL), prints about 1 : 250 in the large
// names and 1 : 50 in the small; prices are of its order, volatility is calmer, as its ticks are thinned out.
export const INSTRUMENTS: readonly Instrument[] = [
  {
    symbol: 'AAPL',
    regshoSymbol: 'AAPL',
    name: 'Apple Inc. Common Stock',
    type: 'CS',
    sector: 'Technology',
    sicCode: '3571',
    marketCap: 4.03e12,
    tape: 3,
    primary: 12,
    tier: 'T1',
    startPrice: 27_000,
    volume: 450_000,
    prints: 2600,
    spread: weighted([1, 0.62], [2, 0.28], [3, 0.1]),
    ownVolatility: 0.0026,
    beta: 1.1,
    oddLots: 0.47,
    roundLots: 2.3,
    depth: 500,
    blocks: 1.5,
    leastBlock: 800,
    notMediaReported: 0.06,
    finraError: 0,
  },
  {
    symbol: 'BRK.B',
    regshoSymbol: 'BRK/B',
    name: 'Berkshire Hathaway Inc. Class B',
    type: 'CS',
    sector: 'Financials',
    sicCode: '6331',
    marketCap: 1.08e12,
    tape: 1,
    primary: 10,
    tier: 'T1',
    startPrice: 49_500,
    volume: 50_000,
    prints: 1100,
    spread: weighted([5, 0.2], [8, 0.3], [11, 0.25], [15, 0.15], [20, 0.1]),
    ownVolatility: 0.004,
    beta: 0.7,
    oddLots: 0.82,
    roundLots: 1.1,
    depth: 70,
    blocks: 0.6,
    leastBlock: 410,
    notMediaReported: 0.01,
    finraError: 0,
  },
  {
    symbol: 'GME',
    regshoSymbol: 'GME',
    name: 'GameStop Corporation Common Stock',
    type: 'CS',
    sector: 'Consumer Discretionary',
    sicCode: '5734',
    marketCap: 1.03e10,
    tape: 1,
    primary: 10,
    tier: 'T1',
    startPrice: 2_250,
    volume: 75_000,
    prints: 1050,
    spread: weighted([2, 0.4], [3, 0.3], [4, 0.18], [6, 0.12]),
    ownVolatility: 0.018,
    beta: 1.2,
    oddLots: 0.6,
    roundLots: 1.3,
    depth: 200,
    blocks: 0.12,
    leastBlock: 10_000,
    notMediaReported: 0.01,
    finraError: 0.005,
  },
  {
    symbol: 'SPY',
    regshoSymbol: 'SPY',
    name: 'SPDR S&P 500 ETF Trust',
    type: 'ETF',
    sector: 'Exchange-traded fund',
    sicCode: '',
    marketCap: 7.1e11,
    tape: 2,
    primary: 11,
    tier: 'T1',
    startPrice: 68_200,
    volume: 650_000,
    prints: 3400,
    spread: weighted([1, 0.8], [2, 0.17], [3, 0.03]),
    ownVolatility: 0.0003,
    beta: 1,
    oddLots: 0.43,
    roundLots: 2.5,
    depth: 900,
    blocks: 2.5,
    leastBlock: 900,
    notMediaReported: 0.2,
    finraError: 0,
  },
  {
    symbol: 'TQQQ',
    regshoSymbol: 'TQQQ',
    name: 'ProShares UltraPro QQQ',
    type: 'ETF',
    sector: 'Exchange-traded fund',
    sicCode: '',
    marketCap: 2.9e10,
    tape: 3,
    primary: 12,
    tier: 'T2',
    startPrice: 5_580,
    volume: 800_000,
    prints: 2700,
    spread: weighted([1, 0.88], [2, 0.12]),
    ownVolatility: 0.002,
    beta: 4.2,
    oddLots: 0.33,
    roundLots: 3.4,
    depth: 1_300,
    blocks: 2,
    leastBlock: 5_000,
    notMediaReported: 0.01,
    finraError: 0.005,
  },
];

export const FIRST_DATE = '2025-11-03';
export const LAST_DATE = '2025-12-12';
/**
 * The vendor's outage: bars, Reg SHO and the market itself have this day, trades and quotes do not, so that the basis
 * `regsho` occurs.
 */
export const OUTAGE = { symbol: 'TQQQ', date: '2025-12-04' } as const;
/** A day of news: three times the volume, so that spikes and block scores have something to find. */
export const NEWS_DAY = { symbol: 'GME', date: '2025-12-10' } as const;

/** The tape's product code in FINRA's weekly rows: Nasdaq-listed are UTP, all others CTS. */
export function productType(instrument: Pick<Instrument, 'tape'>): 'UTP' | 'CTS' {
  return instrument.tape === 3 ? 'UTP' : 'CTS';
}

/** Who reports off-exchange prints. ATS by MPID; broker-dealers by CRD number, as FINRA leaves their MPID blank. */
export interface Firm {
  readonly mpid: string;
  readonly crd: number | undefined;
  readonly name: string;
  readonly weight: number;
}

// The MPIDs are those of real venues; their volumes are invented. The dealers and all CRD numbers are fictional.
export const ATS_FIRMS: readonly Firm[] = [
  { mpid: 'UBSA', crd: 990001, name: 'UBSA UBS ATS', weight: 0.19 },
  { mpid: 'SGMT', crd: 990002, name: 'SGMT SIGMA X2', weight: 0.14 },
  { mpid: 'INCR', crd: 990003, name: 'INCR INTELLIGENT CROSS LLC', weight: 0.14 },
  { mpid: 'JPBX', crd: 990004, name: 'JPBX JPB-X', weight: 0.1 },
  { mpid: 'MSPL', crd: 990005, name: 'MSPL MS POOL (ATS-4)', weight: 0.1 },
  { mpid: 'EBXL', crd: 990006, name: 'EBXL LEVEL ATS', weight: 0.09 },
  { mpid: 'LATS', crd: 990007, name: 'LATS BARCLAYS ATS', weight: 0.07 },
  { mpid: 'CGXS', crd: 990008, name: 'CGXS ONECHRONOS', weight: 0.06 },
  { mpid: 'BIDS', crd: 990009, name: 'BIDS BIDS TRADING', weight: 0.06 },
  { mpid: 'ICBX', crd: 990010, name: 'ICBX INSTINET CBX', weight: 0.05 },
];
export const OTC_FIRMS: readonly Firm[] = [
  { mpid: '', crd: 990101, name: 'SIMULATED WHOLESALER ALPHA LLC', weight: 0.36 },
  { mpid: '', crd: 990102, name: 'SIMULATED WHOLESALER BRAVO LLC', weight: 0.27 },
  { mpid: '', crd: 990103, name: 'SIMULATED WHOLESALER CHARLIE LLC', weight: 0.15 },
  { mpid: '', crd: 990104, name: 'SIMULATED WHOLESALER DELTA LLC', weight: 0.11 },
  { mpid: '', crd: 990105, name: 'SIMULATED WHOLESALER ECHO LLC', weight: 0.07 },
  // Firms too small to be named: pooled in one row, without a CRD number.
  { mpid: '', crd: undefined, name: 'De Minimis Firms', weight: 0.04 },
];
export const FIRMS: readonly Firm[] = [...ATS_FIRMS, ...OTC_FIRMS];
export const isAts = (firm: number): boolean => firm < ATS_FIRMS.length;

const indexed = (firms: readonly Firm[], from: number): Weighted<number> =>
  weighted(...firms.map((firm, i) => [from + i, firm.weight] as const));
/** Indices into `FIRMS`. */
export const ATS_CHOICE = indexed(ATS_FIRMS, 0);
export const OTC_CHOICE = indexed(OTC_FIRMS, ATS_FIRMS.length);
export const BLOCK_CHOICE = weighted([2, 0.1], [7, 0.15], [8, 0.4], [9, 0.1], [10, 0.15], [11, 0.1]);

/** Lit exchanges by the vendor's ids, with their part of lit trading; the listing exchange gets more on top. */
export const LIT_VENUES: readonly (readonly [number, number])[] = [
  [12, 0.25],
  [11, 0.14],
  [8, 0.13],
  [19, 0.11],
  [10, 0.07],
  [21, 0.08],
  [20, 0.05],
  [15, 0.06],
  [7, 0.04],
  [18, 0.03],
  [2, 0.02],
  [3, 0.01],
  [17, 0.01],
];
/** The facilities that report off-exchange prints: FINRA/NYSE, FINRA/Nasdaq Carteret and Chicago. */
export const TRF_CHOICE = weighted([202, 0.79], [201, 0.19], [203, 0.02]);
