import type { Topology } from '../../topology/topology.ts';

export interface ExampleWishes {
  /** Group -> replicas. */
  postgres?: Record<string, number>;
  redis?: string[];
  /** Service -> names of its secrets. */
  services?: Record<string, string[]>;
}

/** A topology of which only what identities look at is worth reading. */
export function exampleTopology({ postgres = {}, redis = [], services = {} }: ExampleWishes = {}): Topology {
  const mapped = <In, Out>(record: Record<string, In>, make: (value: In) => Out) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value)]));
  return {
    name: 'example',
    hosts: {},
    services: mapped(services, exampleService),
    gateway: null,
    postgres: mapped(postgres, (replicas) => ({ replicas, durability: 'quorum' as const, port: 5432, database: 'app', parameters: {} })),
    redis: mapped(Object.fromEntries(redis.map((name) => [name, 3])), (replicas) => ({
      replicas,
      port: 6379,
      maxMemoryBytes: 1,
      sentinel: { port: 26379, quorum: 2, downAfterMs: 1000, failoverTimeoutMs: 10_000, parallelSyncs: 1 },
    })),
    etcd: { replicas: 3, clientPort: 2379, peerPort: 2380 },
    observe: {
      prometheus: false,
      alertmanager: false,
      prometheusPort: 9090,
      alertmanagerPort: 9093,
      scrapeIntervalMs: 1000,
      retentionMs: 1000,
    },
    objectives: { availability: 99.9, readDeadlineMs: 1000, writeDeadlineMs: 1000 },
  };
}

function exampleService(secrets: string[]): Topology['services'][string] {
  return {
    command: ['node', 'server.ts'],
    folder: '.',
    env: {},
    secrets,
    port: 3000,
    replicas: 1,
    uses: { postgres: null, redis: null },
    health: { livePath: '/livez', readyPath: '/ready', startupPath: '/startupz', intervalMs: 1000, timeoutMs: 1000 },
    metricsPath: null,
    migrate: null,
    startTimeoutMs: 1000,
    stopTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    maxConcurrent: 64,
    path: '/',
  };
}
