import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cached, type CachedOptions } from './cached.ts';

/** A source that answers with how often it was asked, while it is up; and a clock. */
function source(options: Partial<CachedOptions> = {}) {
  const state = { nowMs: 0, up: true, asked: 0, held: null as PromiseWithResolvers<void> | null };
  const cached = new Cached(
    async () => {
      state.asked += 1;
      const value = state.asked;
      await state.held?.promise;
      if (!state.up) throw new Error('away');
      return value;
    },
    { ttlMs: 1_000, staleWhileRevalidateMs: 10_000, staleIfErrorMs: 60_000, retryMs: 500, nowMs: () => state.nowMs, ...options },
  );
  return { state, cached };
}

/** Lets what is being fetched beside an answer come in. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a kept answer', () => {
  it('is given while it is fresh', async () => {
    const { state, cached } = source();
    expect(await cached.get('a')).toEqual({ value: 1, ageMs: 0, stale: false });
    state.nowMs = 999;
    expect(await cached.get('a')).toEqual({ value: 1, ageMs: 999, stale: false });
    expect(state.asked).toBe(1);
  });

  it('is given at once when it is stale, and the next one is new', async () => {
    const { state, cached } = source();
    await cached.get('a');
    state.nowMs = 1_000;
    expect(await cached.get('a')).toEqual({ value: 1, ageMs: 1_000, stale: true });
    await settled();
    expect(await cached.get('a')).toEqual({ value: 2, ageMs: 0, stale: false });
  });

  it('is waited for when it is too old to be shown', async () => {
    const { state, cached } = source();
    await cached.get('a');
    state.nowMs = 11_000;
    expect(await cached.get('a')).toEqual({ value: 2, ageMs: 0, stale: false });
  });

  it('is given while the source is away, which is asked again now and then', async () => {
    const { state, cached } = source();
    await cached.get('a');
    state.up = false;
    state.nowMs = 20_000;
    expect(await cached.get('a')).toMatchObject({ value: 1, stale: true });
    expect(state.asked).toBe(2);
    state.nowMs = 20_499;
    expect(await cached.get('a')).toMatchObject({ value: 1, ageMs: 20_499 });
    expect(state.asked).toBe(2);
    state.nowMs = 20_500;
    state.up = true;
    expect(await cached.get('a')).toMatchObject({ value: 3, stale: false });
  });

  it('is not given when it is older than an error is bad', async () => {
    const { state, cached } = source();
    await cached.get('a');
    state.up = false;
    state.nowMs = 61_000;
    await expect(cached.get('a')).rejects.toThrow('away');
    await expect(cached.get('a')).rejects.toThrow('away');
  });
});

it('who asks while it is being fetched waits for the same answer', async () => {
  const { state, cached } = source();
  state.held = Promise.withResolvers();
  const all = Promise.all([cached.get('a'), cached.get('a'), cached.get('a')]);
  state.held.resolve();
  expect((await all).map(({ value }) => value)).toEqual([1, 1, 1]);
});

it('an answer is as old as its question', async () => {
  const { state, cached } = source();
  state.held = Promise.withResolvers();
  const asked = cached.get('a');
  state.nowMs = 700;
  state.held.resolve();
  await asked;
  expect((await cached.get('a')).ageMs).toBe(700);
});

it('a failure without an older answer is told to everybody who waited, and kept for nobody', async () => {
  const { state, cached } = source();
  state.up = false;
  const both = await Promise.allSettled([cached.get('a'), cached.get('a')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(cached.size).toBe(0);
  state.up = true;
  expect((await cached.get('a')).value).toBe(2);
});

it('the longest unused goes when there are too many', async () => {
  const { state, cached } = source({ maxEntries: 2 });
  for (const key of ['a', 'b', 'a', 'c']) await cached.get(key);
  expect(cached.size).toBe(2);
  const before = state.asked;
  await cached.get('a');
  expect(state.asked).toBe(before);
  await cached.get('b');
  expect(state.asked).toBe(before + 1);
});

it('refuses a time below zero, with its name', () => {
  expect(() => source({ ttlMs: -1 })).toThrow('ttlMs is -1');
  expect(() => source({ retryMs: Number.NaN })).toThrow('retryMs');
});

it('whatever happens, no answer is older than it may be, and one source is asked once at a time', async () => {
  const step = fc.record({ waitMs: fc.nat(30_000), up: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { state, cached } = source({ staleIfErrorMs: 20_000 });
      for (const { waitMs, up } of steps) {
        state.nowMs += waitMs;
        state.up = up;
        const before = state.asked;
        const answer = await cached.get('a').catch(() => null);
        await settled();
        expect(state.asked - before).toBeLessThanOrEqual(1);
        if (answer === null) expect(up).toBe(false);
        else {
          expect(answer.ageMs).toBeLessThan(1_000 + 20_000);
          expect(answer.stale).toBe(answer.ageMs >= 1_000);
        }
      }
    }),
  );
});
