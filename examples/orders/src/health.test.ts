import { expect, test } from 'vitest';
import { DependencyChecks, Life } from './health.ts';

test('an instance that stops is not ready, but started and alive; readiness never comes back', () => {
  const life = new Life();
  expect([life.readyStatus(), life.started]).toEqual([503, false]);
  life.serve();
  expect([life.readyStatus(), life.started]).toEqual([200, true]);
  life.stop();
  expect([life.readyStatus(), life.started]).toEqual([404, true]);
  life.serve();
  expect(life.state).toBe('stopping');
});

test('stopping before the start was over does not end in serving', () => {
  const life = new Life();
  life.stop();
  life.serve();
  expect(life.readyStatus()).toBe(404);
});

test('a dependency is asked once, however many want to know, and again when the answer is old', async () => {
  let nowMs = 0;
  let asked = 0;
  const checks = new DependencyChecks([{ name: 'database', ask: async () => (asked += 1) }], {
    freshMs: 1_000,
    timeoutMs: 300,
    nowMs: () => nowMs,
  });
  await Promise.all([checks.all(), checks.all(), checks.all()]);
  nowMs = 999;
  await checks.all();
  expect(asked).toBe(1);
  nowMs = 1_000;
  await checks.all();
  expect(asked).toBe(2);
});

test('a dependency that hangs fails within the timeout, beside one that answers', async () => {
  const checks = new DependencyChecks(
    [
      { name: 'database', ask: () => new Promise(() => undefined) },
      { name: 'redis', ask: async () => 'PONG' },
      { name: 'other', ask: async () => Promise.reject(new Error('10.0.0.1 says no')) },
    ],
    { freshMs: 1_000, timeoutMs: 30 },
  );
  expect(await checks.all()).toEqual({
    ok: false,
    checks: {
      database: { ok: false, reason: 'no answer within 30 ms' },
      redis: { ok: true },
      other: { ok: false, reason: 'failed' },
    },
  });
});
