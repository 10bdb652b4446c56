/**
 * The normalised topology: what `defineTopology()` makes of the user's words, with every default filled in.
 * It is plain JSON: it is stored in etcd, cached on every host, and compared by `nines apply`.
 * Durations are whole milliseconds, sizes are bytes; the user's own words are strings such as '30s' or '64MB'.
 */

export type HostName = string;
export type ZoneName = string;
export type RegionName = string;

export interface Topology {
  name: string;
  hosts: Record<HostName, HostTopology>;
  services: Record<string, ServiceTopology>;
  gateway: GatewayTopology | null;
  postgres: Record<string, PostgresTopology>;
  redis: Record<string, RedisTopology>;
  etcd: EtcdTopology;
  observe: ObserveTopology;
  objectives: ObjectivesTopology;
}

export interface HostTopology {
  region: RegionName;
  zone: ZoneName;
  /** IPv4 address; null lets the lab choose one. */
  address: string | null;
}

export interface ServiceTopology {
  /** argv; a first word `node` means the Node that runs Nines. */
  command: string[];
  /** Folder of the service, relative to the folder of `nines.config.ts`; the working directory of its processes. */
  folder: string;
  env: Record<string, string>;
  /** Names of environment variables whose values Nines generates once per cluster (32 random bytes, base64url). */
  secrets: string[];
  /** First port; the n-th instance on a host listens on port + n. */
  port: number;
  replicas: number;
  /** Names of the groups whose connection settings the instances get in their environment. */
  uses: { postgres: string | null; redis: string | null };
  health: {
    livePath: string;
    readyPath: string;
    startupPath: string;
    intervalMs: number;
    timeoutMs: number;
  };
  /** Prometheus path, or null when the service exposes no metrics. */
  metricsPath: string | null;
  /** Run once per cluster before the first instance starts, again when the command changes; null: none. */
  migrate: string[] | null;
  startTimeoutMs: number;
  stopTimeoutMs: number;
  /** Longest time the gateway waits for an answer of one instance before it tries the next. */
  requestTimeoutMs: number;
  /** Requests that the gateway gives one instance at a time; more wait there, then get 503. */
  maxConcurrent: number;
  /** URL path prefix that the gateway sends to this service. */
  path: string;
}

export type NextUpstream = 'error' | 'timeout' | 'invalid_header' | 'http_500' | 'http_502' | 'http_503' | 'http_504';

export interface GatewayTopology {
  replicas: number;
  /** Virtual IPv4 address; null lets the lab choose one. */
  address: string | null;
  port: number;
  maxFails: number;
  failTimeoutMs: number;
  nextUpstream: NextUpstream[];
  /** Largest request body that is kept for a replay on another instance. */
  replayBodyBytes: number;
}

export interface PostgresTopology {
  replicas: number;
  durability: 'quorum' | 'strict' | 'async';
  port: number;
  database: string;
  /** Extra postgresql.conf settings; those that Nines owns are refused by the schema. */
  parameters: Record<string, string>;
}

export interface RedisTopology {
  replicas: number;
  port: number;
  maxMemoryBytes: number;
  sentinel: {
    port: number;
    quorum: number;
    downAfterMs: number;
    failoverTimeoutMs: number;
    parallelSyncs: number;
  };
}

export interface EtcdTopology {
  replicas: number;
  clientPort: number;
  peerPort: number;
}

export interface ObserveTopology {
  prometheus: boolean;
  alertmanager: boolean;
  prometheusPort: number;
  alertmanagerPort: number;
  scrapeIntervalMs: number;
  retentionMs: number;
}

export interface ObjectivesTopology {
  /** Per cent, e.g. 99.99. */
  availability: number;
  readDeadlineMs: number;
  writeDeadlineMs: number;
}
