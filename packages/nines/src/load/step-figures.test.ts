import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentile } from './percentile.ts';
import type { RequestRecord } from './record.ts';
import { stepFigures } from './step-figures.ts';
import { aRun } from './testing/records.ts';
import { timeline } from './timeline.ts';

const lost: Partial<RequestRecord> = { class: 'info', attempts: 2, causes: ['reset', 'timeout'], status: null };

describe('stepFigures', () => {
  it('counts by when requests were due, and gaps by when answers came', () => {
    const records = aRun(3000, (dueMs) => (dueMs >= 1200 && dueMs < 1400 ? lost : dueMs === 1100 ? { attempts: 2, causes: ['503'] } : {}));
    const figures = stepFigures(records, {
      name: 'kill',
      window: { fromMs: 1000, untilMs: 2000 },
      faults: [{ name: 'kill', atMs: 1150 }],
    });
    expect(figures).toMatchObject({ requests: 100, failed: 20, failedFirstTry: 21, longestGapMs: 210, readGapMs: 210, recoveredMs: 250 });
    expect(figures.causes).toEqual({ reset: 20, timeout: 20, '503': 1 });
    expect(figures.writeGapMs).toBe(1000);
    expect(figures.spacingMs.read).toBe(10);
  });

  it('tells reads and writes apart', () => {
    const records = aRun(1000, (dueMs) =>
      dueMs % 50 === 0 ? { f: 'placeOrder', key: String(dueMs), ...(dueMs >= 500 && dueMs < 700 ? lost : {}) } : {},
    );
    const figures = stepFigures(records, { name: 'redis', window: { fromMs: 0, untilMs: 1000 }, faults: [] });
    expect(figures).toMatchObject({ keyedWrites: 20, failed: 4, recoveredMs: 0 });
    expect(figures.writeGapMs).toBe(250);
    expect(figures.readGapMs).toBe(20);
  });

  it('takes the longest of several faults, and unknown over all', () => {
    const felt = (...ranges: [number, number][]) =>
      aRun(3000, (dueMs) => (ranges.some(([from, until]) => dueMs >= from && dueMs < until) ? lost : {}));
    const step = {
      name: 'zone',
      window: { fromMs: 0, untilMs: 3000 },
      faults: [
        { name: 'cut', atMs: 1000 },
        { name: 'heal', atMs: 2000 },
      ],
    };
    expect(stepFigures(felt([1000, 1300], [2000, 2500]), step)).toMatchObject({
      recoveredMs: 500,
      faults: [{ recoveredMs: 300 }, { recoveredMs: 500 }],
    });
    expect(stepFigures(felt([1000, 1300], [2000, 3000]), step).recoveredMs).toBeNull();
  });

  it('finds nothing in an empty window, and fails nobody for it', () => {
    const figures = stepFigures([], { name: 'none', window: { fromMs: 0, untilMs: 1000 }, faults: [] });
    expect(figures).toMatchObject({ requests: 0, failed: 0, longestGapMs: 1000, latency: { p50Ms: 0, maxMs: 0 } });
  });
});

describe('percentile', () => {
  it('is the smallest value that at least that share does not exceed', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.constantFrom(1, 50, 90, 99, 99.9, 100), (some, percent) => {
        const rising = some.sort((one, other) => one - other);
        const value = percentile(rising, percent);
        expect(rising.filter((one) => one <= value).length).toBeGreaterThanOrEqual(Math.ceil((percent / 100) * rising.length - 1e-9));
        expect(rising.filter((one) => one < value).length).toBeLessThan((percent / 100) * rising.length);
      }),
    );
  });
});

describe('timeline', () => {
  it('puts every request of the run into one slot', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('ok', 'retried', 'failed'), { minLength: 1, maxLength: 200 }), (fates) => {
        const records = aRun(fates.length * 10, (dueMs) => {
          const fate = fates[dueMs / 10];
          return fate === 'failed' ? lost : fate === 'retried' ? { attempts: 2, causes: ['reset'] } : {};
        });
        const slots = timeline(records, fates.length * 10 + 100);
        const sum = (of: (slot: (typeof slots)[number]) => number) => slots.reduce((total, slot) => total + of(slot), 0);
        expect(sum((slot) => slot.ok + slot.failed)).toBe(fates.length);
        expect(sum((slot) => slot.retried)).toBe(fates.filter((fate) => fate === 'retried').length);
        expect(slots.every((slot, index) => slot.atMs === index * 100)).toBe(true);
      }),
    );
  });
});
