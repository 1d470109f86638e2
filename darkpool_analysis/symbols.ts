/**
 * One security, several spellings (facts: Reg SHO `BRK/B`, `KKRpD`, `OPFI/WS`; weekly summary `BRK.B`, `KKR$D`,
 * `OPFI.W`; Polygon `BRK.B`, `KKRpD`, `OPFI.WS`). The canonical spelling is Polygon's. Case is identity: `TPC` and
 * `TpC` are different securities, so nothing here changes the case of data.
 */

/** SQL expression that turns a FINRA spelling (weekly or Reg SHO) into the canonical one. `column` is trusted SQL. */
export function canonicalSymbolSql(column: string): string {
  // $D (weekly) is Polygon's lower-case pD; "/" (Reg SHO) is "."; a lone ".W" suffix is the warrant ".WS".
  return `regexp_replace(regexp_replace(replace(trim(${column}), '/', '.'), '\\$([A-Z]?)$', 'p\\1'), '\\.W$', '.WS')`;
}

/** The same in TypeScript, for what a user types or a list holds. */
export function canonicalSymbol(raw: string): string {
  return raw
    .trim()
    .replaceAll('/', '.')
    .replace(/\$([A-Z]?)$/, 'p$1')
    .replace(/\.W$/, '.WS');
}

/** Index option roots have no FINRA equity volume: skipped with a line that says why. */
export const INDEX_OPTION_ROOTS: ReadonlySet<string> = new Set([
  'SPX',
  'SPXW',
  'NDX',
  'NDXP',
  'RUT',
  'RUTW',
  'VIX',
  'VIXW',
  'XSP',
  'DJX',
  'OEX',
  'XEO',
]);
