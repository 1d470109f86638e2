/** Word for word in every output that shows an inferred side (SPEC.md). */
export const DISCLAIMER =
  'FINRA does not publish trade direction for off-exchange volume. Buy/Sell values are inferred estimates derived from lit-market equity trades and applied proportionally to FINRA OTC volume.';

/** Said on everything that is made from the simulated market. */
export const SIMULATED = 'simulated sample data';

/** For the rules whose sides are not from lit trades one by one, what they are from. */
const INFERRED_FROM: ReadonlyMap<string, string> = new Map([
  ['Direct_v1', 'the off-exchange prints themselves (Direct_v1)'],
  ['BVC_v1', 'the price changes of one-minute bars, by bulk volume classification (BVC_v1)'],
]);

/**
 * The sentence, and where a rule that does not look at lit trades was applied a second one that names what its sides
 * were really inferred from. `versions` are the inference versions of what is shown; unknown ones and nulls count for
 * nothing.
 */
export function disclaimerFor(versions: Iterable<string | null | undefined>): string {
  const applied = new Set(versions);
  const sources = [...INFERRED_FROM].filter(([version]) => applied.has(version)).map(([, source]) => source);
  if (sources.length === 0) return DISCLAIMER;
  const others = [...applied].some((version) => version != null && !INFERRED_FROM.has(version));
  // Beside values of other rules, "here" would claim too much: only some of them were inferred that way.
  return `${DISCLAIMER} ${others ? 'Some sides here' : 'The sides here'} were in fact inferred from ${sources.join(' and from ')}.`;
}
