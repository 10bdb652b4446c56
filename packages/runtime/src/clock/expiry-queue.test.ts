import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Expiring, ExpiryQueue } from './expiry-queue.ts';
import { SimulatedClock } from './testing/simulated-clock.ts';

class Entry extends Expiring {
  readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}

describe('ExpiryQueue', () => {
  it('expires each entry at its time and none that left, with one timer', async () => {
    const steps = fc.array(
      fc.oneof(fc.record({ waitMs: fc.integer({ min: 0, max: 60 }) }), fc.constant('add'), fc.record({ leaves: fc.nat(20) })),
    );
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const clock = new SimulatedClock();
        const queue = new ExpiryQueue(clock, 50);
        const entries: { entry: Entry; bornMs: number; leftMs: number | null; expiredMs: number | null }[] = [];
        for (const step of story) {
          if (step === 'add') {
            const one = { bornMs: clock.nowMs(), leftMs: null, expiredMs: null, entry: new Entry(() => (known.expiredMs = clock.nowMs())) };
            const known: (typeof entries)[number] = one;
            entries.push(known);
            queue.add(one.entry, clock.nowMs());
          } else if ('waitMs' in step) await clock.advance(step.waitMs);
          else {
            const leaver = entries[step.leaves];
            if (leaver === undefined || leaver.expiredMs !== null) continue;
            leaver.leftMs ??= clock.nowMs();
            queue.remove(leaver.entry);
          }
          expect(clock.timers).toBeLessThanOrEqual(1);
          expect(clock.held).toBe(entries.some(({ leftMs, expiredMs }) => leftMs === null && expiredMs === null) ? 1 : 0);
        }
        await clock.advance(200);
        expect(clock.timers).toBe(0);
        for (const { bornMs, leftMs, expiredMs } of entries) {
          expect(expiredMs).toBe(leftMs === null ? bornMs + 50 : null);
        }
      }),
    );
  });
});
