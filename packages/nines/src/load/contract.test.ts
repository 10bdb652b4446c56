import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttemptEnd, attemptPlan, classOf, classOfAll, CONTRACT, isRetried } from './contract.ts';
import { whyUntrustworthy } from './lag.ts';
import { READS, WRITES } from './record.ts';

const end: fc.Arbitrary<AttemptEnd> = fc.oneof(
  fc.record({ kind: fc.constant('answer' as const), status: fc.constantFrom(200, 201, 401, 409, 422, 500, 502, 503, 504) }),
  fc.record({
    kind: fc.constant('failure' as const),
    cause: fc.constantFrom('refused', 'unreachable', 'reset', 'timeout', 'unusable'),
    sent: fc.boolean(),
  }),
);

describe('the contract', () => {
  it('retries reads and keyed writes, never an un-keyed write, and leaves the retry the larger share', () => {
    for (const read of READS) expect(attemptPlan(CONTRACT, read, false)).toEqual({ deadlineMs: 2000, retryAtMs: 800 });
    for (const write of WRITES) {
      expect(attemptPlan(CONTRACT, write, true)).toEqual({ deadlineMs: 3000, retryAtMs: 1200 });
      expect(attemptPlan(CONTRACT, write, false)).toEqual({ deadlineMs: 3000, retryAtMs: null });
    }
    // The retry's SYN is sent again by the kernel one second later: that must still be inside the deadline.
    const { deadlineMs, retryAtMs } = attemptPlan(CONTRACT, 'products', false);
    expect(Number(retryAtMs) + 1000).toBeLessThan(deadlineMs);
  });

  it('retries what another connection may save, and nothing else', () => {
    for (const status of [502, 503, 504]) expect(isRetried({ kind: 'answer', status })).toBe(true);
    for (const status of [200, 400, 401, 409, 500]) expect(isRetried({ kind: 'answer', status })).toBe(false);
    for (const cause of ['refused', 'unreachable', 'reset', 'timeout'] as const)
      expect(isRetried({ kind: 'failure', cause, sent: true })).toBe(true);
    for (const cause of ['unusable', 'capped'] as const) expect(isRetried({ kind: 'failure', cause, sent: true })).toBe(false);
  });

  it('claims that nothing happened only when every attempt claims it', () => {
    fc.assert(
      fc.property(fc.array(end, { minLength: 1, maxLength: 2 }), (ends) => {
        const classes = ends.map(classOf);
        const all = classOfAll(ends);
        expect(all === 'ok').toBe(classes.includes('ok'));
        if (all === 'fail') expect(classes.every((one) => one === 'fail')).toBe(true);
      }),
    );
    expect(
      classOfAll([
        { kind: 'failure', cause: 'timeout', sent: true },
        { kind: 'answer', status: 401 },
      ]),
    ).toBe('info');
    expect(
      classOfAll([
        { kind: 'failure', cause: 'refused', sent: false },
        { kind: 'answer', status: 422 },
      ]),
    ).toBe('fail');
  });

  it('does not take 409 for a refusal: a gateway may have sent the key before, and that may yet take effect', () => {
    expect(classOf({ kind: 'answer', status: 409 })).toBe('info');
    expect(classOf({ kind: 'answer', status: 422 })).toBe('fail');
  });
});

describe('the lag', () => {
  it('is trusted up to its limits', () => {
    expect(whyUntrustworthy({ p99Ms: 100, maxMs: 500 })).toBeNull();
    expect(whyUntrustworthy({ p99Ms: 101, maxMs: 110 })).toMatch(/1 % of the requests were sent 101 ms late/);
    expect(whyUntrustworthy({ p99Ms: 1, maxMs: 501 })).toMatch(/a request was sent 501 ms late/);
  });
});
