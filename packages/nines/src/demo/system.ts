/**
 * What the demo needs of a running system, and nothing more: the lab implements it, tests use a small twin of it.
 * Every operation ends by its signal, and is *proved* before it resolves (the process is gone, the packets are
 * dropped): a fault that silently did not happen would make every figure of its step a lie.
 */
import type { ClusterSpec, PlacedUnit } from '../topology/cluster-spec.ts';
import type { HostName, ZoneName } from '../topology/topology.ts';
import type { StoredOrder } from '../checkers/order-set.ts';

export interface Waiting {
  signal: AbortSignal;
}

export interface Narrated extends Waiting {
  /** One short line of progress, for people. */
  progress(line: string): void;
}

export interface DemoSystem {
  /** Starts everything; resolves when every unit is ready and the example's data is seeded. */
  up(options: Narrated): Promise<DemoCluster>;
  /** Takes everything down. Called exactly once, whatever happened before, also after a half-made or aborted `up`. */
  down(options: Narrated): Promise<void>;
}

export interface DemoCluster {
  spec: ClusterSpec;
  /** Where clients go: the virtual address. */
  target: { host: string; port: number };
  /** Name of the service under load, as in the topology. */
  service: string;
  /** Versions of what ran, e.g. { node: 'v24.21.0', postgresql: '15.20' }; shown in the report. */
  versions: Record<string, string>;

  /** The host that holds the virtual address now. */
  gatewayHolder(options: Waiting): Promise<HostName>;
  /** The Redis unit that is master now, by the Sentinels' word. */
  redisMaster(options: Waiting): Promise<PlacedUnit>;
  /** The PostgreSQL unit that admits writers now, by the agents' word. Waits while nobody does. */
  postgresPrimary(options: Waiting): Promise<PlacedUnit>;
  /**
   * kill -9. Resolves when that process is gone, with what proves it. The unit's agent starts it again; that is
   * `allReady`'s to wait for.
   */
  kill(unit: PlacedUnit, options: Waiting): Promise<FaultProof>;
  /** Drops every packet between the zone and the rest (machine included), both ways, silently. */
  cutZone(zone: ZoneName, options: Waiting): Promise<CutZone>;
  /**
   * Restarts every instance of the service, readiness-gated; resolves when the last one is ready again, with the time
   * at which it began.
   */
  rollingRestart(service: string, options: Narrated): Promise<FaultProof>;
  /** Lets another member lead PostgreSQL; resolves when it does, with the time at which that was asked for. */
  switchover(options: Narrated): Promise<FaultProof>;
  /** Resolves when every unit on every host is ready; at the signal rejects with an error that names those that are not. */
  allReady(options: Waiting): Promise<void>;
  /** Every order in the primary database with its idempotency key; read straight from PostgreSQL, not through the API. */
  storedOrders(options: Waiting): Promise<StoredOrder[]>;
}

export interface FaultProof {
  /**
   * When the fault took effect, on the clock of `process.hrtime` (CLOCK_MONOTONIC: one clock for every process of
   * the machine). Taken just before the fault is done, so that nothing it caused comes earlier.
   */
  atNs: bigint;
  /** What shows that it took effect, one sentence: 'process 4711 of orders-2 on a1 is gone'. */
  proof: string;
}

export interface CutZone extends FaultProof {
  /** Lets packets through again; resolves when they do. Idempotent. */
  heal(options: Waiting): Promise<FaultProof>;
}
