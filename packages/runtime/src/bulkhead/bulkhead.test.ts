import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock, settled } from '../clock/testing/simulated-clock.ts';
import { compose } from '../policy/compose.ts';
import { timeout } from '../timeout/timeout.ts';
import { bulkhead } from './bulkhead.ts';
import { rejection } from '../call/testing/rejection.ts';

describe('bulkhead', () => {
  it('refuses at once when it is full', async () => {
    const policy = bulkhead({ concurrency: 1, name: 'database' });
    void policy.execute(() => new Promise(() => undefined));
    await expect(policy.execute(() => 1)).rejects.toMatchObject({
      code: 'E_BULKHEAD_FULL',
      notSent: true,
      message: expect.stringContaining('database'),
    });
  });

  it('has its place again after a call that never ends and was given up', async () => {
    const clock = new SimulatedClock();
    const policy = bulkhead({ concurrency: 1, clock });
    const limited = compose(timeout({ ms: 100, clock }), policy);
    const hangs = limited.execute(() => new Promise(() => undefined));
    const refused = rejection(hangs);
    await clock.advance(100);
    expect(await refused).toMatchObject({ code: 'E_DEADLINE' });
    expect(policy.running).toBe(0);
    expect(await policy.execute(() => 'in')).toBe('in');
  });

  it('never runs more than it may, loses no place, and keeps the order, whatever is given up', async () => {
    const step = fc.record({ kind: fc.constantFrom('call', 'end', 'fail', 'giveUp'), which: fc.nat(20) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat(4), fc.array(step, { maxLength: 60 }), async (concurrency, queue, story) => {
        const policy = bulkhead({ concurrency, queue });
        const begun: number[] = [];
        const running = new Map<number, { end: () => void; fail: () => void }>();
        const controllers: AbortController[] = [];
        for (const { kind, which } of story) {
          if (kind === 'call') {
            const id = controllers.push(new AbortController());
            const work = (): Promise<void> =>
              new Promise((resolve, reject) => {
                begun.push(id);
                running.set(id, { end: resolve, fail: () => reject(new Error('no')) });
              });
            policy
              .execute(work, { signal: controllers[id - 1]!.signal })
              .catch(() => undefined)
              .finally(() => running.delete(id));
          } else if (kind === 'giveUp') controllers[which]?.abort();
          else [...running.values()][which % Math.max(1, running.size)]?.[kind]();
          await settled();
          expect(policy.running).toBe(running.size);
          expect(running.size).toBeLessThanOrEqual(concurrency);
          expect(policy.waiting).toBeLessThanOrEqual(queue);
          if (policy.waiting > 0) expect(running.size).toBe(concurrency);
        }
        expect(begun).toEqual(begun.toSorted((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });
});
