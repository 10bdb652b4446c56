import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Limit, type LimitSettings } from './limit.ts';

const SETTINGS: LimitSettings = { targetMs: 100, slowShare: 0.1, initial: 20, least: 4, most: 1_000, windowMs: 500 };

describe('Limit', () => {
  it('keeps places for those that matter more', () => {
    const limit = new Limit(SETTINGS, 0);
    const entered = (priority: 'low' | 'normal' | 'critical'): number => {
      let count = 0;
      while (limit.enter(priority)) count += 1;
      return count;
    };
    expect([entered('low'), entered('normal'), entered('critical')]).toEqual([14, 4, 2]);
  });

  it('falls from what was under way, by calls that began since it last moved', () => {
    const limit = new Limit(SETTINGS, 0);
    for (let at = 0; at < 12; at++) limit.enter('critical');
    for (let at = 0; at < 12; at++) limit.leave(0, 'good', 600);
    expect(limit.limit).toBe(9);
    for (let at = 0; at < 9; at++) limit.enter('critical');
    for (let at = 0; at < 9; at++) limit.leave(599, 'slow', 2_000);
    expect(limit.limit).toBe(9);
  });

  it('rises only when it is used, and says nothing by what says nothing', () => {
    const limit = new Limit(SETTINGS, 0);
    const round = (calls: number, at: number, answer: 'good' | 'silent'): number => {
      for (let call = 0; call < calls; call++) limit.enter('critical');
      for (let call = 0; call < calls; call++) limit.leave(at, answer, at + 50);
      return limit.limit;
    };
    for (let at = 1_000; at < 20_000; at += 1_000) expect(round(9, at, 'good')).toBe(20);
    for (let at = 20_000; at < 30_000; at += 1_000) expect(round(20, at, 'silent')).toBe(20);
    expect(round(20, 30_000, 'good')).toBeGreaterThan(20);
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant('enter' as const), priority: fc.constantFrom('low' as const, 'normal' as const, 'critical' as const) }),
    fc.record({
      kind: fc.constant('leave' as const),
      answer: fc.constantFrom('good' as const, 'slow' as const, 'silent' as const),
      which: fc.nat(),
    }),
    fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 700 }) }),
  );

  it('stays within its bounds and lets nobody in beyond it', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 400 }), walk));
  });

  function walk(steps: (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): void {
    const settings = { ...SETTINGS, initial: 10, most: 40 };
    const limit = new Limit(settings, 0);
    const running: number[] = [];
    let nowMs = 0;
    for (const each of steps) {
      if (each.kind === 'time') nowMs += each.ms;
      else if (each.kind === 'enter') {
        const before = running.length;
        if (limit.enter(each.priority)) running.push(nowMs);
        else expect(before).toBeGreaterThanOrEqual(Math.floor(limit.limit * 0.7));
        if (running.length > before) expect(running.length).toBeLessThanOrEqual(limit.limit);
      } else if (running.length > 0) {
        const [startedMs] = running.splice(each.which % running.length, 1);
        limit.leave(startedMs!, each.answer, nowMs);
      }
      expect(limit.inFlight).toBe(running.length);
      expect(limit.limit).toBeGreaterThanOrEqual(settings.least);
      expect(limit.limit).toBeLessThanOrEqual(settings.most);
    }
  }
});

/** A server of `workers` that each take `serviceMs(now)` for a call, first come first served; calls come at `perSecond`, evenly. */
function simulate({
  perSecond,
  workers,
  serviceMs,
  forMs,
}: {
  perSecond: number;
  workers: number;
  serviceMs: (nowMs: number) => number;
  forMs: number;
}) {
  const limit = new Limit(SETTINGS, 0);
  const freeAtMs = Array.from({ length: workers }, () => 0);
  let ends: { atMs: number; startedMs: number }[] = [];
  const answers: { atMs: number; tookMs: number }[] = [];
  for (let nowMs = 0; nowMs < forMs; nowMs += 1_000 / perSecond) {
    ends.sort((a, b) => a.atMs - b.atMs);
    const due = ends.filter(({ atMs }) => atMs <= nowMs);
    ends = ends.slice(due.length);
    for (const { atMs, startedMs } of due) {
      limit.leave(startedMs, 'good', atMs);
      answers.push({ atMs, tookMs: atMs - startedMs });
    }
    if (!limit.enter('critical')) continue;
    const worker = freeAtMs.indexOf(Math.min(...freeAtMs));
    freeAtMs[worker] = Math.max(nowMs, freeAtMs[worker]!) + serviceMs(nowMs);
    ends.push({ atMs: freeAtMs[worker], startedMs: nowMs });
  }
  const during = (fromMs: number, toMs: number) => {
    const those = answers
      .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
      .map(({ tookMs }) => tookMs)
      .toSorted((a, b) => a - b);
    return { perSecond: those.length / ((toMs - fromMs) / 1_000), p90Ms: those[Math.floor(those.length * 0.9)] ?? 0 };
  };
  return { during, limit };
}

describe('Limit in front of a server', () => {
  it('that is asked for three times what it can do gives nearly all it can, about in time', () => {
    // Ten workers of 20 ms: 500 a second; without a limit the queue would grow by 1,000 a second.
    const { during } = simulate({ perSecond: 1_500, workers: 10, serviceMs: () => 20, forMs: 60_000 });
    const { perSecond, p90Ms } = during(20_000, 60_000);
    expect(perSecond).toBeGreaterThan(475);
    expect(p90Ms).toBeLessThan(130);
  });

  it('that becomes five times slower and quick again follows it both ways', () => {
    const serviceMs = (nowMs: number): number => (nowMs > 20_000 && nowMs < 40_000 ? 75 : 15);
    const { during } = simulate({ perSecond: 1_000, workers: 10, serviceMs, forMs: 70_000 });
    expect(during(30_000, 40_000).perSecond).toBeGreaterThan(0.8 * 133);
    expect(during(30_000, 40_000).p90Ms).toBeLessThan(160);
    expect(during(55_000, 70_000).perSecond).toBeGreaterThan(0.9 * 667);
  });

  it('that has little to do is never in the way', () => {
    const { during, limit } = simulate({ perSecond: 200, workers: 10, serviceMs: () => 20, forMs: 30_000 });
    expect(during(0, 29_000).perSecond).toBeGreaterThan(198);
    expect(limit.limit).toBeGreaterThanOrEqual(20);
  });
});
