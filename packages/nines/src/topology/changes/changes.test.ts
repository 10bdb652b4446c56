import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterSpec } from '../cluster-spec.ts';
import { makeClusterSpec } from '../make-cluster-spec.ts';
import { normaliseTopology } from '../normalise.ts';
import { differences } from './differences.ts';
import { leaves, type Plain } from './leaves.ts';
import { refusals } from './refusals.ts';

const WORDS = {
  name: 'orders',
  regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: ['c1', 'c2'] } } } },
  services: { web: { command: ['node', 'main.ts'], replicas: 3 } },
  postgres: { main: {} },
  redis: { cache: {} },
};

function specOf(changed: object = {}, previous?: ClusterSpec): ClusterSpec {
  const topology = normaliseTopology({ ...WORDS, ...changed });
  const addresses = Object.fromEntries(Object.keys(topology.hosts).map((host) => [host, `10.0.0.${host.charCodeAt(0)}${host.slice(1)}`]));
  const input = { topology, addresses, gatewayAddress: '10.0.0.9', networkPrefix: 24 };
  return makeClusterSpec(previous === undefined ? input : { ...input, previous });
}

const BEFORE = specOf();

function lines(changed: object): string[] {
  return differences(BEFORE, specOf(changed, BEFORE)).map((change) => change.line);
}

describe('differences', () => {
  it('of an unchanged topology are none', () => expect(lines({})).toEqual([]));

  it('name settings by path with the old and the new value', () => {
    expect(lines({ gateway: { port: 8081, nextUpstream: ['error'] }, objectives: { readDeadline: '2500ms' } })).toEqual([
      '~ gateway.nextUpstream: ["error","timeout","invalid_header","http_500","http_502","http_503","http_504"] -> ["error"]',
      '~ gateway.port: 8080 -> 8081',
      '~ objectives.readDeadlineMs: 2000 -> 2500',
    ]);
  });

  it('show units that come and go, with the reason', () => {
    const service = { command: ['node', 'main.ts'] };
    expect(lines({ services: { web: { ...service, replicas: 5 } } })).toEqual([
      '~ services.web.replicas: 3 -> 5',
      '+ web-3 on c2: zone c had the fewest of it (1), c2 the most room there',
      '+ web-4 on b1: zone b had the fewest of it (1), b1 the most room there',
    ]);
    expect(lines({ services: { web: { ...service, replicas: 2 } } })).toEqual(['~ services.web.replicas: 3 -> 2', '- web-2 on a1']);
  });

  it('show units that move', () => {
    const fewer = { regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: ['c1'] } } } } };
    const moves = lines(fewer).filter((line) => line.startsWith('>'));
    expect(moves.length).toBeGreaterThan(0);
    for (const move of moves) expect(move).toMatch(/^> \S+ from c2 to (a1|b1|c1): (zone|beside)/);
  });

  it('show new slots and leaders of a unit that stays', () => {
    const units = BEFORE.placement.units.map((unit) => (unit.name === 'web-0' ? { ...unit, slot: 4, initialLeader: true } : unit));
    const change = differences(BEFORE, { ...BEFORE, placement: { units } });
    expect(change.map(({ line }) => line)).toEqual([expect.stringMatching(/^~ web-0 on \w+: slot 0 -> slot 4, leads first$/)]);
    const slotOnly = BEFORE.placement.units.map((unit) => (unit.name === 'web-0' ? { ...unit, slot: 4 } : unit));
    expect(differences(BEFORE, { ...BEFORE, placement: { units: slotOnly } })).toHaveLength(1);
  });

  it('show restarts that were asked for', () => {
    const after = { ...BEFORE, restarts: { 'web-0@a1': 1 } };
    expect(differences(BEFORE, after)).toMatchObject([
      { kind: 'unit-restarted', what: 'web-0@a1', before: 0, after: 1, line: '^ web-0 on a1 restarts' },
    ]);
  });

  it('see every leaf of plain data, and only leaves, whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), fc.string(), (data, key) => {
        const plain = JSON.parse(JSON.stringify(data)) as Record<string, Plain>;
        const before = leaves(plain);
        expect(leaves(reversed(plain))).toEqual(before);
        const changed = leaves({ ...plain, [key]: { marker: 'changed' } });
        const own = JSON.stringify([key, 'marker']);
        expect(changed.get(own)).toBe('changed');
        const under = (path: string) => (JSON.parse(path) as string[])[0] === key || path === '[]';
        const others = (found: Map<string, Plain>) => [...found].filter(([path]) => !under(path));
        expect(others(changed)).toEqual(others(before));
      }),
    );
  });
});

function reversed(value: Plain): Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, below]) => [key, reversed(below)]),
  );
}

describe('refusals', () => {
  it('are none for what may change', () => {
    const service = { command: ['node', 'other.ts'], replicas: 9, port: 4000 };
    const changed = {
      services: { web: service },
      gateway: { replicas: 3, port: 8081 },
      postgres: { main: { parameters: { max_connections: '200' } }, more: { port: 5434 } },
      observe: { prometheus: false, alertmanager: false },
    };
    expect(refusals(BEFORE, specOf(changed, BEFORE))).toEqual([]);
  });

  it.each([
    [{ name: 'other' }, "name: the running cluster is called 'orders'"],
    [{ etcd: { replicas: 1 } }, 'etcd.replicas: it is 3 and cannot become 1: members'],
    [{ etcd: { clientPort: 2390 } }, 'etcd.clientPort: it is 2379 and cannot become 2390'],
    [{ postgres: { main: { replicas: 2 } } }, 'postgres.main.replicas: it is 3 and cannot become 2'],
    [{ postgres: { main: { port: 5433 } } }, 'postgres.main.port: it is 5432'],
    [{ postgres: { main: { database: 'x' } } }, 'postgres.main.database: it is app and cannot become x'],
    [
      { postgres: { main: { parameters: { max_connections: '50' } } } },
      'postgres.main.parameters.max_connections: it is 100 and cannot become 50',
    ],
    [{ postgres: {} }, 'postgres.main: a group cannot be taken away'],
    [{ redis: { cache: { replicas: 2 } } }, 'redis.cache.replicas: it is 3'],
    [{ redis: { cache: { sentinel: { port: 26380 } } } }, 'redis.cache.sentinel.port: it is 26379'],
    [{ redis: {} }, 'redis.cache: a group cannot be taken away'],
    [
      { regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1', 'c2'] }, c: { hosts: ['c1'] } } } } },
      'hosts.c2: it stands in west/c',
    ],
    [
      {
        regions: { west: { zones: { a: { hosts: { a1: { address: '10.0.0.77' } } }, b: { hosts: ['b1'] }, c: { hosts: ['c1', 'c2'] } } } },
      },
      'hosts.a1.address: it is known to the others as 10.0.0.971',
    ],
    [
      { regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, d: { hosts: ['d1', 'd2'] } } } } },
      'hosts.c1: it cannot be taken away while it holds etcd',
    ],
  ])('refuse %j', (changed, line) => {
    const found = refusals(BEFORE, specOf(changed, BEFORE));
    expect(found.filter((each) => each.includes(line))).toHaveLength(1);
  });

  it('refuse another network', () => {
    expect(refusals(BEFORE, { ...BEFORE, networkPrefix: 16 })).toHaveLength(1);
  });
});
