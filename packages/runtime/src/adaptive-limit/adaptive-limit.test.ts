import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { compose } from '../policy/compose.ts';
import { timeout } from '../timeout/timeout.ts';
import { adaptiveLimit } from './adaptive-limit.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('adaptiveLimit', () => {
  it('refuses the less important first, with the time to wait, and frees places', async () => {
    const clock = new SimulatedClock();
    const policy = adaptiveLimit({ targetMs: 100, initial: 10, retryAfterMs: 250, clock });
    let end = (): void => undefined;
    const first = policy.execute(() => new Promise<void>((resolve) => (end = resolve)), { priority: 'low' });
    for (let at = 1; at < 7; at++) void policy.execute(never, { priority: 'low' });
    await expect(policy.execute(never, { priority: 'low' })).rejects.toMatchObject({ code: 'E_OVERLOADED', retryAfterMs: 250 });
    expect(await policy.execute(() => 1)).toBe(1);
    expect(policy.running).toBe(7);
    end();
    await first;
    expect(policy.running).toBe(6);
  });

  it('falls by answers that never come, and loses no place to them', async () => {
    const clock = new SimulatedClock();
    const limit = adaptiveLimit({ targetMs: 500, initial: 20, windowMs: 100, clock });
    const policy = compose(timeout({ ms: 200, clock }), limit);
    const calls = Array.from({ length: 20 }, () => policy.execute(never, { priority: 'critical' }).catch(() => undefined));
    await clock.advance(200);
    await Promise.all(calls);
    expect([limit.limit, limit.running]).toEqual([15, 0]);
  });

  it('is not moved by callers that went away, nor by quick errors', async () => {
    const clock = new SimulatedClock();
    const policy = adaptiveLimit({ targetMs: 10, initial: 20, windowMs: 100, clock });
    const caller = new AbortController();
    const gone = Array.from({ length: 15 }, () => policy.execute(never, { signal: caller.signal }).catch(() => undefined));
    await clock.advance(1_000);
    caller.abort();
    await Promise.all(gone);
    for (let at = 0; at < 20; at++) await policy.execute(() => Promise.reject(new Error('no'))).catch(() => undefined);
    expect([policy.limit, policy.running]).toEqual([20, 0]);
  });

  it('names an option that cannot be', () => {
    expect(() => adaptiveLimit({ targetMs: 0 })).toThrow(/^targetMs is 0/);
    expect(() => adaptiveLimit({ targetMs: 1, least: 30, most: 20 })).toThrow(/^most is 20/);
    expect(() => adaptiveLimit({ targetMs: 1, most: 10, initial: 11 })).toThrow(/^initial is 11/);
    expect(adaptiveLimit({ targetMs: 1, most: 10 }).limit).toBe(10);
  });
});
