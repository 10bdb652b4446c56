import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breaker, type BreakerSettings, type Outcome } from './breaker-state.ts';

const SETTINGS: BreakerSettings = {
  failureRate: 0.5,
  minimumCalls: 4,
  windowMs: 1_000,
  buckets: 10,
  consecutiveFailures: Infinity,
  openMs: 500,
  maxOpenMs: 2_000,
  halfOpenCalls: 1,
};

function fail(breaker: Breaker, times: number, nowMs: number): void {
  for (let at = 0; at < times; at++) breaker.settle(breaker.acquire(nowMs)!, 'failure', nowMs);
}

describe('Breaker', () => {
  it('opens above the share, not at it, and not with too few calls', () => {
    const breaker = new Breaker(SETTINGS);
    fail(breaker, 3, 10);
    expect(breaker.state).toBe('closed');
    for (let at = 0; at < 3; at++) breaker.settle(breaker.acquire(10)!, 'success', 10);
    expect(breaker.snapshot(10)).toMatchObject({ state: 'closed', successes: 3, failures: 3 });
    fail(breaker, 1, 10);
    expect(breaker.snapshot(10)).toMatchObject({ state: 'open', opensForMs: 500 });
    expect(breaker.acquire(509)).toBeNull();
  });

  it('lets one probe through, and closes with it', () => {
    const breaker = new Breaker(SETTINGS);
    fail(breaker, 4, 0);
    const probe = breaker.acquire(500);
    expect(probe).not.toBeNull();
    expect(breaker.acquire(500)).toBeNull();
    breaker.settle(probe!, 'success', 510);
    expect(breaker.snapshot(510)).toEqual({ state: 'closed', opensForMs: 0, successes: 0, failures: 0 });
  });

  it('is open twice as long each time, up to the most, and as short as at first once it was closed', () => {
    const breaker = new Breaker(SETTINGS);
    fail(breaker, 4, 0);
    let nowMs = 0;
    for (const forMs of [500, 1_000, 2_000, 2_000]) {
      expect(breaker.opensForMs(nowMs)).toBe(forMs);
      nowMs += forMs;
      breaker.settle(breaker.acquire(nowMs)!, 'failure', nowMs);
    }
    nowMs += 2_000;
    breaker.settle(breaker.acquire(nowMs)!, 'success', nowMs);
    fail(breaker, 4, nowMs);
    expect(breaker.opensForMs(nowMs)).toBe(500);
  });

  it('hears nothing from calls of an earlier period', () => {
    const breaker = new Breaker(SETTINGS);
    const [early, late] = [breaker.acquire(0)!, breaker.acquire(0)!];
    fail(breaker, 4, 0);
    const probe = breaker.acquire(500)!;
    breaker.settle(early, 'success', 501);
    breaker.settle(late, 'failure', 501);
    expect(breaker.state).toBe('half-open');
    breaker.settle(probe, 'success', 502);
    expect(breaker.state).toBe('closed');
  });

  it('gives another probe a chance when one never ends', () => {
    const breaker = new Breaker(SETTINGS);
    fail(breaker, 4, 0);
    const lost = breaker.acquire(500)!;
    expect(breaker.acquire(999)).toBeNull();
    const probe = breaker.acquire(1_000)!;
    breaker.settle(lost, 'failure', 1_001);
    expect(breaker.state).toBe('half-open');
    breaker.settle(probe, 'success', 1_002);
    expect(breaker.state).toBe('closed');
  });

  it('opens after failures in a row where calls are rare', () => {
    const breaker = new Breaker({ ...SETTINGS, consecutiveFailures: 3 });
    for (const nowMs of [0, 60_000]) fail(breaker, 1, nowMs);
    breaker.settle(breaker.acquire(61_000)!, 'success', 61_000);
    for (const nowMs of [120_000, 180_000]) fail(breaker, 1, nowMs);
    expect(breaker.state).toBe('closed');
    fail(breaker, 1, 240_000);
    expect(breaker.state).toBe('open');
  });

  it('whatever happens: never more probes than allowed, never a call while it is open, never stuck', () => {
    const step = fc.record({
      afterMs: fc.oneof(fc.nat(50), fc.nat(1_500)),
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'ignored'),
      settles: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 200 }), (halfOpenCalls, story) => {
        const breaker = new Breaker({ ...SETTINGS, halfOpenCalls });
        const running: number[] = [];
        let nowMs = 0;
        for (const { afterMs, outcome, settles } of story) {
          nowMs += afterMs;
          const opensForMs = breaker.opensForMs(nowMs);
          const permit = breaker.acquire(nowMs);
          if (opensForMs > 0) expect(permit).toBeNull();
          if (permit !== null) running.push(permit);
          if (breaker.state === 'half-open') expect(running.filter((each) => each === permit).length).toBeLessThanOrEqual(halfOpenCalls);
          const [ended] = running.splice(settles % Math.max(1, running.length), 1);
          if (ended !== undefined) breaker.settle(ended, outcome, nowMs);
        }
        // Healthy from now on: it closes, whatever never ended.
        for (let at = 0; at < 20 && breaker.state !== 'closed'; at++) {
          nowMs += SETTINGS.maxOpenMs;
          const permit = breaker.acquire(nowMs);
          if (permit !== null) breaker.settle(permit, 'success', nowMs);
        }
        expect(breaker.state).toBe('closed');
      }),
    );
  });
});
