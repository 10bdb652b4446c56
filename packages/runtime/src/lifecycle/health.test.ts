import { expect, test } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
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
  const clock = new SimulatedClock();
  let asked = 0;
  const checks = new DependencyChecks({ database: async () => (asked += 1) }, { freshMs: 1_000, timeoutMs: 300, clock });
  await Promise.all([checks.all(), checks.all(), checks.all()]);
  await clock.advance(999);
  await checks.all();
  expect(asked).toBe(1);
  await clock.advance(1);
  await checks.all();
  expect([asked, clock.timers]).toEqual([2, 0]);
});

test('a dependency that hangs fails within the timeout, beside one that answers', async () => {
  const clock = new SimulatedClock();
  const checks = new DependencyChecks(
    {
      database: () => new Promise(() => undefined),
      redis: async () => 'PONG',
      other: async () => Promise.reject(new Error('10.0.0.1 says no')),
      throwing: () => {
        throw new Error('not connected');
      },
    },
    { freshMs: 1_000, timeoutMs: 30, clock },
  );
  const all = checks.all();
  await clock.advance(30);
  expect(await all).toEqual({
    ok: false,
    checks: {
      database: { ok: false, reason: 'no answer within 30 ms' },
      redis: { ok: true },
      other: { ok: false, reason: 'failed' },
      throwing: { ok: false, reason: 'failed' },
    },
  });
});
