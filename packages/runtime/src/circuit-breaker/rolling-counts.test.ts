import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RollingCounts } from './rolling-counts.ts';

it('counts what a list of all calls counts, by whole buckets', () => {
  const call = fc.record({ afterMs: fc.nat(400), failed: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(call), (buckets, calls) => {
      const counts = new RollingCounts(buckets * 100, buckets);
      const all: { bucket: number; failed: boolean }[] = [];
      let nowMs = 12_345;
      for (const { afterMs, failed } of calls) {
        nowMs += afterMs;
        if (failed) counts.failed(nowMs);
        else counts.succeeded(nowMs);
        const bucket = Math.floor(nowMs / 100);
        all.push({ bucket, failed });
        const kept = all.filter((each) => bucket - each.bucket < buckets);
        const failures = kept.filter((each) => each.failed).length;
        expect(counts.totals(nowMs)).toEqual({ successes: kept.length - failures, failures });
      }
      expect(counts.totals(nowMs + buckets * 100)).toEqual({ successes: 0, failures: 0 });
    }),
  );
});
