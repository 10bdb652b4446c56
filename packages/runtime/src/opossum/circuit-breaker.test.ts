import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { SimulatedClock, settled } from '../clock/testing/simulated-clock.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import Opossum from './opossum.ts';

const fails = (): Promise<never> => Promise.reject(new Error('no'));
const never = (): Promise<never> => new Promise(() => undefined);
const after = (clock: SimulatedClock, ms: number) => new Promise<void>((resolve) => void clock.startTimer(ms, () => resolve()));

function breakerOf<Args extends unknown[], Result>(
  action: (...args: Args) => Promise<Result> | Result,
  options: CircuitBreakerOptions = {},
  clock = new SimulatedClock(),
): { clock: SimulatedClock; breaker: CircuitBreaker<Args, Result>; events: string[] } {
  const breaker = new CircuitBreaker(action, { volumeThreshold: 2, clock, ...options });
  const events: string[] = [];
  for (const event of ['open', 'halfOpen', 'close', 'shutdown']) breaker.on(event, () => void events.push(event));
  return { clock, breaker, events };
}

async function opened<Args extends unknown[]>(breaker: CircuitBreaker<Args>, ...args: Args): Promise<void> {
  for (let at = 0; at < breaker.volumeThreshold; at++) await breaker.fire(...args).catch(() => undefined);
  expect(breaker.opened).toBe(true);
}

describe('opossum: the code of others', () => {
  it('gets the class by require and by import, as from opossum', async () => {
    const required: unknown = createRequire(import.meta.url)('@nines/runtime/opossum');
    expect((required as { name: string }).name).toBe('CircuitBreaker');
    expect(((await import('@nines/runtime/opossum')) as { default: unknown }).default).toBe(Opossum);
  });

  it('runs as the article has it', async () => {
    const opossum = Opossum;
    const asked: string[] = [];
    const fetch = (url: string): Promise<{ json: () => unknown }> => {
      asked.push(url);
      return asked.length === 1 ? Promise.resolve({ json: () => ({ id: 123 }) }) : Promise.reject(new Error('away'));
    };
    function fetchUser(id: number): Promise<unknown> {
      return fetch(`https://api.example.com/users/${id}`).then((res) => res.json());
    }
    const breaker = new opossum(fetchUser, { timeout: 3000, errorThresholdPercentage: 50, resetTimeout: 10000 });
    breaker.fallback(() => ({ id: null, name: 'Anonymous' }));
    expect(await breaker.fire(123)).toEqual({ id: 123 });
    for (let at = 0; at < 20; at++) expect(await breaker.fire(123)).toEqual({ id: null, name: 'Anonymous' });
    expect(asked.length).toBeLessThan(20);
    expect(breaker.opened).toBe(true);
    breaker.shutdown();
  });
});

