/** How soon a node that suspects may ask, or open an epoch, again. */
import type { Timing } from '../../../failover/timing.ts';

/** After so many of the longest waits without a failure the next one is a first one again. */
const FORGOTTEN_AFTER = 8;

export class Attempts {
  private readonly timing: Timing;
  private readonly random: () => number;
  private failures = 0;
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(timing: Timing, random: () => number) {
    this.timing = timing;
    this.random = random;
  }

  failed(nowMs: number): void {
    const { attemptMs, attemptMaxMs } = this.timing;
    if (nowMs - this.notBeforeMs > FORGOTTEN_AFTER * attemptMaxMs) this.failures = 0;
    const fullMs = Math.min(attemptMaxMs, attemptMs * 2 ** Math.min(this.failures, 10));
    this.failures++;
    // By chance: two that failed together would meet again.
    this.notBeforeMs = nowMs + fullMs * (0.5 + this.random() / 2);
  }

  /** Another leader. */
  forget(): void {
    this.failures = 0;
    this.notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  waitMs(nowMs: number): number {
    return Math.max(0, this.notBeforeMs - nowMs);
  }
}
