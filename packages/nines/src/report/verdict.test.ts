import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAG_LIMITS } from '../load/lag.ts';
import type { StepFigures } from '../load/step-figures.ts';
import type { StepLimits, Verdict } from './report.ts';
import { aReport, aStep } from './testing/reports.ts';
import { judgeDemo, judgeStep } from './verdict.ts';

const { orders } = aReport();
const figures = (different: Partial<StepFigures> = {}): StepFigures => ({ ...aStep(), ...different });
const anyFigures = fc.record({
  failed: fc.nat(20),
  recoveredMs: fc.option(fc.nat(10_000), { nil: null }),
  requests: fc.integer({ min: 100, max: 5000 }),
});
const anyLimits: fc.Arbitrary<StepLimits> = fc.record({ failed: fc.nat(5), recoveredMs: fc.nat(8000) }, { requiredKeys: [] });

describe('judgeStep', () => {
  it('passes exactly when every limit that there is holds', () => {
    fc.assert(
      fc.property(anyFigures, anyLimits, (some, limits) => {
        const holds =
          (limits.failed === undefined || some.failed <= limits.failed) &&
          (limits.recoveredMs === undefined || (some.recoveredMs !== null && some.recoveredMs <= limits.recoveredMs));
        const { verdict, findings } = judgeStep(figures(some), limits, null);
        expect(verdict).toBe(holds ? 'passed' : 'failed');
        expect(findings.length > 0).toBe(!holds);
      }),
    );
  });

  it('decides nothing by a client that was late itself, whatever the figures', () => {
    fc.assert(
      fc.property(anyFigures, anyLimits, fc.boolean(), (some, limits, mostly) => {
        const lag = mostly ? { p99Ms: LAG_LIMITS.p99Ms + 1, maxMs: LAG_LIMITS.p99Ms + 1 } : { p99Ms: 1, maxMs: LAG_LIMITS.maxMs + 1 };
        const { verdict, findings } = judgeStep(figures({ ...some, lag }), limits, null);
        expect(verdict).toBe('undecided');
        expect(findings[0]).toMatch(/too busy to measure/);
      }),
    );
  });

  it('fails a step that was given up, and does not believe one without load', () => {
    expect(judgeStep(figures(), {}, 'given up: no reason')).toEqual({ verdict: 'failed', findings: ['given up: no reason'] });
    expect(judgeStep(figures({ requests: 3 }), { failed: 0 }, null).verdict).toBe('undecided');
  });
});

describe('judgeDemo', () => {
  const step = (verdict: Verdict) => aStep({ verdict, findings: verdict === 'passed' ? [] : ['something'] });

  it('is as bad as the worst of its parts', () => {
    const verdicts = fc.array(fc.constantFrom<Verdict>('passed', 'failed', 'undecided'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(verdicts, fc.constantFrom('valid', 'invalid', 'unknown'), (some, orderVerdict) => {
        const { verdict } = judgeDemo(some.map(step), { ...orders, verdict: orderVerdict }, null);
        const isFailed = some.includes('failed') || orderVerdict === 'invalid';
        const isUndecided = some.includes('undecided') || orderVerdict === 'unknown';
        expect(verdict).toBe(isFailed ? 'failed' : isUndecided ? 'undecided' : 'passed');
      }),
    );
  });

  it('never passes a run that ended early or showed nothing', () => {
    expect(judgeDemo([step('passed')], orders, 'not run: two').verdict).toBe('undecided');
    expect(judgeDemo([step('failed')], orders, 'not run: two').verdict).toBe('failed');
    expect(judgeDemo([], orders, null).verdict).toBe('undecided');
  });
});
