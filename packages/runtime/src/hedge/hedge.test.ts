import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { hedge, type HedgeOptions } from './hedge.ts';

/** Each try answers, or fails, after its time. */
async function hedged(tries: readonly { ms: number; fails?: boolean }[], options: Omit<HedgeOptions, 'afterMs'> = {}, idempotent = true) {
  const clock = new SimulatedClock();
  const signals: AbortSignal[] = [];
  const ended: { atMs?: number; answer?: unknown } = {};
  void hedge({ afterMs: 50, clock, ...options })
    .execute(
      ({ attempt, signal }) => {
        signals.push(signal);
        const { ms, fails } = tries[attempt - 1]!;
        return new Promise(
          (resolve, reject) => void clock.startTimer(ms, () => (fails === true ? reject(new Error(`try ${attempt}`)) : resolve(attempt))),
        );
      },
      { idempotent },
    )
    .catch((error: unknown) => String(error))
    .then((answer) => Object.assign(ended, { answer, atMs: clock.nowMs() }));
  await clock.advance(1_000);
  return { ...ended, aborted: signals.map(({ aborted }) => aborted), held: clock.held };
}

describe('hedge', () => {
  it('one that answers soon is alone', async () => {
    expect(await hedged([{ ms: 49 }])).toEqual({ answer: 1, atMs: 49, aborted: [false], held: 0 });
  });

  it('a slow one gets company: the faster one wins, the other is given up', async () => {
    expect(await hedged([{ ms: 500 }, { ms: 20 }])).toEqual({ answer: 2, atMs: 70, aborted: [true, false], held: 0 });
    expect(await hedged([{ ms: 60 }, { ms: 200 }])).toEqual({ answer: 1, atMs: 60, aborted: [false, true], held: 0 });
  });

  it('a failure is none as long as the other one is under way', async () => {
    expect(await hedged([{ ms: 60, fails: true }, { ms: 200 }])).toMatchObject({ answer: 2, atMs: 250 });
    expect(
      await hedged([
        { ms: 100, fails: true },
        { ms: 20, fails: true },
      ]),
    ).toMatchObject({ answer: 'Error: try 1', atMs: 100 });
    expect(await hedged([{ ms: 20, fails: true }])).toMatchObject({ answer: 'Error: try 1', atMs: 20 });
  });

  it('does not do twice what is not idempotent, nor more than its budget', async () => {
    expect(await hedged([{ ms: 500 }, { ms: 20 }], {}, false)).toMatchObject({ answer: 1, aborted: [false] });
    const budget = new RetryBudget({ ratio: 0, perSecond: 0, burst: 1 });
    budget.spend();
    expect(await hedged([{ ms: 500 }, { ms: 20 }], { budget })).toMatchObject({ answer: 1, aborted: [false] });
  });
});