describe('opossum: a circuit', () => {
  it('opens, is half-open after its time and lets one call probe, and closes', async () => {
    let isAway = true;
    const { clock, breaker, events } = breakerOf(() => (isAway ? fails() : Promise.resolve(7)), { resetTimeout: 1_000 });
    await opened(breaker);
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'EOPENBREAKER', message: 'Breaker is open' });
    await clock.advance(999);
    expect([breaker.opened, breaker.halfOpen]).toEqual([true, false]);
    await clock.advance(2);
    expect([breaker.opened, breaker.halfOpen, breaker.pendingClose]).toEqual([false, true, true]);
    await breaker.fire().catch(() => undefined);
    expect(events).toEqual(['open', 'halfOpen', 'open']);
    await clock.advance(1_001);
    isAway = false;
    expect(await breaker.fire()).toBe(7);
    expect([breaker.closed, breaker.pendingClose]).toEqual([true, false]);
    expect(events.slice(3)).toEqual(['halfOpen', 'close']);
  });

  it('opens above its share of failures alone, and not before its volume', async () => {
    const { breaker } = breakerOf((isGood: boolean) => (isGood ? Promise.resolve() : fails()), {
      volumeThreshold: 4,
      errorThresholdPercentage: 50,
    });
    for (const isGood of [true, true, false, false]) await breaker.fire(isGood).catch(() => undefined);
    expect(breaker.closed).toBe(true);
    await breaker.fire(false).catch(() => undefined);
    expect(breaker.opened).toBe(true);
  });

  it('is not opened by the first failure of a service that has just begun, unless asked to', async () => {
    const first = async (options: CircuitBreakerOptions): Promise<boolean> => {
      const breaker = new CircuitBreaker(fails, options);
      await breaker.fire().catch(() => undefined);
      return breaker.opened;
    };
    expect([await first({}), await first({ volumeThreshold: 0 })]).toEqual([false, true]);
  });

  it('is opened, closed, disabled and ended by hand', async () => {
    const { clock, breaker, events } = breakerOf(() => Promise.resolve(1));
    breaker.open();
    breaker.open();
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'EOPENBREAKER' });
    breaker.disable();
    expect([await breaker.fire(), breaker.enabled]).toEqual([1, false]);
    breaker.enable();
    breaker.close();
    expect(await breaker.fire()).toBe(1);
    breaker.open();
    breaker.shutdown();
    breaker.shutdown();
    expect(clock.timers).toBe(0);
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    expect([breaker.opened, breaker.closed, breaker.halfOpen, breaker.isShutdown]).toEqual([false, false, false, true]);
    expect(events).toEqual(['open', 'close', 'open', 'shutdown']);
  });

  it('stays closed while it warms up', async () => {
    const { clock, breaker } = breakerOf(fails, { allowWarmUp: true, rollingCountTimeout: 500 });
    for (let at = 0; at < 5; at++) await breaker.fire().catch(() => undefined);
    expect([breaker.closed, breaker.warmUp]).toEqual([true, true]);
    await clock.advance(500);
    expect(breaker.warmUp).toBe(false);
    await opened(breaker);
  });

  it('is opened by a health check that rejects, one look after the other', async () => {
    let looks = 0;
    const { clock, breaker } = breakerOf(() => 1);
    breaker.healthCheck(() => (++looks < 3 ? Promise.resolve() : fails()), 100);
    await clock.advance(150);
    expect([looks, breaker.closed]).toEqual([2, true]);
    await clock.advance(100);
    expect(breaker.opened).toBe(true);
    breaker.shutdown();
    const before = looks;
    await clock.advance(1_000);
    expect(looks).toBe(before);
    expect(() => breaker.healthCheck('x' as never)).toThrow(TypeError);
  });
});

