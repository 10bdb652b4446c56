/** Another answer where there is none. */
import type { Call, CallContext } from '../call/call.ts';
import type { Clock } from '../clock/clock.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';

export interface FallbackOptions {
  /** Default: for every error. Not asked when the caller gave up: nobody waits for an answer then. */
  fallbackIf?: (error: unknown, call: Call) => boolean;
  clock?: Clock;
}

class Fallback extends Policy {
  readonly #answer: (error: unknown, call: Call) => unknown;
  readonly #fallbackIf: (error: unknown, call: Call) => boolean;

  constructor(answer: (error: unknown, call: Call) => unknown, { fallbackIf = () => true, clock }: FallbackOptions) {
    super(clock);
    this.#answer = answer;
    this.#fallbackIf = fallbackIf;
  }

  override async run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    try {
      return await next(call);
    } catch (error) {
      const isGivenUp = call.reason !== null && !(call.reason instanceof PolicyError);
      if (isGivenUp || !this.#fallbackIf(error, call)) throw error;
      return (await this.#answer(error, call)) as Result;
    }
  }
}

/** @param answer gives what the action would have given; what it throws is what the caller gets. Outermost in `compose`, as a rule. */
export function fallback(answer: (error: unknown, call: Call) => unknown, options: FallbackOptions = {}): Policy {
  return new Fallback(answer, options);
}
