/** How long to wait before another try. Pure: chance is given. */
import { requireNumber } from '../errors/option.ts';

/** @param retry 1 for the first one. @returns milliseconds. */
export type Backoff = (retry: number, random: () => number) => number;

export interface ExponentialBackoffOptions {
  /** Bound of the first wait, milliseconds. Default 50. */
  firstMs?: number;
  /** Bound of every wait, milliseconds. Default 2,000. */
  maxMs?: number;
  /** Default 2. */
  factor?: number;
}

/**
 * Anywhere between nothing and a bound that doubles ("full jitter"): callers that failed together do not come back together.
 * Source: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
 * @throws RangeError that names the option.
 */
export function exponentialBackoff({ firstMs = 50, maxMs = 2_000, factor = 2 }: ExponentialBackoffOptions = {}): Backoff {
  requireNumber('firstMs', firstMs, 0);
  requireNumber('maxMs', maxMs, firstMs);
  requireNumber('factor', factor, 1);
  return (retry, random) => random() * Math.min(maxMs, firstMs * factor ** (retry - 1));
}

/** @throws RangeError when `ms` is no number from 0 on. */
export function constantBackoff(ms: number): Backoff {
  requireNumber('ms', ms, 0);
  return () => ms;
}
