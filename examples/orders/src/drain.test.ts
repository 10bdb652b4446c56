import { expect, test } from 'vitest';
import { type DrainClock, type DrainSteps, drain } from './drain.ts';

/** Time passes only when everything waits: then the earliest wait ends. */
class FakeClock implements DrainClock {
  #nowMs = 0;
  #waits: { atMs: number; resolve: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wait(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const one = { atMs: this.#nowMs + durationMs, resolve };
      this.#waits.push(one);
      signal.addEventListener('abort', () => {
        this.#waits = this.#waits.filter((other) => other !== one);
        resolve();
      });
    });
  }

  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const ended = work.finally(() => (done = true));
    while (!done) {
      await new Promise((resolve) => setImmediate(resolve));
      if (done) break;
      this.#waits.sort((left, right) => left.atMs - right.atMs);
      const next = this.#waits.shift();
      if (next === undefined) throw new Error('nothing moves any more');
      this.#nowMs = next.atMs;
      next.resolve();
    }
    return ended;
  }
}

/** Requests that end at the given times; the log says what was done when. */
function instance(clock: FakeClock, requests: Record<string, number>, poolsMs = 0) {
  const log: string[] = [];
  const say = (what: string): void => void log.push(`${clock.nowMs()} ${what}`);
  const never = new AbortController().signal;
  const steps: DrainSteps = {
    refuseReadiness: () => say('not ready'),
    closeListener: () => say('listener closed'),
    inFlight: () => Object.keys(requests).filter((name) => (requests[name] ?? 0) > clock.nowMs()),
    whenIdle: async () => {
      await Promise.all(Object.values(requests).map((endMs) => clock.wait(Math.max(0, endMs - clock.nowMs()), never)));
      say('idle');
    },
    closePools: async () => {
      await clock.wait(poolsMs, never);
      say('pools closed');
    },
  };
  return { steps, log };
}

test('not ready, still serving, then closed to new ones, then idle, then the pools', async () => {
  const clock = new FakeClock();
  const { steps, log } = instance(clock, { 'GET /orders': 900 });
  const result = await clock.run(drain(steps, { drainMs: 700, stopMs: 5_000 }, clock));
  expect(log).toEqual(['0 not ready', '700 listener closed', '900 idle', '900 pools closed']);
  expect(result).toEqual({ exitCode: 0, stillRunning: [] });
});

test('at the deadline it names what is still at work, and the pools stay open for it', async () => {
  const clock = new FakeClock();
  const { steps, log } = instance(clock, { 'GET /slow': 60_000, 'GET /quick': 800 });
  const result = await clock.run(drain(steps, { drainMs: 700, stopMs: 5_000 }, clock));
  expect(result).toEqual({ exitCode: 1, stillRunning: ['GET /slow'] });
  expect(clock.nowMs()).toBe(5_000);
  expect(log).toEqual(['0 not ready', '700 listener closed']);
});

test('pools that do not close do not hold the process', async () => {
  const clock = new FakeClock();
  const { steps } = instance(clock, {}, 60_000);
  const result = await clock.run(drain(steps, { drainMs: 700, stopMs: 5_000 }, clock));
  expect(result.exitCode).toBe(1);
  expect(result.stillRunning[0]).toContain('database');
  expect(clock.nowMs()).toBe(5_000);
});

test('a pool that fails to close is an exit code, not a rejection', async () => {
  const clock = new FakeClock();
  const { steps } = instance(clock, {});
  const failing = { ...steps, closePools: async () => Promise.reject(new Error('boom')) };
  const result = await clock.run(drain(failing, { drainMs: 10, stopMs: 1_000 }, clock));
  expect(result).toEqual({ exitCode: 1, stillRunning: ['closing connections failed: boom'] });
});

test('a stop time shorter than the drain leaves half of it for the requests at work', async () => {
  const clock = new FakeClock();
  const { steps, log } = instance(clock, { 'GET /orders': 350 });
  const result = await clock.run(drain(steps, { drainMs: 700, stopMs: 400 }, clock));
  expect(result.exitCode).toBe(0);
  expect(log).toEqual(['0 not ready', '200 listener closed', '350 idle', '350 pools closed']);
});
