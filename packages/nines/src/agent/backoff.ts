/** When a unit that keeps failing may start again. Pure: the clock and the chance come in. */

export const BACKOFF = {
  /** The first restart is immediate: most deaths are one-off, and every engine must run again within 1.5 s. */
  firstMs: 0,
  /** The second waits this long; each further one twice as long. */
  baseMs: 200,
  maxMs: 10_000,
  /** A unit that was ready this long has proven itself: its failures are forgotten. */
  forgetAfterMs: 30_000,
  /** From this many failures in a row on it is shown as crash-looping. */
  crashLoopFailures: 4,
} as const;

/** @param failures failures in a row, 1 for the first. @param random in [0, 1). */
export function backoffMs(failures: number, random: number): number {
  if (failures <= 1) return BACKOFF.firstMs;
  const full = Math.min(BACKOFF.maxMs, BACKOFF.baseMs * 2 ** Math.min(failures - 2, 20));
  // Half fixed, half by chance: units that died together do not come back together.
  return Math.round(full / 2 + (full / 2) * random);
}

/** Failures in a row after a unit ended that had been ready since `readySinceMs` (null: never ready in this life). */
export function failuresAfterExit(before: number, readySinceMs: number | null, nowMs: number): number {
  const proven = readySinceMs !== null && nowMs - readySinceMs >= BACKOFF.forgetAfterMs;
  return proven ? 1 : before + 1;
}
