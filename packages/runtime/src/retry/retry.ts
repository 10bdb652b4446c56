/** Another try, where that is safe and not in vain. */
import type { Call, CallContext } from '../call/call.ts';
import { wait } from '../call/wait.ts';
import type { Clock } from '../clock/clock.ts';
import { requireInteger } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';
import { type Backoff, exponentialBackoff } from './backoff.ts';
import { wasNotSent } from './not-sent.ts';
import type { RetryBudget } from './retry-budget.ts';

export interface RetryOptions {
  /** Tries in all, from 1 on. Default 3. */
  attempts?: number;
  /** Default `exponentialBackoff()`. An error's own `retryAfterMs` is waited for when it is longer. */
  backoff?: Backoff;
  /** Shared by all who ask the same dependency. Default: none, which multiplies its load by `attempts` when it fails. */
  budget?: RetryBudget;
  /**
   * Whether a failed call may be tried again. Default: an idempotent one always, another one only where nothing was sent; after a refusal by
   * a policy inside never, as a breaker that is open stays open.
   */
  retryIf?: (error: unknown, call: Call) => boolean;
  /** 0 to below 1. Default `Math.random`. */
  random?: () => number;
  clock?: Clock;
}

class Retry extends Policy {
  readonly #options: Required<Omit<RetryOptions, 'budget' | 'clock'>>;
  readonly #budget: RetryBudget | undefined;

  constructor({ attempts = 3, backoff = exponentialBackoff(), budget, retryIf = mayRepeat, random = Math.random, clock }: RetryOptions) {
    super(clock);
    requireInteger('attempts', attempts, 1);
    this.#options = { attempts, backoff, retryIf, random };
    this.#budget = budget;
  }

  override async run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    const { attempts, retryIf } = this.#options;
    this.#budget?.called();
    for (let attempt = 1; ; attempt++) {
      const each = attempt === call.attempt ? call : call.child(Infinity, attempt);
      try {
        return await next(each);
      } catch (error) {
        if (call.isAborted || attempt >= attempts || !retryIf(error, each)) throw error;
        const pauseMs = this.#pauseMs(attempt, error);
        // A try that could not end in time only costs its dependency something.
        if (this.clock.nowMs() + pauseMs >= call.deadlineMs || this.#budget?.spend() === false) throw error;
        if (pauseMs > 0) await wait(call, pauseMs);
      } finally {
        if (each !== call) each.release();
      }
    }
  }

  #pauseMs(retry: number, error: unknown): number {
    const { backoff, random } = this.#options;
    const askedMs = (error as { retryAfterMs?: unknown } | null)?.retryAfterMs;
    return Math.max(backoff(retry, random), typeof askedMs === 'number' ? askedMs : 0);
  }
}

function mayRepeat(error: unknown, call: Call): boolean {
  if (error instanceof PolicyError && error.notSent) return false;
  return call.idempotent || wasNotSent(error);
}

/** Rejects with what the last try rejected with. @throws RangeError when `attempts` is no whole number from 1 on. */
export function retry(options: RetryOptions = {}): Policy {
  return new Retry(options);
}
