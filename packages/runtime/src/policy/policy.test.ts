import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { SimulatedClock, settled } from '../clock/testing/simulated-clock.ts';
import type { PolicyError } from '../errors/policy-error.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import type { CallContext } from '../call/call.ts';
import { compose } from './compose.ts';
import { type Next, Policy } from './policy.ts';
import { rejection } from '../call/testing/rejection.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('compose', () => {
  it('refuses to be empty', () => {
    expect(() => compose()).toThrow(TypeError);
  });

  it('puts the first outermost: one deadline for all attempts, one breaker asked by each', async () => {
    const clock = new SimulatedClock();
    const breaker = circuitBreaker({ minimumCalls: 2, clock });
    const policy = compose(timeout({ ms: 1_000, clock }), retry({ attempts: 9, random: () => 1, clock }), breaker);
    const begunMs: number[] = [];
    const failing = policy.execute(
      () => {
        begunMs.push(clock.nowMs());
        throw new Error('no');
      },
      { idempotent: true },
    );
    failing.catch(() => undefined);
    await clock.advance(10_000);
    await expect(failing).rejects.toMatchObject({ code: 'E_CIRCUIT_OPEN' });
    expect(begunMs).toEqual([0, 50]);
  });

  it('takes the call of a policy around it: its deadline is theirs', async () => {
    const clock = new SimulatedClock();
    const [outer, inner] = [timeout({ ms: 100, clock }), timeout({ ms: 5_000, clock })];
    const both = outer.execute((call) => inner.execute(never, call));
    const refused = rejection(both);
    await clock.advance(100);
    expect(await refused).toMatchObject({ code: 'E_DEADLINE', message: expect.stringContaining('100 ms') });
    expect(clock.held).toBe(0);
  });

  it('leaves no timer that keeps the process, whatever the outcome', async () => {
    const clock = new SimulatedClock();
    const policy = compose(timeout({ ms: 100, clock }), retry({ clock }), circuitBreaker({ clock }), bulkhead({ concurrency: 1, clock }));
    expect(await policy.execute(() => 1)).toBe(1);
    await policy.execute(() => Promise.reject(new Error('no'))).catch(() => undefined);
    expect(clock.held).toBe(0);
    expect(clock.timers).toBe(1);
  });

  it('begins nothing for a call that was given up between two policies', async () => {
    class GivesUp extends Policy {
      override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
        call.abort(new Error('gone'));
        return next(call);
      }
    }
    const places = bulkhead({ concurrency: 1 });
    let isBegun = false;
    await expect(compose(new GivesUp(), places).execute(() => (isBegun = true))).rejects.toThrow('gone');
    expect([isBegun, places.running]).toEqual([false, 0]);
  });
});

describe('execute', () => {
  it('gives the action its call', async () => {
    const seen = await bulkhead({ concurrency: 1 }).execute((call) => call, { idempotent: true, priority: 'critical', timeoutMs: 50 });
    expect(seen).toMatchObject({ attempt: 1, idempotent: true, priority: 'critical' });
    expect(seen.deadlineMs).toBeLessThan(Infinity);
  });

  it('refuses options that mean nothing, by name', async () => {
    const policy = bulkhead({ concurrency: 1 });
    await expect(policy.execute(() => 1, { timeoutMs: Number.NaN })).rejects.toThrow('timeoutMs is NaN');
    await expect(policy.execute(() => 1, { priority: 'high' as 'low' })).rejects.toThrow('priority is high');
  });

  it('ends with its own time limit and with its caller, and stops the timer', async () => {
    const clock = new SimulatedClock();
    const policy = bulkhead({ concurrency: 5, clock });
    const limited = policy.execute(never, { timeoutMs: 30 });
    const refused = rejection(limited);
    await clock.advance(30);
    expect(await refused).toMatchObject({ code: 'E_DEADLINE' } satisfies Partial<PolicyError>);
    const giveUp = new AbortController();
    const left = rejection(policy.execute(never, { timeoutMs: 30, signal: giveUp.signal }));
    await settled();
    giveUp.abort(new Error('gone'));
    expect(String(await left)).toContain('gone');
    expect([clock.timers, policy.running]).toEqual([0, 0]);
    let isBegun = false;
    await expect(policy.execute(() => (isBegun = true), { signal: giveUp.signal })).rejects.toThrow('gone');
    expect(isBegun).toBe(false);
  });
});
