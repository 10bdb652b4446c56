import { describe, expect, it } from 'vitest';
import { sentinelCount } from './defaults.ts';
import { normaliseTopology } from './normalise.ts';
import { topologyNotes } from './notes.ts';

const SERVICES = { web: { command: ['node', 'main.ts'] } };

function notes(zones: Record<string, { hosts: string[] }>, more: object = {}): string[] {
  return topologyNotes(normaliseTopology({ name: 't', regions: { home: { zones } }, services: SERVICES, ...more }));
}

const THREE = { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: ['c1'] } };

describe('sentinelCount', () => {
  it.each([
    [1, 3, 1],
    [2, 2, 2],
    [2, 3, 3],
    [3, 3, 3],
    [4, 9, 4],
  ])('for %i servers on %i hosts is %i', (replicas, hosts, count) => expect(sentinelCount(replicas, hosts)).toBe(count));
});

describe('topologyNotes', () => {
  it('has nothing to say about three zones with defaults', () => {
    expect(notes(THREE, { postgres: { main: {} }, redis: { cache: {} } })).toEqual([]);
  });

  it('names the single points of failure of one host, without games about quorums', () => {
    const redis = { cache: { sentinel: { quorum: 2 } } };
    expect(notes({ a: { hosts: ['a1'] } }, { postgres: { main: {} }, redis })).toEqual([
      'One host: losing it loses everything.',
      'postgres.main: one server; losing its host loses the service and perhaps its data.',
      "postgres.main: durability 'quorum' has no standby to wait for.",
      'redis.cache: one server; nothing takes over when its host is lost.',
    ]);
  });

  it.each([
    [{ a: { hosts: ['a1', 'a2', 'a3'] } }, {}, 'One zone'],
    [{ a: { hosts: ['a1'] }, b: { hosts: ['b1'] } }, {}, 'Two zones'],
    [{ a: { hosts: ['a1'] }, b: { hosts: ['b1'] } }, { redis: { r: {} } }, 'redis.r: two Sentinels'],
    [THREE, { redis: { r: { sentinel: { quorum: 1 } } } }, 'redis.r.sentinel.quorum is 1 of 3: a minority'],
    [THREE, { redis: { r: { sentinel: { quorum: 3 } } } }, 'redis.r.sentinel.quorum is 3 of 3: losing 1'],
    [THREE, { postgres: { p: { durability: 'async' } } }, "durability 'async' loses"],
    [THREE, { postgres: { p: { replicas: 2, durability: 'strict' } } }, "durability 'strict' with two servers"],
    [THREE, { gateway: { replicas: 1 } }, 'gateway.replicas is 1'],
    [THREE, { etcd: { replicas: 1 } }, 'etcd.replicas is 1'],
    [THREE, { services: { web: { command: ['x'], requestTimeout: '1500ms' } } }, 'services.web.requestTimeout is 1500ms'],
    [THREE, { services: { web: { command: ['x'], replicas: 1 } } }, 'services.web.replicas is 1'],
  ])('%j with %j', (zones, more, note) => {
    expect(notes(zones, more).filter((line) => line.includes(note))).toHaveLength(1);
  });
});
