/** An end to waiting. */
import { type CallContext } from '../call/call.ts';
import type { Clock } from '../clock/clock.ts';
import { Expiring, ExpiryQueue } from '../clock/expiry-queue.ts';
import { requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { raced } from '../call/raced.ts';
import { type Next, Policy } from '../policy/policy.ts';

export interface TimeoutOptions {
  /** Milliseconds, from 1 on. Too short cuts off answers that were on their way, too long keeps callers and places. */
  ms: number;
  clock?: Clock;
}

class Timeout extends Policy {
  readonly #ms: number;
  readonly #queue: ExpiryQueue;

  constructor({ ms, clock }: TimeoutOptions) {
    super(clock);
    requireNumber('ms', ms, 1, 2 ** 31 - 1);
    this.#ms = ms;
    this.#queue = new ExpiryQueue(this.clock, ms);
  }

  override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    const nowMs = this.clock.nowMs();
    // Who set the earlier one ends it.
    if (call.deadlineMs <= nowMs + this.#ms) return next(call);
    const child = call.child(nowMs + this.#ms);
    const expiry = new Expiry(child, this.#ms);
    this.#queue.add(expiry, nowMs);
    return raced(child, next, () => {
      this.#queue.remove(expiry);
      child.release();
    });
  }
}

class Expiry extends Expiring {
  readonly #call: CallContext;
  readonly #ms: number;

  constructor(call: CallContext, ms: number) {
    super();
    this.#call = call;
    this.#ms = ms;
  }

  override expire(): void {
    this.#call.abort(new PolicyError('E_DEADLINE', `timeout of ${this.#ms} ms`));
  }
}

/**
 * Rejects with E_DEADLINE after so many milliseconds, and aborts the call's signal. Around `retry` it is the deadline of all attempts, and
 * none begins that could not end; inside it is the limit of each. No timer per call.
 * @throws RangeError when `ms` is not a number from 1 to 2,147,483,647.
 */
export function timeout(options: number | TimeoutOptions): Policy {
  return new Timeout(typeof options === 'number' ? { ms: options } : options);
}
