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
  /** Opens above this share of failures, percent. Default 50. */
  errorThresholdPercentage?: number;
  /** For which it is open, milliseconds. Default 30,000. */
  resetTimeout?: number;
  /** Answers below which it stays closed. Default 5; opossum's 0 opens on the first failure. */
  volumeThreshold?: number;
  /** Calls at once; more are refused, and say nothing about the action. Default: no limit. */
  capacity?: number;
  /** Probes at once, and successes needed to close. Default 1. Beyond opossum. */
  halfOpenCalls?: number;
  /** True for what is no failure for the circuit; the caller gets it all the same. Default: none. */
  errorFilter?: (error: unknown, ...args: unknown[]) => boolean;
  /** Does not open within the first `rollingCountTimeout`. Default false. */
  allowWarmUp?: boolean;
  /** False: calls go through as if there were no breaker. Default true. */
  enabled?: boolean;
  /** Default: the action's. */
  name?: string;
  /** Default: `name`. */
  group?: string;
  /** The first good answer for the same arguments is everybody's, for `cacheTTL`. Default false. */
  cache?: boolean;
  /** Milliseconds; 0: for ever. Default 0. */
  cacheTTL?: number;
  /** Answers kept; the oldest goes first. Default 16,777,216. */
  cacheSize?: number;
  /** Which calls get the same answer. Default: those with the same arguments, as JSON. */
  cacheGetKey?: (...args: unknown[]) => string;
  /** Where answers are kept. Default: in this process. */
  cacheTransport?: CacheTransport;
  /** Calls with the same arguments under way at once are one. Default false. */
  coalesce?: boolean;
  /** For which later calls join one, milliseconds; 0: for ever. Default `timeout`. */
  coalesceTTL?: number;
  /** Calls that can be joined. Default 16,777,216. */
  coalesceSize?: number;
  /** How a call ends that can be joined no more. Default: none does; `coalesceTTL` decides. */
  coalesceResetOn?: readonly ('error' | 'success' | 'timeout')[];
  /**
   * A call whose arguments hold its signal gets one of its own, which is aborted when that call times out, or with this controller. opossum
   * aborts this controller itself, and with it every other call.
   */
  abortController?: AbortController;
  /** A controller that was aborted is replaced when the circuit is half-open or closes. Default false. */
  autoRenewAbortController?: boolean;
  /** What `toJSON().state` of an earlier one said. */
  state?: RestoredState;
  /** What an earlier one counted, or who counts. */
  status?: Status | Partial<Stats>;
  clock?: Clock;
}
