/** A second try beside the first when that is slow: whichever answers first wins. */
import type { CallContext } from '../call/call.ts';
import type { Clock } from '../clock/clock.ts';
import { Expiring, ExpiryQueue } from '../clock/expiry-queue.ts';
import { requireNumber } from '../errors/option.ts';
import { type Next, Policy } from '../policy/policy.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';

export interface HedgeOptions {
  /** Milliseconds until the second try, from 1 on. About the 95th percentile: one call in twenty is made twice. */
  afterMs: number;
  /** Bounds how many are made twice. Default: none, which doubles the load of a dependency that became slow. */
  budget?: RetryBudget;
  clock?: Clock;
}

class Lost extends Error {
  override readonly name = 'AbortError';
}

class Hedge extends Policy {
  readonly #queue: ExpiryQueue;
  readonly #budget: RetryBudget | undefined;

  constructor({ afterMs, budget, clock }: HedgeOptions) {
    super(clock);
    requireNumber('afterMs', afterMs, 1, 2 ** 31 - 1);
    this.#queue = new ExpiryQueue(this.clock, afterMs);
    this.#budget = budget;
  }

  override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    if (!call.idempotent) return next(call);
    this.#budget?.called();
    return new Promise((resolve, reject) => {
      const running = new Set<CallContext>();
      const begin = (attempt: number): void => {
        const each = call.child(Infinity, attempt);
        running.add(each);
        const ends = (settle: () => void, isWon: boolean): void => {
          running.delete(each);
          each.release();
          // A failure decides only when nobody else is under way.
          if (!isWon && running.size > 0) return;
          this.#queue.remove(second);
          settle();
          for (const other of running) other.abort(new Lost('another try of the same call answered first'));
        };
        next(each).then(
          (value) => ends(() => resolve(value), true),
          (error: Error) => ends(() => reject(error), false),
        );
      };
      const second = new Second(() => {
        if (!call.isAborted && this.#budget?.spend() !== false) begin(2);
      });
      this.#queue.add(second, this.clock.nowMs());
      begin(1);
    });
  }
}

class Second extends Expiring {
  readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}

/**
 * For idempotent calls; others go through. The loser's signal is aborted. A failure is no slow answer: that is for `retry`.
 * @throws RangeError when `afterMs` is not a number from 1 to 2,147,483,647.
 */
export function hedge(options: HedgeOptions): Policy {
  return new Hedge(options);
}
