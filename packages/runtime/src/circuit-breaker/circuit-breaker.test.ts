import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { SimulatedClock, settled } from '../clock/testing/simulated-clock.ts';
import { compose } from '../policy/compose.ts';
import { timeout } from '../timeout/timeout.ts';
import { circuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';

const no = (): never => {
  throw new Error('no');
};
const never = (): Promise<never> => new Promise(() => undefined);

describe('circuitBreaker', () => {
  it('opens, refuses with the time to wait, probes and closes, and tells of it', async () => {
    const clock = new SimulatedClock();
    const changes: string[] = [];
    const breaker = circuitBreaker({
      minimumCalls: 2,
      openMs: 1_000,
      onChange: ({ from, to }) => void changes.push(`${from} ${to}`),
      clock,
    });
    for (let at = 0; at < 2; at++) await breaker.execute(no).catch(() => undefined);
    await clock.advance(300);
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: 'E_CIRCUIT_OPEN', retryAfterMs: 700 });
    await clock.advance(700);
    expect(await breaker.execute(() => 1)).toBe(1);
    await settled();
    expect(changes).toEqual(['closed open', 'open half-open', 'half-open closed']);
    expect(breaker.snapshot).toEqual({ state: 'closed', opensForMs: 0, successes: 0, failures: 0 });
  });

  it('opens by calls that hang, also when the limit is around it', async () => {
    const clock = new SimulatedClock();
    const breaker = circuitBreaker({ minimumCalls: 2, clock });
    const policy = compose(timeout({ ms: 100, clock }), breaker);
    const calls = [policy.execute(never), policy.execute(never)].map((each) => each.catch(() => undefined));
    await clock.advance(100);
    await Promise.all(calls);
    expect(breaker.state).toBe('open');
  });

  it('does not blame its dependency for callers that went away, nor for a bulkhead inside', async () => {
    const clock = new SimulatedClock();
    const breaker = circuitBreaker({ minimumCalls: 1, clock });
    const policy = compose(breaker, bulkhead({ concurrency: 1, clock }));
    const giveUp = new AbortController();
    const left = policy.execute(never, { signal: giveUp.signal }).catch(() => undefined);
    await settled();
    for (let at = 0; at < 5; at++) await policy.execute(() => 1).catch(() => undefined);
    giveUp.abort();
    await left;
    expect(breaker.snapshot).toMatchObject({ state: 'closed', failures: 0 });
  });

  it('counts answers that come too late for its taste, and leaves out what its filter excuses', async () => {
    const clock = new SimulatedClock();
    const breaker = circuitBreaker({ minimumCalls: 2, slowMs: 200, isFailure: (error) => !/404/.test(String(error)), clock });
    for (let at = 0; at < 5; at++) await breaker.execute(() => Promise.reject(new Error('404'))).catch(() => undefined);
    expect(breaker.state).toBe('closed');
    const slow = [1, 2].map(() => breaker.execute(() => new Promise((resolve) => void clock.startTimer(201, () => resolve(1)))));
    await clock.advance(201);
    expect(await Promise.all(slow)).toEqual([1, 1]);
    expect(breaker.state).toBe('open');
  });

  it('opens and closes by hand', async () => {
    const breaker = circuitBreaker();
    breaker.open();
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: 'E_CIRCUIT_OPEN' });
    breaker.close();
    expect(await breaker.execute(() => 1)).toBe(1);
  });

  it.each<[string, CircuitBreakerOptions]>([
    ['failureRate', { failureRate: 1 }],
    ['failureRate', { failureRate: -0.1 }],
    ['minimumCalls', { minimumCalls: 0 }],
    ['windowMs', { windowMs: Number.NaN }],
    ['buckets', { buckets: 1.5 }],
    ['consecutiveFailures', { consecutiveFailures: 0 }],
    ['openMs', { openMs: 0 }],
    ['maxOpenMs', { openMs: 10, maxOpenMs: 5 }],
    ['halfOpenCalls', { halfOpenCalls: 0 }],
    ['slowMs', { slowMs: 0 }],
  ])('refuses a %s that means nothing', (name, options) => {
    expect(() => circuitBreaker(options)).toThrow(`${name} is`);
  });
});
