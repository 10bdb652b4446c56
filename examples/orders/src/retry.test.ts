import { expect, test } from 'vitest';
import { Deadline } from './deadline.ts';
import { withRetry } from './retry.ts';

/** A clock that only waiting moves. */
function time() {
  let nowMs = 0;
  const waits: number[] = [];
  return {
    deadline: (durationMs: number) => new Deadline(durationMs, () => nowMs),
    pass: (durationMs: number) => {
      nowMs += durationMs;
    },
    wait: async (durationMs: number) => {
      waits.push(durationMs);
      nowMs += durationMs;
    },
    waits,
  };
}

test('backs off exponentially with full jitter, up to the longest', async () => {
  const clock = time();
  let attempts = 0;
  const value = await withRetry(
    async () => {
      attempts += 1;
      if (attempts < 7) throw new Error('away');
      return attempts;
    },
    { deadline: clock.deadline(10_000), mayRetry: () => true, random: () => 1, wait: clock.wait },
  );
  expect(value).toBe(7);
  expect(clock.waits).toEqual([20, 40, 80, 160, 200, 200]);
});

test('never starts an attempt that the deadline leaves no time for', async () => {
  const clock = time();
  let attempts = 0;
  const attempt = async (): Promise<never> => {
    attempts += 1;
    clock.pass(100);
    throw new Error(`away ${attempts}`);
  };
  const options = { deadline: clock.deadline(300), mayRetry: () => true, random: () => 1, wait: clock.wait };
  await expect(withRetry(attempt, options)).rejects.toThrow('away 2');
  expect(options.deadline.remainingMs()).toBeGreaterThan(0);
});

test('does not repeat what may not be repeated', async () => {
  const clock = time();
  let attempts = 0;
  const attempt = async (): Promise<never> => {
    attempts += 1;
    throw new Error('unknown');
  };
  await expect(withRetry(attempt, { deadline: clock.deadline(1_000), mayRetry: () => false, wait: clock.wait })).rejects.toThrow('unknown');
  expect(attempts).toBe(1);
});

test('a deadline that has passed still gives drivers a limit', () => {
  const clock = time();
  const deadline = clock.deadline(100);
  expect(deadline.withinMs(40)).toBe(40);
  clock.pass(70);
  expect(deadline.withinMs(40)).toBe(30);
  clock.pass(70);
  expect(deadline.remainingMs()).toBe(0);
  expect(deadline.withinMs(40)).toBe(1);
});
