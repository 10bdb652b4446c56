import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestRecord } from './record.ts';
import { recoveredMs } from './recovery.ts';
import { aRun } from './testing/records.ts';

const reset: Partial<RequestRecord> = { class: 'info', attempts: 2, causes: ['reset', 'reset'], status: null };
const saved: Partial<RequestRecord> = { attempts: 2, causes: ['reset'] };

describe('recoveredMs', () => {
  it('is 0 when nothing was felt, and counts nothing from before the fault', () => {
    expect(recoveredMs(aRun(1000), 500, 1000)).toBe(0);
    expect(
      recoveredMs(
        aRun(1000, (dueMs) => (dueMs < 480 ? reset : {})),
        500,
        1000,
      ),
    ).toBe(0);
  });

  it('ends with the first request after the last one that failed or needed its retry', () => {
    const felt = aRun(1000, (dueMs) => (dueMs === 600 ? reset : dueMs === 700 ? saved : {}));
    expect(recoveredMs(felt, 500, 1000)).toBe(210);
  });

  it('counts a victim that was under way at the fault', () => {
    const felt = aRun(1000, (dueMs) => (dueMs === 490 ? { ...reset, doneMs: 900 } : {}));
    expect(recoveredMs(felt, 500, 1000)).toBe(10);
  });

  it('leaves to the next event what had only just begun when it came, and nothing older', () => {
    const lateFrom = (fromMs: number) => aRun(1000, (dueMs) => (dueMs === fromMs ? { ...saved, doneMs: 1_400 } : {}));
    expect(recoveredMs(lateFrom(980), 500, 1000)).toBe(0);
    expect(recoveredMs(lateFrom(740), 500, 1000)).toBe(250);
    // Answered before the event, however young: a victim of the fault.
    const early = aRun(1000, (dueMs) => (dueMs === 900 ? { ...saved, doneMs: 990 } : {}));
    expect(recoveredMs(early, 500, 1000)).toBe(410);
  });

  it('is unknown when it lasts until the end', () => {
    expect(
      recoveredMs(
        aRun(1000, (dueMs) => (dueMs >= 500 ? reset : {})),
        500,
        1000,
      ),
    ).toBeNull();
    expect(
      recoveredMs(
        aRun(2000, (dueMs) => (dueMs >= 500 && dueMs < 1000 ? reset : {})),
        500,
        1000,
      ),
    ).toBeNull();
  });

  it('for any pattern: everything due from then on is well, and what is due just before it is not', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }), fc.integer({ min: 0, max: 99 }), (well, at) => {
        const faultMs = at * 10;
        const records = aRun(1000, (dueMs) => (well[dueMs / 10] ? {} : reset));
        const recovered = recoveredMs(records, faultMs, 1000);
        const bad = records.filter((record) => record.class !== 'ok' && record.doneMs >= faultMs);
        if (recovered === null) expect(bad.at(-1)?.dueMs).toBe(990);
        else {
          const later = records.filter((record) => record.dueMs >= faultMs + recovered);
          if (bad.length > 0) expect(later.every((record) => record.class === 'ok')).toBe(true);
          if (recovered > 10) expect(records.find((record) => record.dueMs === faultMs + recovered - 10)?.class).toBe('info');
        }
      }),
    );
  });
});
