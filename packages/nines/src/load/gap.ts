/** The longest time in which nobody was answered well. Pure. */

export interface Window {
  /** Milliseconds since the start of the run; the end does not belong to it. */
  fromMs: number;
  untilMs: number;
}

/**
 * The longest time inside the window between two good answers, by when they came; the window's ends count as good
 * answers, since what lies beyond them is not its own. Without any the gap is the whole window. A gap as short as
 * the spacing of the schedule is no outage: that is what `spacingMs` of the step is for.
 */
export function longestGapMs(goodDoneMs: readonly number[], window: Window): number {
  const inside = goodDoneMs.filter((doneMs) => doneMs >= window.fromMs && doneMs < window.untilMs);
  inside.sort((one, other) => one - other);
  let longest = 0;
  let previous = window.fromMs;
  for (const doneMs of [...inside, window.untilMs]) {
    longest = Math.max(longest, doneMs - previous);
    previous = doneMs;
  }
  return longest;
}
