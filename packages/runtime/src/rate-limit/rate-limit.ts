/** So many calls in a while. */
import type { CallContext } from '../call/call.ts';
import type { Clock } from '../clock/clock.ts';
import { requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';

export interface RateLimitOptions {
  /** Calls per second in the long run, above 0. */
  perSecond: number;
  /** Calls at once after a while without any, from 1 on. Default: those of one second, at least 1. */
  burst?: number;
  /** In errors. Default 'rate limit'. */
  name?: string;
  clock?: Clock;
}

/**
 * When the next one is let in, as one number: the generic cell rate algorithm. Pure.
 * Source: ITU-T I.371, traffic control in B-ISDN.
 */
export class CellRate {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  #arrivalMs = -Infinity;

  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1_000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
  }

  /** 0: it is in. Otherwise it is not, and may come back after so many milliseconds. */
  enter(nowMs: number): number {
    const earliestMs = this.#arrivalMs - this.#toleranceMs;
    if (nowMs < earliestMs) return earliestMs - nowMs;
    this.#arrivalMs = Math.max(nowMs, this.#arrivalMs) + this.#intervalMs;
    return 0;
  }
}

class RateLimit extends Policy {
  readonly #rate: CellRate;
  readonly #name: string;

  constructor({ perSecond, burst = Math.max(1, Math.floor(perSecond)), name = 'rate limit', clock }: RateLimitOptions) {
    super(clock);
    requireNumber('perSecond', perSecond, Number.MIN_VALUE);
    requireNumber('burst', burst, 1);
    this.#rate = new CellRate(perSecond, burst);
    this.#name = name;
  }

  override async run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    const afterMs = this.#rate.enter(this.clock.nowMs());
    if (afterMs > 0) throw new PolicyError('E_RATE_LIMITED', this.#name, Math.ceil(afterMs));
    return next(call);
  }
}

/** Rejects with E_RATE_LIMITED and the time to wait. @throws RangeError that names the option. */
export function rateLimit(options: RateLimitOptions): Policy {
  return new RateLimit(options);
}
