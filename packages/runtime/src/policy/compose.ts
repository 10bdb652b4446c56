/** Policies inside one another. */
import type { CallContext } from '../call/call.ts';
import { type Next, Policy } from './policy.ts';

/**
 * The first is outermost: `compose(timeout(2_000), retry(), circuitBreaker(), bulkhead({ concurrency: 20 }))` gives all attempts together
 * 2 s, and each attempt asks the breaker.
 * @throws TypeError without a policy.
 */
export function compose(...policies: readonly Policy[]): Policy {
  const [first] = policies;
  if (first === undefined) throw new TypeError('compose needs at least one policy');
  return policies.length === 1 ? first : new Composition(policies, first);
}

class Composition extends Policy {
  readonly #policies: readonly Policy[];

  constructor(policies: readonly Policy[], first: Policy) {
    super(first.clock);
    this.#policies = policies;
  }

  override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    return this.#from(0, next)(call);
  }

  #from<Result>(at: number, action: Next<Result>): Next<Result> {
    const policy = this.#policies[at];
    if (policy === undefined) return action;
    const next = this.#from(at + 1, action);
    return (call) => policy.run(call, next);
  }
}
