/** May the figures of a load run be believed? Pure. */

/**
 * A client that is itself late sees gaps that no user would have seen, and misses some that users would. Within
 * these limits its own share of any figure is small against the limits of the demo, which begin at 2 s.
 */
export const LAG_LIMITS = { p99Ms: 100, maxMs: 500 } as const;

export interface Lag {
  p99Ms: number;
  maxMs: number;
}

/** null: it may be believed. Else why not, one sentence. */
export function whyUntrustworthy(lag: Lag): string | null {
  if (lag.p99Ms > LAG_LIMITS.p99Ms) return tooLate('1 % of the requests were', lag.p99Ms, LAG_LIMITS.p99Ms);
  if (lag.maxMs > LAG_LIMITS.maxMs) return tooLate('a request was', lag.maxMs, LAG_LIMITS.maxMs);
  return null;
}

function tooLate(who: string, lagMs: number, limitMs: number): string {
  return `the machine was too busy to measure: ${who} sent ${Math.round(lagMs)} ms late by the client itself (limit ${limitMs} ms)`;
}
