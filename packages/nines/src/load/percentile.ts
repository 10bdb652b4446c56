/** Nearest rank of values in rising order: the smallest value that at least `percent` of them do not exceed. Pure. */
export function percentile(rising: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * rising.length));
  return rising[rank - 1] ?? 0;
}
