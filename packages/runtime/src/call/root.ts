/** The call at the top: from what the caller gives to what policies pass on. */
import type { Clock, Timer } from '../clock/clock.ts';
import { requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Call, CallContext, type CallOptions, PRIORITIES } from './call.ts';
import { raced } from './raced.ts';
import { rejected } from './settled.ts';

const PLAIN = { deadlineMs: Infinity, attempt: 1, idempotent: false, priority: 'normal' } as const;

/**
 * @param given options, or the `Call` of a policy around this one: its deadline and its end are this one's, too.
 * @throws RangeError that names the option.
 */
export function withCall<Result>(
  clock: Clock,
  given: CallOptions | Call | undefined,
  run: (call: CallContext) => Promise<Result>,
): Promise<Result> {
  try {
    if (given === undefined) return run(new CallContext(clock, null, PLAIN));
    if (given instanceof CallContext) return run(given);
    return withOptions(clock, given, run);
  } catch (error) {
    // A policy of somebody else's, or an option: it is a rejection like any other.
    return rejected(error as Error);
  }
}

function withOptions<Result>(clock: Clock, given: CallOptions, run: (call: CallContext) => Promise<Result>): Promise<Result> {
  const { timeoutMs, signal, idempotent = false, priority = 'normal' } = given;
  if (timeoutMs !== undefined) requireNumber('timeoutMs', timeoutMs, 0);
  if (!PRIORITIES.includes(priority)) throw new RangeError(`priority is ${priority}; it is one of ${PRIORITIES.join(', ')}`);
  signal?.throwIfAborted();
  const deadlineMs = timeoutMs === undefined ? Infinity : clock.nowMs() + timeoutMs;
  const call = new CallContext(clock, null, { deadlineMs, attempt: 1, idempotent, priority });
  if (signal === undefined && timeoutMs === undefined) return run(call);
  const giveUp = (): void => call.abort(errorOf(signal?.reason));
  signal?.addEventListener('abort', giveUp, { once: true });
  const timer: Timer | null =
    timeoutMs === undefined
      ? null
      : clock.startTimer(timeoutMs, () => call.abort(new PolicyError('E_DEADLINE', `timeout of ${timeoutMs} ms`)));
  return raced(call, run, () => {
    timer?.stop();
    signal?.removeEventListener('abort', giveUp);
  });
}

const errorOf = (reason: unknown): Error => (reason instanceof Error ? reason : new Error('the caller gave up', { cause: reason }));
