import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestGapMs } from './gap.ts';

const window = { fromMs: 100, untilMs: 1100 };
const times = fc.array(fc.integer({ min: 0, max: 1200 }), { maxLength: 40 });

/** The same by brute force: the longest stretch of whole milliseconds without an answer, ends included. */
function bruteForce(doneMs: number[]): number {
  let longest = 0;
  let sinceMs = window.fromMs;
  for (let nowMs = window.fromMs; nowMs <= window.untilMs; nowMs += 1) {
    if (nowMs < window.untilMs && !doneMs.includes(nowMs)) continue;
    longest = Math.max(longest, nowMs - sinceMs);
    sinceMs = nowMs;
  }
  return longest;
}

describe('longestGapMs', () => {
  it('is what brute force finds', () => {
    fc.assert(
      fc.property(times, (doneMs) => {
        expect(longestGapMs(doneMs, window)).toBe(bruteForce(doneMs));
      }),
    );
  });

  it('never grows by one more good answer, and never falls below an even spread', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 1200 }), (doneMs, more) => {
        const before = longestGapMs(doneMs, window);
        expect(longestGapMs([...doneMs, more], window)).toBeLessThanOrEqual(before);
        expect(before * (doneMs.length + 1)).toBeGreaterThanOrEqual(1000);
      }),
    );
  });

  it('is the whole window when nobody was answered', () => {
    expect(longestGapMs([], window)).toBe(1000);
    expect(longestGapMs([99, 1100], window)).toBe(1000);
  });

  it('leaves its input as it was', () => {
    const doneMs = [500, 300];
    longestGapMs(doneMs, window);
    expect(doneMs).toEqual([500, 300]);
  });
});
