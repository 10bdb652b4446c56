import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NinesError } from '../../errors/errors.ts';
import type { PlacedUnit, Placement } from '../cluster-spec.ts';
import { sentinelCount } from '../defaults.ts';
import { normaliseTopology } from '../normalise.ts';
import type { Topology } from '../topology.ts';
import { place } from './place.ts';

/** Hosts per zone, and how many of each thing; normalised, so every number is one that a user may give. */
interface Shape {
  zones: number[];
  services: number[];
  postgres: number;
  redis: number;
  gateway: number;
}

function topologyOf({ zones, services, postgres, redis, gateway }: Shape): Topology {
  const hosts = zones.reduce((sum, count) => sum + count, 0);
  const zoneWords = zones.map((count, zone) => [`z${zone}`, { hosts: Array.from({ length: count }, (_, host) => `z${zone}h${host}`) }]);
  return normaliseTopology({
    name: 't',
    regions: { r: { zones: Object.fromEntries(zoneWords) } },
    services: Object.fromEntries(
      services.map((replicas, index) => [`s${index}`, { command: ['x'], replicas, port: 3000 + 100 * index, path: `/s${index}` }]),
    ),
    postgres: { main: { replicas: Math.min(postgres, hosts) } },
    redis: { cache: { replicas: Math.min(redis, hosts) } },
    gateway: { replicas: Math.min(gateway, hosts) },
  });
}

const SHAPES: fc.Arbitrary<Shape> = fc.record({
  zones: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  services: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  postgres: fc.integer({ min: 1, max: 4 }),
  redis: fc.integer({ min: 1, max: 4 }),
  gateway: fc.integer({ min: 1, max: 3 }),
});

const THREE_ZONES: Shape = { zones: [1, 1, 1], services: [6], postgres: 3, redis: 3, gateway: 2 };

function identity(unit: PlacedUnit): string {
  return `${unit.engine}/${unit.group}/${unit.ordinal}`;
}

/** Units of both placements that are on another host now. */
function movedUnits(before: Placement, after: Placement): PlacedUnit[] {
  const old = new Map(before.units.map((unit) => [identity(unit), unit.host]));
  return after.units.filter((unit) => old.has(identity(unit)) && old.get(identity(unit)) !== unit.host);
}

function counts(units: PlacedUnit[], key: (unit: PlacedUnit) => string, keys: string[]): number[] {
  return keys.map((each) => units.filter((unit) => key(unit) === each).length);
}

function spread(numbers: number[]): number {
  return Math.max(...numbers) - Math.min(...numbers);
}

/** What holds for every placement, whatever came before. */
function expectSound(topology: Topology, { units }: Placement): void {
  const hosts = Object.keys(topology.hosts);
  const zones = [...new Set(Object.values(topology.hosts).map(({ zone }) => zone))];
  const zoneOf = (unit: PlacedUnit) => topology.hosts[unit.host]?.zone ?? 'nowhere';
  expect(new Set(units.map(identity)).size).toBe(units.length);
  expect(new Set(units.map((unit) => `${unit.name}@${unit.host}`)).size).toBe(units.length);
  expect(units.every((unit) => hosts.includes(unit.host) && unit.reason !== '')).toBe(true);
  const of = (engine: string, group: string | null) => units.filter((unit) => unit.engine === engine && unit.group === group);
  const sentinels = sentinelCount(topology.redis['cache']?.replicas ?? 0, hosts.length);
  const wanted: [string, string | null, number][] = [
    ['etcd', null, topology.etcd.replicas],
    ['haproxy', null, topology.gateway?.replicas ?? 0],
    ['keepalived', null, topology.gateway?.replicas ?? 0],
    ['postgres', 'main', topology.postgres['main']?.replicas ?? 0],
    ['redis', 'cache', topology.redis['cache']?.replicas ?? 0],
    ['sentinel', 'cache', sentinels],
    ['prometheus', null, 1],
    ['alertmanager', null, 1],
  ];
  for (const [engine, group, count] of wanted) {
    expect(of(engine, group), engine).toHaveLength(count);
    expect(Math.max(...counts(of(engine, group), (unit) => unit.host, hosts)), engine).toBe(1);
    const leaders = of(engine, group).filter((unit) => unit.initialLeader).length;
    expect(leaders, engine).toBe(['haproxy', 'keepalived', 'postgres', 'redis'].includes(engine) ? 1 : 0);
  }
  const hostsOf = (engine: string) => of(engine, null).map((unit) => `${unit.host}/${unit.ordinal}/${unit.initialLeader}`);
  expect(hostsOf('keepalived')).toEqual(hostsOf('haproxy'));
  expect(hostsOf('alertmanager')).toEqual(hostsOf('prometheus'));
  for (const [name, { replicas }] of Object.entries(topology.services)) {
    const mine = of('service', name);
    expect(mine).toHaveLength(replicas);
    expect(spread(counts(mine, zoneOf, zones))).toBeLessThanOrEqual(1);
    for (const zone of zones) {
      const own = hosts.filter((host) => topology.hosts[host]?.zone === zone);
      expect(spread(counts(mine, (unit) => unit.host, own))).toBeLessThanOrEqual(1);
    }
    for (const host of hosts) {
      const slots = mine.filter((unit) => unit.host === host).map((unit) => unit.slot);
      expect(new Set(slots).size).toBe(slots.length);
      expect(Math.max(-1, ...slots)).toBeLessThan(replicas);
    }
  }
}

