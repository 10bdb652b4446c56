import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ActualUnit, type DesiredUnit, reconcile, UNLIVE_LIMIT_MS, type UnitPhase } from './reconcile.ts';

const wanted = (name: string, after: string[] = [], more: Partial<DesiredUnit> = {}): DesiredUnit => ({
  name,
  after,
  restartHash: 'h',
  reloadHash: 'r',
  restartCount: 0,
  startTimeoutMs: 1_000,
  held: false,
  ...more,
});
const found = (name: string, phase: UnitPhase, after: string[] = [], more: Partial<ActualUnit> = {}): ActualUnit => ({
  name,
  after,
  phase,
  restartHash: 'h',
  reloadHash: 'r',
  restartCount: 0,
  ...more,
});
const running = (ready: boolean): UnitPhase => ({
  kind: 'running',
  sinceMs: 0,
  ready,
  everReady: ready,
  unliveSinceMs: null,
  waitsForOthers: false,
});
const decide = (desired: DesiredUnit[], actual: ActualUnit[], nowMs = 10) =>
  Object.fromEntries(reconcile(desired, actual, nowMs).map((one) => [one.unit, `${one.rule} ${one.action}`]));

describe('reconcile', () => {
  it('starts what is wanted, after what it needs', () => {
    expect(decide([wanted('a'), wanted('b', ['a'])], [])).toEqual({ a: '6 start', b: '6 none' });
    expect(decide([wanted('a'), wanted('b', ['a'])], [found('a', running(true))])).toEqual({
      a: '13 none',
      b: '6 start',
    });
  });

  it('stops what is not wanted, dependents first', () => {
    const actual = [found('a', running(true)), found('b', running(true), ['a'])];
    expect(decide([], actual)).toEqual({ a: '2 none', b: '2 stop' });
  });

  it('replaces a process whose settings changed, reloads one whose files changed, restarts on request', () => {
    const actual = [found('a', running(true))];
    expect(decide([wanted('a', [], { restartHash: 'new' })], actual)).toEqual({ a: '7 stop' });
    expect(decide([wanted('a', [], { restartHash: 'new', held: true })], actual)).toEqual({ a: '12 none' });
    expect(decide([wanted('a', [], { restartHash: 'new', held: true })], [])).toEqual({ a: '6 start' });
    expect(decide([wanted('a', [], { restartCount: 1 })], actual)).toEqual({ a: '8 stop' });
    expect(decide([wanted('a', [], { reloadHash: 'new' })], actual)).toEqual({ a: '9 reload' });
  });

  it('waits out the back-off, and says until when', () => {
    const actual = [found('a', { kind: 'backing-off', untilMs: 50, failures: 3 })];
    expect(reconcile([wanted('a')], actual, 10)[0]).toMatchObject({ rule: 5, wakeAtMs: 50 });
    expect(decide([wanted('a')], actual, 50)).toEqual({ a: '6 start' });
  });

  it('replaces a process that is unsound or does not become ready', () => {
    const unsound: UnitPhase = { ...running(true), unliveSinceMs: 0 } as UnitPhase;
    expect(decide([wanted('a')], [found('a', unsound)], UNLIVE_LIMIT_MS - 1)).toEqual({ a: '10 none' });
    expect(decide([wanted('a')], [found('a', unsound)], UNLIVE_LIMIT_MS)).toEqual({ a: '10 stop' });
    expect(decide([wanted('a')], [found('a', running(false))], 999)).toEqual({ a: '11 none' });
    expect(decide([wanted('a')], [found('a', running(false))], 1_000)).toEqual({ a: '11 stop' });
    const waiting = { ...running(false), waitsForOthers: true } as UnitPhase;
    expect(decide([wanted('a')], [found('a', waiting)], 1_000_000)).toEqual({ a: '11 none' });
  });
});

/** A simulated host: carries the decisions out with random delays and random deaths. */
class SimulatedHost {
  units = new Map<string, ActualUnit>();
  nowMs = 0;

  apply(desired: DesiredUnit[]): number {
    let acted = 0;
    for (const decision of reconcile(desired, [...this.units.values()], this.nowMs)) {
      if (decision.action === 'none') continue;
      acted += 1;
      this.#carryOut(decision.unit, decision.action, desired);
    }
    return acted;
  }

