/** A policy decides whether, when and how often an action is called. */
import type { Call, CallContext, CallOptions } from '../call/call.ts';
import { withCall } from '../call/root.ts';
import { rejected, settled } from '../call/settled.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';

export type Action<Result> = (call: Call) => PromiseLike<Result> | Result;
/** What is inside a policy: further policies, and in the end the action. */
export type Next<Result> = (call: CallContext) => Promise<Result>;

/** To write one of your own: extend this, and give `run`. */
export abstract class Policy {
  readonly clock: Clock;

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.clock = clock;
  }

  /**
   * @param given options; or, inside another policy's action, the call that it was given.
   * @returns what the action returned; rejects with what it rejected with, with a `PolicyError`, or with the reason of an abort.
   */
  execute<Result>(action: Action<Result>, given?: CallOptions | Call): Promise<Result> {
    const begin: Next<Result> = (inner) => {
      const { reason } = inner;
      // Given up between two policies: nothing is begun any more.
      return reason === null ? settled(action, inner) : rejected(reason);
    };
    return withCall(this.clock, given, (call) => this.run(call, begin));
  }

  abstract run<Result>(call: CallContext, next: Next<Result>): Promise<Result>;
}