describe('place', () => {
  it('spreads the default topology and its leaders over three zones', () => {
    const lines = place(topologyOf(THREE_ZONES)).units.map(
      ({ host, name, slot, initialLeader, reason }) => `${host} ${name} slot ${slot}${initialLeader ? ' leads' : ''}: ${reason}`,
    );
    expect(lines).toMatchSnapshot();
    const leaders = place(topologyOf(THREE_ZONES)).units.filter((unit) => unit.initialLeader);
    expect(leaders.map((unit) => `${unit.name} ${unit.host}`)).toEqual([
      'haproxy z0h0',
      'keepalived z0h0',
      'postgres-main z1h0',
      'redis-cache z2h0',
    ]);
  });

  it('is sound for every topology', () => {
    fc.assert(fc.property(SHAPES, (shape) => expectSound(topologyOf(shape), place(topologyOf(shape)))));
  });

  it('spreads stateful groups over zones as far as there are hosts', () => {
    fc.assert(
      fc.property(SHAPES, (shape) => {
        const topology = topologyOf(shape);
        for (const engine of ['etcd', 'postgres', 'redis', 'haproxy']) {
          const units = place(topology).units.filter((unit) => unit.engine === engine);
          const zones = new Set(units.map((unit) => topology.hosts[unit.host]?.zone));
          expect(zones.size).toBe(Math.min(units.length, shape.zones.length));
        }
      }),
    );
  });

  it('does not depend on the order in which the topology was written', () => {
    fc.assert(
      fc.property(SHAPES, (shape) => {
        const topology = topologyOf(shape);
        const reversed = Object.fromEntries(Object.entries(topology.hosts).reverse());
        expect(place({ ...topology, hosts: reversed })).toEqual(place(topology));
      }),
    );
  });

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(SHAPES, (shape) => {
        const placement = place(topologyOf(shape));
        expect(place(topologyOf(shape), placement)).toEqual(placement);
      }),
    );
  });

  it('moves nothing when a replica is added or taken away', () => {
    fc.assert(
      fc.property(SHAPES, fc.integer({ min: 1, max: 9 }), (shape, replicas) => {
        const before = place(topologyOf(shape));
        const changed = topologyOf({ ...shape, services: [replicas, ...shape.services.slice(1)] });
        const after = place(changed, before);
        expectSound(changed, after);
        expect(movedUnits(before, after)).toEqual([]);
      }),
    );
  });

  it('moves only service instances of a fuller place onto an added host, and no more than make it even', () => {
    fc.assert(
      fc.property(SHAPES, fc.nat({ max: 4 }), (shape, zone) => {
        const before = place(topologyOf(shape));
        const zones = [...shape.zones];
        if (zone < zones.length) zones[zone] = (zones[zone] ?? 0) + 1;
        else zones.push(1);
        const withMembers = {
          ...topologyOf({ ...shape, zones }),
          etcd: topologyOf(shape).etcd,
          postgres: topologyOf(shape).postgres,
          redis: topologyOf(shape).redis,
          gateway: topologyOf(shape).gateway,
        };
        const after = place(withMembers, before);
        expectSound(withMembers, after);
        const added = Object.keys(withMembers.hosts).find((host) => topologyOf(shape).hosts[host] === undefined);
        for (const unit of movedUnits(before, after)) {
          expect(unit.engine).toBe('service');
          expect(unit.host).toBe(added);
        }
      }),
    );
  });

  it('moves nothing onto an added host while no place has two more than another', () => {
    const before = place(topologyOf({ ...THREE_ZONES, services: [3] }));
    const after = place(topologyOf({ ...THREE_ZONES, services: [3], zones: [2, 1, 1] }), before);
    expect(movedUnits(before, after)).toEqual([]);
  });

  it('fills a zone that was added', () => {
    const before = place(topologyOf({ ...THREE_ZONES, zones: [1] }));
    const after = place(topologyOf({ ...THREE_ZONES, zones: [1, 1, 1] }), before);
    const moved = movedUnits(before, after);
    expect(moved.map((unit) => unit.engine)).toEqual(['service', 'service', 'service', 'service']);
    expect(moved[0]?.reason).toMatch(/^moved: zone z0 had \d of it, zone z\d \d$/);
  });

  it("moves a removed host's units and no others, and keeps every leader that lives", () => {
    fc.assert(
      fc.property(
        SHAPES.filter(({ zones }) => zones.length > 1),
        fc.nat(),
        (shape, pick) => {
          const topology = topologyOf(shape);
          const names = Object.keys(topology.hosts);
          const gone = names[pick % names.length] as string;
          const before = place(topology);
          const { [gone]: _, ...hosts } = topology.hosts;
          const room = (replicas: number) => Math.min(replicas, Object.keys(hosts).length);
          const smaller: Topology = {
            ...topology,
            hosts,
            etcd: { ...topology.etcd, replicas: room(topology.etcd.replicas) },
            gateway: topology.gateway && { ...topology.gateway, replicas: room(topology.gateway.replicas) },
            postgres: mapped(topology.postgres, room),
            redis: mapped(topology.redis, room),
          };
          const after = place(smaller, before);
          expectSound(smaller, after);
          const old = new Map(before.units.map((unit) => [identity(unit), unit]));
          for (const unit of movedUnits(before, after)) expect(old.get(identity(unit))?.host).toBe(gone);
          const survivors = before.units.filter((unit) => unit.host !== gone);
          for (const was of survivors.filter((unit) => unit.initialLeader)) {
            const is = after.units.find((unit) => identity(unit) === identity(was) && unit.host === was.host);
            expect(is?.initialLeader).toBe(true);
          }
          // A newcomer must not lead while somebody with the data lives.
          for (const leader of after.units.filter((unit) => unit.initialLeader)) {
            const alive = survivors.some((unit) => unit.engine === leader.engine && unit.group === leader.group);
            if (alive) expect(survivors.map((unit) => `${unit.name}@${unit.host}`)).toContain(`${leader.name}@${leader.host}`);
          }
        },
      ),
    );
  });

  it('stays sound through any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(SHAPES, { minLength: 2, maxLength: 6 }), (shapes) => {
        let placement: Placement = { units: [] };
        for (const shape of shapes) {
          placement = place(topologyOf(shape), placement);
          expectSound(topologyOf(shape), placement);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the leader of a group that shrinks', () => {
    const before = place(topologyOf(THREE_ZONES));
    const after = place(topologyOf({ ...THREE_ZONES, postgres: 1, redis: 1, gateway: 1 }), before);
    const leaders = ({ units }: Placement) => units.filter((unit) => unit.initialLeader).map((unit) => `${identity(unit)}@${unit.host}`);
    expect(leaders(after)).toEqual(leaders(before));
  });

  it('refuses a topology that cannot be placed', () => {
    const topology = topologyOf(THREE_ZONES);
    const etcd = { ...topology.etcd, replicas: 5 };
    expect(() => place({ ...topology, etcd })).toThrow(NinesError);
  });
});

function mapped<T extends { replicas: number }>(groups: Record<string, T>, room: (replicas: number) => number): Record<string, T> {
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, { ...group, replicas: room(group.replicas) }]));
}
