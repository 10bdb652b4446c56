/** Durations as people write them ('250ms', '1.5s', '2m', '1h', '7d') and as the code keeps them: whole milliseconds. */

export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration; null when the text is none, or is no whole number of milliseconds. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return null;
  const [, amount, unit] = match as unknown as [string, string, keyof typeof UNIT_MS];
  const exact = Number(amount) * UNIT_MS[unit];
  // 1.005 * 1000 is 1004.9999999999999: the decimal point is the user's, the error is binary.
  const rounded = Math.round(exact);
  return Number.isSafeInteger(rounded) && Math.abs(exact - rounded) < 1e-6 ? rounded : null;
}

/** The shortest way to write it: 1500 -> '1500ms', 2000 -> '2s', 120000 -> '2m'. */
export function formatDuration(durationMs: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (durationMs !== 0 && durationMs % UNIT_MS[unit] === 0) return `${durationMs / UNIT_MS[unit]}${unit}`;
  }
  return `${durationMs}ms`;
}
