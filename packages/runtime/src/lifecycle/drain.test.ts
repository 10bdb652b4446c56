import { expect, test } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { type DrainSteps, drain } from './drain.ts';

/** Requests that end at the given times; the log says what was done when. */
function instance(requests: Record<string, number>, poolsMs = 0) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const say = (what: string): void => void log.push(`${clock.nowMs()} ${what}`);
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.startTimer(Math.max(0, ms), resolve));
  const steps: DrainSteps = {
    refuseReadiness: () => say('not ready'),
    closeListener: () => say('listener closed'),
    inFlight: () => Object.keys(requests).filter((name) => (requests[name] ?? 0) > clock.nowMs()),
    whenIdle: async () => {
      await wait(Math.max(0, ...Object.values(requests)) - clock.nowMs());
      say('idle');
    },
    closePools: async () => {
      await wait(poolsMs);
      say('pools closed');
    },
  };
  return { clock, steps, log };
}

test('not ready, still serving, then closed to new ones, then idle, then the pools', async () => {
  const { clock, steps, log } = instance({ 'GET /orders': 900 });
  const result = drain(steps, { drainMs: 700, stopMs: 5_000 }, clock);
  await clock.advance(900);
  expect(await result).toEqual({ exitCode: 0, stillRunning: [] });
  expect(log).toEqual(['0 not ready', '700 listener closed', '900 idle', '900 pools closed']);
});

test('at the deadline it names what is still at work, and the pools stay open for it', async () => {
  const { clock, steps, log } = instance({ 'GET /slow': 60_000, 'GET /quick': 800 });
  const result = drain(steps, { drainMs: 700, stopMs: 5_000 }, clock);
  await clock.advance(4_999);
  expect(log).toEqual(['0 not ready', '700 listener closed']);
  await clock.advance(1);
  expect(await result).toEqual({ exitCode: 1, stillRunning: ['GET /slow'] });
  expect(log).toEqual(['0 not ready', '700 listener closed']);
});

test('pools that do not close do not hold the process', async () => {
  const { clock, steps } = instance({}, 60_000);
  const result = drain(steps, { drainMs: 700, stopMs: 5_000 }, clock);
  await clock.advance(5_000);
  expect(await result).toEqual({ exitCode: 1, stillRunning: ['closing the connections to its dependencies'] });
});

test('a pool that fails to close is an exit code, not a rejection', async () => {
  const { clock, steps } = instance({});
  const failing = { ...steps, closePools: async () => Promise.reject(new Error('boom')) };
  const result = drain(failing, { drainMs: 10, stopMs: 1_000 }, clock);
  await clock.advance(1_000);
  expect(await result).toEqual({ exitCode: 1, stillRunning: ['closing connections failed: boom'] });
});

test('a stop time shorter than the drain leaves half of it for the requests at work', async () => {
  const { clock, steps, log } = instance({ 'GET /orders': 350 });
  const result = drain(steps, { drainMs: 700, stopMs: 400 }, clock);
  await clock.advance(400);
  expect((await result).exitCode).toBe(0);
  expect(log).toEqual(['0 not ready', '200 listener closed', '350 idle', '350 pools closed']);
});