describe('opossum: what a breaker does not do here', () => {
  it('abort the other calls when one times out', async () => {
    const clock = new SimulatedClock();
    const abortController = new AbortController();
    const aborted: string[] = [];
    const breaker = new CircuitBreaker(
      (name: string, signal: AbortSignal) => {
        signal.addEventListener('abort', () => void aborted.push(name));
        return name === 'hangs' ? never() : after(clock, 150);
      },
      { timeout: 100, abortController, clock, volumeThreshold: 10 },
    );
    const hangs = breaker.fire('hangs', abortController.signal).catch((error: unknown) => error);
    await clock.advance(50);
    const slow = breaker.fire('slow', breaker.getSignal()!).catch((error: unknown) => error);
    await clock.advance(51);
    expect(await hangs).toMatchObject({ code: 'ETIMEDOUT', message: 'Timed out after 100ms' });
    expect(aborted).toEqual(['hangs']);
    abortController.abort();
    expect(aborted).toEqual(['hangs', 'slow']);
    await clock.advance(100);
    await slow;
  });

  it('open because its own bulkhead is full', async () => {
    const { breaker } = breakerOf(never, { capacity: 1, timeout: false });
    const errors: unknown[] = [];
    void breaker.fire();
    for (let at = 0; at < 10; at++) await breaker.fire().catch((error: unknown) => errors.push(error));
    expect(errors[0]).toMatchObject({ code: 'ESEMLOCKED', message: 'Semaphore locked' });
    expect([breaker.closed, breaker.stats.semaphoreRejections, breaker.stats.failures]).toEqual([true, 10, 0]);
  });

  it('close by a success that began before it opened', async () => {
    const clock = new SimulatedClock();
    const breaker = new CircuitBreaker((isSlow: boolean) => (isSlow ? after(clock, 1_500) : fails()), {
      volumeThreshold: 2,
      resetTimeout: 1_000,
      clock,
    });
    const slow = breaker.fire(true);
    await opened(breaker as CircuitBreaker<[boolean]>, false);
    await clock.advance(1_001);
    expect(breaker.halfOpen).toBe(true);
    await clock.advance(600);
    await slow;
    expect(breaker.halfOpen).toBe(true);
  });

  it('forget how long it has still to be open when it is restored', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    try {
      const first = breakerOf(fails, { resetTimeout: 1_000 });
      await opened(first.breaker);
      vi.setSystemTime(1_000_400);
      const { state } = first.breaker.toJSON();
      const { clock, breaker } = breakerOf(fails, { resetTimeout: 1_000, state });
      expect(breaker.opened).toBe(true);
      await clock.advance(598);
      expect(breaker.opened).toBe(true);
      await clock.advance(3);
      expect(breaker.halfOpen).toBe(true);
      expect(breakerOf(fails, { state: { closed: false, halfOpen: true } }).breaker.halfOpen).toBe(true);
      expect(breakerOf(fails, { state: { shutdown: true } }).breaker.isShutdown).toBe(true);
      expect(breakerOf(fails, { state: { closed: true } }).breaker.closed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keep a timer per call, or let what ends late count again', async () => {
    const { clock, breaker } = breakerOf(() => Promise.resolve(1), { timeout: 100 });
    for (let at = 0; at < 100; at++) await breaker.fire();
    expect(clock.timers).toBeLessThanOrEqual(1);
    const late = breakerOf(() => after(clock, 200).then(fails), { timeout: 100 }, clock).breaker;
    const call = late.fire().catch((error: unknown) => error);
    await clock.advance(300);
    expect(await call).toMatchObject({ code: 'ETIMEDOUT' });
    expect(late.stats).toMatchObject({ fires: 1, failures: 1, timeouts: 1 });
  });

  it('let more than it was told probe at once', async () => {
    let isAway = true;
    const { clock, breaker } = breakerOf(() => (isAway ? fails() : never()), { resetTimeout: 1_000, halfOpenCalls: 2, timeout: false });
    await opened(breaker);
    isAway = false;
    await clock.advance(1_001);
    const results = [1, 2, 3].map(() => breaker.fire().catch((error: unknown) => error));
    await expect(results[2]).resolves.toMatchObject({ code: 'EOPENBREAKER' });
    expect(breaker.pendingClose).toBe(false);
  });
});

describe('opossum: answers', () => {
  it('come from the fallback with the arguments and the error, or from another breaker', async () => {
    const { breaker } = breakerOf((id: number) => (id > 0 ? id : fails()));
    breaker.fallback((id: number, error: Error) => `${id} ${error.message}`);
    expect([await breaker.fire(1), await breaker.fire(0)]).toEqual([1, '0 no']);
    const second = breakerOf((id: number) => id + 100).breaker;
    expect(
      await breakerOf(fails as (id: number) => Promise<number>)
        .breaker.fallback(second)
        .fire(5),
    ).toBe(105);
    const bad = breakerOf(fails).breaker.fallback(() => Promise.reject(new Error('also away')));
    await expect(bad.fire()).rejects.toThrow('also away');
    const excused = breakerOf(fails, { errorFilter: () => true }).breaker.fallback(() => 1);
    await expect(excused.fire()).rejects.toThrow('no');
    expect(excused.stats).toMatchObject({ failures: 0, successes: 1 });
  });

  it('have the `this` of `call`, and those of no function are the value itself', async () => {
    const { breaker } = breakerOf(function (this: { name: string }) {
      return this.name;
    });
    expect(await breaker.call({ name: 'x' })).toBe('x');
    expect(await new CircuitBreaker('value' as never).fire()).toBe('value');
    expect(() => new CircuitBreaker(undefined as never)).toThrow(TypeError);
  });

  it('are kept: good ones alone, by their arguments, for their time', async () => {
    let calls = 0;
    const { clock, breaker } = breakerOf((id: number) => (id > 0 ? Promise.resolve(++calls) : fails()), { cache: true, cacheTTL: 1_000 });
    expect([await breaker.fire(1), await breaker.fire(1), await breaker.fire(2)]).toEqual([1, 1, 2]);
    await breaker.fire(0).catch(() => undefined);
    await expect(breaker.fire(0)).rejects.toThrow('no');
    await clock.advance(1_000);
    expect(await breaker.fire(2)).toBe(3);
    breaker.clearCache();
    expect(await breaker.fire(2)).toBe(4);
    expect(breaker.stats).toMatchObject({ cacheHits: 1, cacheMisses: 6 });
  });

  it('are kept where a transport says', async () => {
    const kept = new Map<string, { value: unknown; expiresAt: number }>();
    const { breaker } = breakerOf((id: number) => id, {
      cache: true,
      cacheGetKey: (id) => `user ${String(id)}`,
      cacheTransport: {
        get: (key) => kept.get(key)?.value,
        set: (key, value, expiresAt) => void kept.set(key, { value, expiresAt }),
        flush: () => kept.clear(),
      },
    });
    expect([await breaker.fire(1), await breaker.fire(1)]).toEqual([1, 1]);
    expect([...kept].map(([key, { expiresAt }]) => [key, expiresAt])).toEqual([['user 1', 0]]);
    expect(() => new CircuitBreaker(never, { cacheTransport: {} as never })).toThrow(TypeError);
  });

  it('of calls under way at once are one', async () => {
    let calls = 0;
    const clock = new SimulatedClock();
    const slow = (): Promise<number> => after(clock, 50).then(() => ++calls);
    const { breaker } = breakerOf(slow, { coalesce: true, coalesceResetOn: ['success'] }, clock);
    const three = [breaker.fire(), breaker.fire(), breaker.fire()];
    await clock.advance(60);
    expect(await Promise.all(three)).toEqual([1, 1, 1]);
    const again = breaker.fire();
    await clock.advance(60);
    expect(await again).toBe(2);
    expect(breaker.stats).toMatchObject({ coalesceCacheHits: 2, coalesceCacheMisses: 2 });
  });
});

describe('opossum: what is told', () => {
  it('are events in the order of what happens, and counts of the window', async () => {
    const { clock, breaker } = breakerOf((isGood: boolean) => (isGood ? Promise.resolve('good') : fails()), { rollingCountTimeout: 1_000 });
    const told: unknown[] = [];
    for (const event of ['fire', 'success', 'failure', 'fallback', 'reject', 'open'])
      breaker.on(
        event,
        (...details: unknown[]) => void told.push([event, ...details.map((each) => (each instanceof Error ? each.message : each))]),
      );
    breaker.fallback(() => 'instead');
    for (const isGood of [true, false, false, true]) await breaker.fire(isGood);
    expect(told.map((each) => (each as unknown[])[0])).toEqual([
      ...['fire', 'success', 'fire', 'failure', 'fallback', 'fire', 'failure', 'open', 'fallback', 'fire', 'reject', 'fallback'],
    ]);
    expect(told).toContainEqual(['success', 'good', 0]);
    expect(told).toContainEqual(['failure', 'no', 0, [false]]);
    expect(told).toContainEqual(['fallback', 'instead', 'no']);
    expect(breaker.stats).toMatchObject({ fires: 4, successes: 1, failures: 2, rejects: 1, fallbacks: 3 });
    await clock.advance(1_100);
    expect(breaker.stats).toMatchObject({ fires: 0, successes: 0, failures: 0 });
  });

  it('has percentiles of the latencies, and snapshots while somebody listens', async () => {
    const clock = new SimulatedClock();
    const { breaker } = breakerOf((ms: number) => after(clock, ms), { rollingCountTimeout: 1_000, rollingCountBuckets: 10 }, clock);
    const calls = [10, 20, 30, 40].map((ms) => breaker.fire(ms));
    await clock.advance(40);
    await Promise.all(calls);
    expect(breaker.stats.latencyMean).toBe(25);
    expect(breaker.stats.percentiles).toMatchObject({ 0: 10, 0.5: 20, 1: 40 });
    expect(clock.timers).toBeLessThanOrEqual(1);
    const snapshots: unknown[] = [];
    breaker.status.on('snapshot', (stats: { successes: number }) => void snapshots.push(stats.successes));
    await clock.advance(100);
    expect(snapshots).toEqual([4]);
    breaker.shutdown();
    await clock.advance(500);
    expect([snapshots.length, clock.timers]).toEqual([1, 0]);
    const plain = new CircuitBreaker(() => 1, { rollingPercentilesEnabled: false });
    await plain.fire();
    expect([plain.stats.latencyMean, plain.stats.latencyTimes]).toEqual([-1, []]);
  });

  it('says whose error it is', async () => {
    const { breaker } = breakerOf(fails);
    const own = await breaker.fire().catch((error: unknown) => error);
    breaker.open();
    const ours = await breaker.fire().catch((error: unknown) => error);
    expect([CircuitBreaker.isOurError(own), CircuitBreaker.isOurError(ours)]).toEqual([false, true]);
    await settled();
  });
});
