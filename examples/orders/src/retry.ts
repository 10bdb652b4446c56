/** Retry with exponential back-off and full jitter, inside a deadline. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Deadline } from './deadline.ts';

export interface RetryOptions {
  deadline: Deadline;
  /** Whether this failure left nothing behind, so that doing it again is safe. */
  mayRetry(error: unknown): boolean;
  /** Back-off before the second attempt at most this; it doubles from there. Default 20. */
  firstBackoffMs?: number;
  /** Default 200. */
  longestBackoffMs?: number;
  random?: () => number;
  wait?: (durationMs: number) => Promise<unknown>;
}

/** An attempt that has less time than this is not worth its load on a dependency in trouble. */
const LEAST_ATTEMPT_MS = 50;

/** Rejects with the last attempt's error when it may not be retried or no time is left. */
export async function withRetry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { deadline, firstBackoffMs = 20, longestBackoffMs = 200, random = Math.random, wait = delay } = options;
  for (let ceilingMs = firstBackoffMs; ; ceilingMs = Math.min(ceilingMs * 2, longestBackoffMs)) {
    try {
      return await attempt();
    } catch (error) {
      // Full jitter: callers that failed together must not come back together.
      const backoffMs = random() * ceilingMs;
      if (!options.mayRetry(error) || deadline.remainingMs() < backoffMs + LEAST_ATTEMPT_MS) throw error;
      await wait(backoffMs);
    }
  }
}
