import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { CellRate, rateLimit } from './rate-limit.ts';

describe('rateLimit', () => {
  it('lets in at most burst + rate x time in any stretch, and says when the next one is let in', () => {
    const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(rate, fc.array(fc.nat(300), { maxLength: 100 }), ({ perSecond, burst }, gaps) => {
        const cells = new CellRate(perSecond, burst);
        const enteredMs: number[] = [];
        let nowMs = 0;
        for (const gap of gaps) {
          nowMs += gap;
          const afterMs = cells.enter(nowMs);
          if (afterMs === 0) enteredMs.push(nowMs);
          else {
            nowMs += afterMs + 1e-6;
            expect(cells.enter(nowMs)).toBe(0);
            enteredMs.push(nowMs);
          }
        }
        for (let from = 0; from < enteredMs.length; from++) {
          for (let to = from; to < enteredMs.length; to++) {
            const seconds = (enteredMs[to]! - enteredMs[from]!) / 1_000;
            expect(to - from + 1).toBeLessThanOrEqual(burst + seconds * perSecond + 1e-3);
          }
        }
      }),
    );
  });

  it('refuses with the time to wait, and does not begin the action', async () => {
    const clock = new SimulatedClock();
    const limit = rateLimit({ perSecond: 10, burst: 1, clock });
    await limit.execute(() => 1);
    const begun: number[] = [];
    await expect(limit.execute(() => void begun.push(1))).rejects.toMatchObject({
      code: 'E_RATE_LIMITED',
      retryAfterMs: 100,
      notSent: true,
    });
    expect(begun).toEqual([]);
    await clock.advance(100);
    expect(await limit.execute(() => 2)).toBe(2);
  });
});
