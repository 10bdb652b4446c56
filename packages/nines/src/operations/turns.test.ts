import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { HostState, UnitState } from '../agent/host-state.ts';
import type { EngineName, PlacedUnit } from '../topology/cluster-spec.ts';
import { leadingUnits, turnOrder, unitKey } from './turns.ts';

const unit = (engine: PlacedUnit['engine'], ordinal: number, initialLeader = false): PlacedUnit => ({
  name: `${engine}-${ordinal}`,
  engine,
  group: null,
  host: 'h',
  ordinal,
  slot: 0,
  initialLeader,
  reason: '',
});

it('replaces stores before services, and the one that leads now last, whoever led first', () => {
  const units = [unit('service', 1), unit('postgres', 0), unit('service', 0), unit('postgres', 1, true), unit('etcd', 0)];
  const order = (leading: string[]) => turnOrder(units, new Set(leading)).map(({ name }) => name);
  expect(order(['postgres-0@h'])).toEqual(['etcd-0', 'postgres-1', 'postgres-0', 'service-0', 'service-1']);
  expect(order(['postgres-1@h'])).toEqual(['etcd-0', 'postgres-0', 'postgres-1', 'service-0', 'service-1']);
});

it('takes nobody after the leader of its engine, and never loses or invents a unit', () => {
  const engines: EngineName[] = ['etcd', 'postgres', 'redis', 'haproxy', 'service'];
  const units = fc.uniqueArray(fc.tuple(fc.constantFrom(...engines), fc.nat(5)), {
    selector: ([engine, ordinal]) => `${engine}-${ordinal}`,
  });
  fc.assert(
    fc.property(units, fc.nat(), (chosen, pick) => {
      const all = chosen.map(([engine, ordinal]) => unit(engine, ordinal));
      const leader = all[pick % Math.max(1, all.length)];
      const order = turnOrder(all, new Set(leader === undefined ? [] : [unitKey(leader)]));
      expect(order.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(all.toSorted((a, b) => a.name.localeCompare(b.name)));
      expect(order.filter(({ engine }) => engine === leader?.engine).at(-1)).toBe(leader);
    }),
  );
});

it('believes the units themselves who leads', () => {
  const state = (roles: Record<string, string | null>): HostState =>
    ({ units: Object.entries(roles).map(([name, role]) => ({ name, role }) as UnitState) }) as HostState;
  const answers = [
    { host: 'a1', state: state({ 'postgres-main': 'standby', 'redis-cache': 'master', orders: null }), error: null },
    { host: 'b1', state: state({ 'postgres-main': 'primary', haproxy: 'active' }), error: null },
    { host: 'c1', state: null, error: 'no answer in time' },
  ];
  expect([...leadingUnits(answers)]).toEqual(['redis-cache@a1', 'postgres-main@b1', 'haproxy@b1']);
});
