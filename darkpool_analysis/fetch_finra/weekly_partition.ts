/** FINRA's tiers: NMS Tier 1, NMS Tier 2, OTC equities. A symbol is in one of them in a week. */
export const TIERS = ['T1', 'T2', 'OTCE'] as const;
export type Tier = (typeof TIERS)[number];

/** One row per symbol: ATS (dark pools), and everything else off exchange. Their sum is the off-exchange volume. */
export const SYMBOL_CUTS = ['ATS_W_SMBL', 'OTC_W_SMBL'] as const;
/** The same volume by venue or firm: never to be added to the symbol rows. */
export const FIRM_CUTS = ['ATS_W_SMBL_FIRM', 'OTC_W_SMBL_FIRM'] as const;
export type Cut = (typeof SYMBOL_CUTS)[number] | (typeof FIRM_CUTS)[number];

/** Rows a page has at most, whatever is asked: the service cuts silently. */
export const PAGE_LIMIT = 5000;

/** One symbol of the watch list under its canonical spelling and as FINRA's weekly data spells it. */
export interface WatchedSymbol {
  readonly symbol: string;
  readonly raw: string;
}

/** What one request with its pages reads. */
export interface Partition {
  /** Monday. */
  readonly weekStart: string;
  readonly tier: Tier;
  readonly cut: Cut;
  /** Firm rows of these symbols alone; undefined = the partition whole. */
  readonly symbols?: readonly WatchedSymbol[];
}

export function partitionName({ weekStart, tier, cut }: Partition): string {
  return `${weekStart} ${tier} ${cut}`;
}
