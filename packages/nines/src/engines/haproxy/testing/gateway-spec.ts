/** A small cluster with one service, for the tests and the bench of the gateway. */
import { join } from 'node:path';
import type { UnitContext } from '../../engine.ts';
import type { ClusterSpec, PlacedUnit } from '../../../topology/cluster-spec.ts';
import type { GatewayTopology, PostgresTopology, ServiceTopology } from '../../../topology/topology.ts';

export const SERVICE: ServiceTopology = {
  command: ['node', 'server.ts'],
  folder: '.',
  env: {},
  secrets: [],
  port: 3000,
  replicas: 3,
  uses: { postgres: null, redis: null },
  health: { livePath: '/livez', readyPath: '/ready', startupPath: '/startupz', intervalMs: 500, timeoutMs: 500 },
  metricsPath: '/metrics',
  migrate: null,
  startTimeoutMs: 10_000,
  stopTimeoutMs: 5_000,
  requestTimeoutMs: 800,
  maxConcurrent: 64,
  path: '/',
};

export const GATEWAY: GatewayTopology = {
  replicas: 2,
  address: null,
  port: 8080,
  maxFails: 3,
  failTimeoutMs: 30_000,
  nextUpstream: ['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'],
  replayBodyBytes: 16 * 1024,
};

const POSTGRES: PostgresTopology = { replicas: 3, durability: 'quorum', port: 5432, database: 'app', parameters: {} };

export interface GatewaySpecOptions {
  /** Host name -> address; zones are a, b, c, ... in their order, the first two run gateways. */
  hosts: Record<string, string>;
  gatewayAddress: string;
  gateway?: Partial<GatewayTopology>;
  services: Record<string, Partial<ServiceTopology>>;
  /** PostgreSQL groups and their ports; one member on each host, the first one's is the first primary. */
  postgres?: Record<string, number>;
}

/** Instances go round the hosts. */
export function gatewaySpec(options: GatewaySpecOptions): ClusterSpec {
  const names = Object.keys(options.hosts);
  const services = Object.fromEntries(Object.entries(options.services).map(([name, service]) => [name, { ...SERVICE, ...service }]));
  const gateway = { ...GATEWAY, ...options.gateway };
  const groups = options.postgres ?? {};
  const zone = (index: number) => 'abcdefgh'[index] ?? 'z';
  return {
    revision: 1,
    topology: {
      name: 'test',
      hosts: Object.fromEntries(names.map((name, i) => [name, { region: 'west', zone: zone(i), address: null }])),
      services,
      gateway,
      postgres: Object.fromEntries(Object.entries(groups).map(([name, port]) => [name, { ...POSTGRES, port, replicas: names.length }])),
      redis: {},
      etcd: { replicas: 3, clientPort: 2379, peerPort: 2380 },
      observe: {
        prometheus: true,
        alertmanager: true,
        prometheusPort: 9090,
        alertmanagerPort: 9093,
        scrapeIntervalMs: 5_000,
        retentionMs: 24 * 3_600_000,
      },
      objectives: { availability: 99.99, readDeadlineMs: 2_000, writeDeadlineMs: 3_000 },
    },
    hosts: Object.fromEntries(
      Object.entries(options.hosts).map(([name, address], i) => [name, { address, zone: zone(i), region: 'west' }]),
    ),
    gatewayAddress: options.gatewayAddress,
    networkPrefix: 24,
    placement: {
      units: [...gatewayUnits(names, gateway.replicas), ...serviceUnits(names, services), ...postgresUnits(names, Object.keys(groups))],
    },
    restarts: {},
    holds: [],
  };
}

function gatewayUnits(hosts: string[], replicas: number): PlacedUnit[] {
  return hosts.slice(0, replicas).flatMap((host, ordinal) =>
    (['haproxy', 'keepalived'] as const).map((engine) => ({
      name: engine,
      engine,
      group: null,
      host,
      ordinal,
      slot: 0,
      initialLeader: ordinal === 0,
      reason: 'for a test',
    })),
  );
}

function serviceUnits(hosts: string[], services: Record<string, ServiceTopology>): PlacedUnit[] {
  return Object.entries(services).flatMap(([group, service]) =>
    Array.from({ length: service.replicas }, (_, ordinal) => ({
      name: `${group}-${ordinal}`,
      engine: 'service' as const,
      group,
      host: hosts[ordinal % hosts.length] ?? '',
      ordinal,
      slot: Math.floor(ordinal / hosts.length),
      initialLeader: false,
      reason: 'for a test',
    })),
  );
}

function postgresUnits(hosts: string[], groups: string[]): PlacedUnit[] {
  return groups.flatMap((group) =>
    hosts.map((host, ordinal) => ({
      name: `postgres-${group}`,
      engine: 'postgres' as const,
      group,
      host,
      ordinal,
      slot: 0,
      initialLeader: ordinal === 0,
      reason: 'for a test',
    })),
  );
}

/** Of the first gateway that the spec places, with its files under `folder`. */
export function gatewayContext(spec: ClusterSpec, folder: string): UnitContext {
  const unit = spec.placement.units.find((candidate) => candidate.engine === 'haproxy');
  if (unit === undefined) throw new Error('the spec places no gateway');
  return {
    spec,
    unit,
    paths: { dataDir: join(folder, 'data'), runDir: join(folder, 'run'), projectDir: '/', nodeFile: process.execPath },
    secrets: { postgres: {}, redis: {}, services: {}, other: {} },
    certificate: () => ({ caFile: '', certFile: '', keyFile: '' }),
  };
}