  #carryOut(name: string, action: string, desired: DesiredUnit[]): void {
    const plan = desired.find((unit) => unit.name === name);
    const unit = this.units.get(name);
    if (action === 'start') {
      if (plan === undefined) throw new Error('started what is not wanted');
      const missing = plan.after.filter((other) => {
        const phase = this.units.get(other)?.phase;
        return phase?.kind !== 'running' || !phase.ready;
      });
      if (missing.length > 0) throw new Error(`${name} started before ${missing.join()}`);
      this.units.set(name, { ...plan, phase: { kind: 'preparing', sinceMs: this.nowMs } });
    } else if (action === 'stop' && unit !== undefined) {
      if (plan === undefined) {
        for (const other of this.units.values()) {
          const leaving = !desired.some((one) => one.name === other.name);
          const has = other.phase.kind === 'running' || other.phase.kind === 'preparing';
          if (leaving && has && other.after.includes(name)) throw new Error(`${name} stopped before ${other.name}`);
        }
      }
      unit.phase = { kind: 'stopping', sinceMs: this.nowMs };
    } else if (action === 'reload' && unit !== undefined && plan !== undefined) unit.reloadHash = plan.reloadHash;
    else if (action === 'forget') this.units.delete(name);
  }

  /** Time passes; what is under way ends, and some of what runs dies. */
  pass(ms: number, dies: (name: string) => boolean): void {
    this.nowMs += ms;
    for (const unit of this.units.values()) {
      const { phase } = unit;
      if (phase.kind === 'preparing')
        unit.phase = { kind: 'running', sinceMs: this.nowMs, ready: false, everReady: false, unliveSinceMs: null, waitsForOthers: false };
      else if (phase.kind === 'stopping') unit.phase = { kind: 'stopped' };
      else if (phase.kind === 'running' && dies(unit.name)) unit.phase = { kind: 'backing-off', untilMs: this.nowMs + 30, failures: 1 };
      else if (phase.kind === 'running') unit.phase = { ...phase, ready: true, everReady: true };
    }
  }
}

describe('reconcile, over random hosts', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  // Each unit may need those with a smaller letter: no cycles.
  const desiredSet = fc
    .tuple(
      ...names.map((name, index) =>
        fc.record({
          present: fc.boolean(),
          after: fc.subarray(names.slice(0, index)),
          restartHash: fc.constantFrom('h1', 'h2'),
          reloadHash: fc.constantFrom('r1', 'r2'),
          restartCount: fc.nat({ max: 2 }),
          name: fc.constant(name),
        }),
      ),
    )
    .map((units) => {
      const present = units.filter((unit) => unit.present);
      const kept = new Set(present.map((unit) => unit.name));
      return present.map(({ present: _, ...unit }) => ({
        ...unit,
        after: unit.after.filter((name) => kept.has(name)),
        startTimeoutMs: 1_000,
        held: false,
      }));
    });

  it('converges to any desired state, through deaths, and never violates the order', () => {
    fc.assert(
      fc.property(fc.array(desiredSet, { minLength: 1, maxLength: 4 }), fc.array(fc.nat({ max: 5 }), { maxLength: 30 }), (sets, deaths) => {
        const host = new SimulatedHost();
        const dying = [...deaths];
        for (const desired of sets) {
          for (let step = 0; step < 4; step += 1) {
            host.apply(desired);
            const victim = dying.pop();
            host.pass(20, (name) => name === names[victim ?? -1]);
          }
        }
        const last = sets.at(-1) as DesiredUnit[];
        for (let step = 0; step < 60; step += 1) {
          host.apply(last);
          host.pass(20, () => false);
        }
        expect(host.apply(last)).toBe(0);
        expect([...host.units.keys()].sort()).toEqual(last.map((unit) => unit.name));
        for (const unit of last) {
          expect(host.units.get(unit.name)).toMatchObject({
            restartHash: unit.restartHash,
            reloadHash: unit.reloadHash,
            phase: { kind: 'running', ready: true },
          });
        }
      }),
      { numRuns: 500 },
    );
  });
});
