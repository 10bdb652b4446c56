import { describe, expect, test } from 'vitest';
import { certificatePaths } from '../../identity/identity.ts';
import { exampleTopology } from '../../identity/testing/example-topology.ts';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { UnitContext } from '../engine.ts';
import { etcd } from './engine.ts';
import { etcdEndpoints } from './render.ts';

const HOSTS = ['h0', 'h1', 'h2'];
const unit = (host: string, ordinal: number): PlacedUnit => ({
  name: 'etcd',
  engine: 'etcd',
  group: null,
  host,
  ordinal,
  slot: 0,
  initialLeader: false,
  reason: '',
});
const spec: ClusterSpec = {
  revision: 1,
  topology: exampleTopology({ postgres: { main: 3 } }),
  hosts: Object.fromEntries(HOSTS.map((host, ordinal) => [host, { address: `10.0.0.${ordinal + 1}`, zone: host, region: 'west' }])),
  gatewayAddress: null,
  networkPrefix: 24,
  placement: { units: HOSTS.map(unit).toReversed() },
  restarts: {},
  holds: [],
};
const context = (host: string): UnitContext => ({
  spec,
  unit: spec.placement.units.find((placed) => placed.host === host)!,
  paths: { dataDir: '/var/lib/nines', runDir: '/run/nines', projectDir: '/project', nodeFile: '/node' },
  secrets: { postgres: { 'main/postgres': 'hunter2' }, redis: {}, services: {}, other: {} },
  certificate: (name) => certificatePaths('/var/lib/nines/identity', name),
});
const settings = (host: string) => JSON.parse(etcd.plan(context(host)).files[0]!.content) as Record<string, unknown>;

describe('the plan of an etcd member', () => {
  test('listens on its host alone, asks clients and peers for certificates', () => {
    const plan = etcd.plan(context('h1'));
    expect(plan.listens.map(({ address, port }) => `${address}:${port}`)).toEqual(['10.0.0.2:2379', '10.0.0.2:2380']);
    const rendered = settings('h1');
    expect(rendered).toMatchObject({
      name: 'h1',
      'listen-client-urls': 'https://10.0.0.2:2379',
      'listen-peer-urls': 'https://10.0.0.2:2380',
    });
    for (const side of ['client', 'peer']) {
      expect(rendered[`${side}-transport-security`]).toEqual({
        'cert-file': '/var/lib/nines/identity/etcd.pem',
        'key-file': '/var/lib/nines/identity/etcd.key',
        'trusted-ca-file': '/var/lib/nines/identity/ca.pem',
        'client-cert-auth': true,
      });
    }
  });

  test('all members begin the same cluster; equal contexts make equal plans; no secret is in it', () => {
    const clusters = HOSTS.map((host) => settings(host)['initial-cluster']);
    expect(new Set(clusters)).toEqual(new Set(['h0=https://10.0.0.1:2380,h1=https://10.0.0.2:2380,h2=https://10.0.0.3:2380']));
    expect(etcd.plan(context('h0'))).toEqual(etcd.plan(context('h0')));
    expect(JSON.stringify(etcd.plan(context('h0')))).not.toContain('hunter2');
  });

  test('an election takes ten lost heartbeats, as etcd asks for at least five', () => {
    const { 'heartbeat-interval': heartbeat, 'election-timeout': election } = settings('h0');
    expect(Number(election)).toBeGreaterThanOrEqual(5 * Number(heartbeat));
  });

  test('a client asks its own host first', () => {
    expect(etcdEndpoints(spec, 'h2')).toEqual(['https://10.0.0.3:2379', 'https://10.0.0.1:2379', 'https://10.0.0.2:2379']);
    expect(etcdEndpoints(spec)[0]).toBe('https://10.0.0.1:2379');
  });
});
