import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { timeout } from './timeout.ts';
import { rejection } from '../call/testing/rejection.ts';

describe('timeout', () => {
  it.each([0, -1, Number.NaN, Infinity, 2 ** 31])('refuses %d ms', (ms) => {
    expect(() => timeout(ms)).toThrow('ms is');
  });

  it('rejects at its time and aborts the signal, whatever the action does; what comes later is dropped', async () => {
    const clock = new SimulatedClock();
    const policy = timeout({ ms: 100, clock });
    const signals: AbortSignal[] = [];
    const hanging = policy.execute(({ signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => void clock.startTimer(150, () => reject(new Error('late'))));
    });
    const refused = rejection(hanging);
    await clock.advance(99);
    expect(signals[0]!.aborted).toBe(false);
    await clock.advance(1);
    expect(await refused).toMatchObject({ code: 'E_DEADLINE', notSent: false });
    expect(signals[0]!.reason).toMatchObject({ code: 'E_DEADLINE' });
    await clock.advance(100);
  });

  it('one call that is late aborts no other one', async () => {
    const clock = new SimulatedClock();
    const policy = timeout({ ms: 100, clock });
    const signals: AbortSignal[] = [];
    const begin = () => policy.execute(({ signal }) => new Promise<void>(() => signals.push(signal))).catch((error: unknown) => error);
    void begin();
    await clock.advance(60);
    void begin();
    await clock.advance(50);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('an answer in time is the answer, and its signal stays quiet', async () => {
    const clock = new SimulatedClock();
    const policy = timeout({ ms: 100, clock });
    let signal: AbortSignal | undefined;
    const answer = policy.execute((call) => {
      ({ signal } = call);
      return new Promise((resolve) => void clock.startTimer(99, () => resolve('answer')));
    });
    await clock.advance(1_000);
    expect(await answer).toBe('answer');
    expect(signal?.aborted).toBe(false);
  });
});
