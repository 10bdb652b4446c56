import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueAtMs } from './open-loop.ts';

describe('dueAtMs', () => {
  it('is k / rate without a ramp', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 5000 }), (index, rate) => {
        expect(dueAtMs(index, rate, 0)).toBeCloseTo((index * 1000) / rate, 6);
      }),
    );
  });

  it('only rises, never faster than the rate, and keeps the rate after the ramp', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 10_000 }), (index, rate, rampMs) => {
        const dueMs = dueAtMs(index, rate, rampMs);
        const spacingMs = dueAtMs(index + 1, rate, rampMs) - dueMs;
        expect(spacingMs).toBeGreaterThanOrEqual(1000 / rate - 1e-6);
        if (dueMs >= rampMs) expect(spacingMs).toBeCloseTo(1000 / rate, 6);
      }),
    );
  });
});
