/** An issue in FINRA's weekly file. */
export interface WeeklyIssue {
  readonly symbol: string;
  readonly name: string;
  readonly tier: 'T1' | 'T2' | 'OTCE';
  readonly productType: 'UTP' | 'CTS' | 'OTCE';
  readonly sector: string;
  /** Shares of an ordinary week off exchange, and dollars a share. */
  readonly weeklyShares: number;
  readonly price: number;
}

const T1_NAMES = [
  'Ablemarle Instruments',
  'Brightwater Rail',
  'Cinderford Foods',
  'Dunmoor Energy',
  'Eastmarch Bancorp',
  'Fennelworth Health',
  'Gildcrest Software',
  'Harrowgate Materials',
  'Inverlane Utilities',
  'Jasperfield Media',
  'Kestrelhouse Retail',
  'Larkspur Semiconductor',
  'Marlowe Freight',
  'Nettlebrook Homes',
];
const T2_NAMES = [
  'Oakhollow Biotech',
  'Pendlebury Mining',
  'Quillstone Software',
  'Ravenshire Foods',
  'Saltmarsh Shipping',
  'Thistledown Apparel',
  'Underhill Water',
  'Vexford Robotics',
  'Wetherby Lending',
  'Xanthe Therapeutics',
  'Yarrowdale Timber',
  'Zephyrton Aviation',
  'Ashgrove Batteries',
  'Birchwick Optics',
];
const OTCE_NAMES = [
  'Coldharbour Gold',
  'Driftwood Cannabis',
  'Elderfell Uranium',
  'Farrowdene Telecom',
  'Greywick Lithium',
  'Hollowell Biosciences',
  'Islemoor Tankers',
  'Juniperhall Gaming',
  'Knollwood Petroleum',
  'Lowerstoke Farms',
  'Mossbank Bullion',
  'Northmere Hydrogen',
];
const SECTORS = [
  'Technology',
  'Industrials',
  'Consumer Staples',
  'Energy',
  'Financials',
  'Health Care',
  'Materials',
  'Utilities',
  'Communication Services',
  'Consumer Discretionary',
];

/** AA, AB, … AZ, BA: the letters after ZZ. */
const letters = (i: number) => String.fromCharCode(65 + Math.floor(i / 26), 65 + (i % 26));

/**
 * Forty fictional issues that exist in FINRA's weekly file alone, so that questions over the market have a market. All
 * their tickers begin with ZZ and their companies do not exist.
 */
export const FILLERS: readonly WeeklyIssue[] = [
  ...T1_NAMES.map((name, i) => filler(name, i, 'T1')),
  ...T2_NAMES.map((name, i) => filler(name, T1_NAMES.length + i, 'T2')),
  ...OTCE_NAMES.map((name, i) => filler(name, T1_NAMES.length + T2_NAMES.length + i, 'OTCE')),
];

function filler(company: string, index: number, tier: WeeklyIssue['tier']): WeeklyIssue {
  // Sizes fall off by rank within the tier, as real ones do; the numbers are invented.
  const rank = index % 14;
  const largest = { T1: 900_000, T2: 160_000, OTCE: 400_000 }[tier];
  return {
    symbol: `ZZ${letters(index)}${tier === 'OTCE' ? 'F' : ''}`,
    name: `${company} ${tier === 'OTCE' ? 'Ltd. Ordinary Shares' : 'Inc. Common Stock'} (fictional)`,
    tier,
    productType: tier === 'OTCE' ? 'OTCE' : index % 2 === 0 ? 'CTS' : 'UTP',
    sector: SECTORS[index % SECTORS.length] as string,
    weeklyShares: Math.round(largest / (1 + 0.6 * rank)),
    price: tier === 'OTCE' ? 0.4 + 0.35 * rank : 8 + ((index * 37) % 140),
  };
}
