import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { timeout } from '../timeout/timeout.ts';
import { compose } from '../policy/compose.ts';
import { constantBackoff, exponentialBackoff } from './backoff.ts';
import { wasNotSent } from './not-sent.ts';
import { RetryBudget } from './retry-budget.ts';
import { retry, type RetryOptions } from './retry.ts';
import { rejection } from '../call/testing/rejection.ts';

const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });

/** @returns the attempts made, and the outcome. */
async function tried(errors: readonly Error[], options: RetryOptions & { clock: SimulatedClock }, idempotent: boolean) {
  const attempts: number[] = [];
  const answer = retry({ random: () => 1, ...options })
    .execute(
      ({ attempt }) => {
        attempts.push(attempt);
        const error = errors[attempts.length - 1];
        if (error !== undefined) throw error;
        return 'answer';
      },
      { idempotent },
    )
    .catch((error: unknown) => error);
  await options.clock.advance(60_000);
  return { attempts, answer: await answer };
}

describe('retry', () => {
  it('repeats what is idempotent, whatever failed', async () => {
    expect(await tried([reset(), reset()], { clock: new SimulatedClock() }, true)).toEqual({ attempts: [1, 2, 3], answer: 'answer' });
  });

  it('repeats anything that was not sent, and nothing else that is not idempotent', async () => {
    const clock = new SimulatedClock();
    expect(await tried([refused()], { clock }, false)).toEqual({ attempts: [1, 2], answer: 'answer' });
    expect(await tried([reset()], { clock }, false)).toMatchObject({ attempts: [1], answer: { code: 'ECONNRESET' } });
  });

  it('rejects with the last error when it has no attempts left', async () => {
    const last = new Error('the third');
    expect(await tried([reset(), reset(), last], { clock: new SimulatedClock() }, true)).toEqual({ attempts: [1, 2, 3], answer: last });
  });

  it('does not ask again what a policy inside refuses', async () => {
    const open = new PolicyError('E_CIRCUIT_OPEN', 'breaker');
    expect(await tried([open], { clock: new SimulatedClock() }, true)).toEqual({ attempts: [1], answer: open });
  });

  it('waits as long as the error asks for, and begins no try that could not end in time', async () => {
    const clock = new SimulatedClock();
    const begunMs: number[] = [];
    const busy = Object.assign(new Error('busy'), { retryAfterMs: 400 });
    const policy = compose(timeout({ ms: 1_000, clock }), retry({ attempts: 9, clock }));
    const failing = policy.execute(
      () => {
        begunMs.push(clock.nowMs());
        throw busy;
      },
      { idempotent: true },
    );
    const given = rejection(failing);
    await clock.advance(10_000);
    expect(await given).toBe(busy);
    expect(begunMs).toEqual([0, 400, 800]);
  });

  it('given up during a pause, it rejects at once and never calls again', async () => {
    const clock = new SimulatedClock();
    const giveUp = new AbortController();
    let calls = 0;
    const failing = retry({ backoff: constantBackoff(500), clock }).execute(
      () => {
        calls += 1;
        throw reset();
      },
      { idempotent: true, signal: giveUp.signal },
    );
    const left = rejection(failing);
    await clock.advance(100);
    giveUp.abort(new Error('gone'));
    expect(String(await left)).toContain('gone');
    expect(clock.timers).toBe(0);
    await clock.advance(1_000);
    expect(calls).toBe(1);
  });

  it('spends no more than its budget', async () => {
    const clock = new SimulatedClock();
    const budget = new RetryBudget({ ratio: 0.5, perSecond: 0, burst: 1, clock });
    const made: number[] = [];
    for (let at = 0; at < 5; at++) made.push((await tried([reset(), reset()], { budget, clock }, true)).attempts.length);
    expect(made).toEqual([2, 1, 2, 1, 2]);
  });

  it.each([0, 1.5, Number.NaN])('refuses %d attempts', (attempts) => {
    expect(() => retry({ attempts })).toThrow('attempts is');
  });
});

describe('RetryBudget', () => {
  it('never gives more than burst + ratio x calls + rate x time', async () => {
    const step = fc.oneof(fc.constant('call'), fc.constant('spend'), fc.record({ waitMs: fc.nat(5_000) }));
    const options = fc.record({
      ratio: fc.double({ min: 0, max: 1, noNaN: true }),
      perSecond: fc.nat(5),
      burst: fc.integer({ min: 1, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 200 }), async ({ ratio, perSecond, burst }, story) => {
        const clock = new SimulatedClock();
        const budget = new RetryBudget({ ratio, perSecond, burst, clock });
        const sum = { calls: 0, spent: 0 };
        for (const each of story) {
          if (each === 'call') {
            sum.calls += 1;
            budget.called();
          } else if (each === 'spend') sum.spent += budget.spend() ? 1 : 0;
          else await clock.advance(each.waitMs);
          expect(sum.spent).toBeLessThanOrEqual(burst + sum.calls * ratio + (clock.nowMs() / 1_000) * perSecond + 1e-6);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('exponentialBackoff', () => {
  it('stays between nothing and a bound that doubles up to its most', () => {
    const backoff = exponentialBackoff({ firstMs: 100, maxMs: 500 });
    expect([1, 2, 3, 4, 90].map((retryNumber) => backoff(retryNumber, () => 1))).toEqual([100, 200, 400, 500, 500]);
    expect(backoff(3, () => 0)).toBe(0);
  });
});

describe('wasNotSent', () => {
  it.each<[string, unknown, boolean]>([
    ['a refused connection', refused(), true],
    ['one below `fetch failed`', new TypeError('fetch failed', { cause: refused() }), true],
    ['a name that is not known', Object.assign(new Error('x'), { code: 'ENOTFOUND' }), true],
    ['a connection that did not come about', Object.assign(new Error('x'), { code: 'ETIMEDOUT', syscall: 'connect' }), true],
    ['every address refused', new AggregateError([refused(), refused()]), true],
    ['one address reset', new AggregateError([refused(), reset()]), false],
    ['a reset', reset(), false],
    ['a refusal by a policy', new PolicyError('E_BULKHEAD_FULL', 'b'), true],
    ['a deadline', new PolicyError('E_DEADLINE', 'b'), false],
    ['something that is no error', 'ECONNREFUSED', false],
  ])('%s', (_, error, expected) => {
    expect(wasNotSent(error)).toBe(expected);
  });

  it('ends on an error that is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    expect(wasNotSent(error)).toBe(false);
  });
});
