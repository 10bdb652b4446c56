/** opossum's options, by its names: milliseconds where it says `timeout` or `TTL`. */
import type { Clock } from '../clock/clock.ts';
import type { CacheTransport } from './promise-cache.ts';
import type { Stats, Status, StatusOptions } from './status.ts';

export interface RestoredState {
  enabled?: boolean;
  closed?: boolean;
  open?: boolean;
  halfOpen?: boolean;
  warmUp?: boolean;
  shutdown?: boolean;
  /** When it opened, milliseconds since 1970: what was left of the opening then is what is left of it. */
  lastTimerAt?: number | undefined;
}

export interface CircuitBreakerOptions extends StatusOptions {
  /** Of a call, milliseconds; false: none. Default 10,000. */
  timeout?: number | false;
  /** Opens above it. Default 50. */
  errorThresholdPercentage?: number;
  /** For which it is open, milliseconds. Default 30,000. */
  resetTimeout?: number;
  /** Answers below which it stays closed. Default 5; opossum's 0 opens on the first failure. */
  volumeThreshold?: number;
  /** Calls at once; more are refused, and say nothing about the action. Default: no limit. */
  capacity?: number;
  /** Probes at once, and successes needed to close. Default 1. Beyond opossum. */
  halfOpenCalls?: number;
  /** True: no failure for the circuit; the caller gets it all the same. */
  errorFilter?: (error: unknown, ...args: unknown[]) => boolean;
  /** Does not open within the first `rollingCountTimeout`. */
  allowWarmUp?: boolean;
  enabled?: boolean;
  name?: string;
  group?: string;
  /** The first good answer for the same arguments is everybody's, for `cacheTTL` milliseconds; 0: for ever. */
  cache?: boolean;
  cacheTTL?: number;
  cacheSize?: number;
  cacheGetKey?: (...args: unknown[]) => string;
  cacheTransport?: CacheTransport;
  /** Calls with the same arguments under way at once are one. */
  coalesce?: boolean;
  /** Default `timeout`. */
  coalesceTTL?: number;
  coalesceSize?: number;
  coalesceResetOn?: readonly ('error' | 'success' | 'timeout')[];
  /**
   * A call whose arguments hold its signal gets one of its own, which is aborted when that call times out, or with this controller. opossum
   * aborts this controller itself, and with it every other call.
   */
  abortController?: AbortController;
  autoRenewAbortController?: boolean;
  state?: RestoredState;
  status?: Status | Partial<Stats>;
  /** Beyond opossum. */
  clock?: Clock;
}
