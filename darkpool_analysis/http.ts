/** Placeholder of the interface: replaced by the FINRA helper. */
export interface Http {
  readonly todo?: never;
}
