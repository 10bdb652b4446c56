/** What every system under this bench is to the bench: a cluster of three hosts, one gateway address, one primary. */
import type { Lab } from '../../packages/nines/src/lab/index.ts';
import type { Milestone } from './nines/milestones.ts';

export const SYSTEMS = ['nines', 'patroni-default', 'patroni-tuned'] as const;
export type SystemName = (typeof SYSTEMS)[number];

/** Whether the address that the writers use is at the primary's host. */
export const GATEWAYS = ['off', 'on'] as const;
export type GatewayPlace = (typeof GATEWAYS)[number];

export const HOSTS = { a1: { zone: 'a', address: null }, b1: { zone: 'b', address: null }, c1: { zone: 'c', address: null } };

/** How the writers reach the primary, wherever it is: through the gateway. */
export interface DatabaseAccess {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** PEM of the authority; null: without TLS. */
  caPem: string | null;
}

export interface RunningSystem {
  lab: Lab;
  access: DatabaseAccess;
  /** The host that leads when nothing is wrong. @throws when nobody does */
  primary(signal: AbortSignal): Promise<string>;
  /** pid, on that host, of the process that decides about its PostgreSQL. */
  agentPid(host: string, signal: AbortSignal): Promise<number>;
  /** Asks the primary to hand over to whom the system chooses. */
  switchover(primary: string, signal: AbortSignal): Promise<void>;
  /** Null when one leads and two standbys stream from it; else what is missing. Never rejects. */
  missing(signal: AbortSignal): Promise<string | null>;
  /** Its own account of what it did since then (milliseconds since 1970), oldest first; empty where it keeps none. */
  milestones(sinceMs: number, signal: AbortSignal): Promise<Milestone[]>;
  /** Puts the primary where a run wants it, as to the gateway's address. @throws when that cannot be done with this cluster */
  place(gateway: GatewayPlace, signal: AbortSignal): Promise<void>;
  /** Takes everything down. */
  stop(): Promise<void>;
}

export interface StartOptions {
  labName: string;
  gateway: GatewayPlace;
  signal: AbortSignal;
}

export interface System {
  name: SystemName;
  /** Versions and settings that the figures depend on, by name. */
  versions(): Record<string, string>;
  /** Installs what it needs. @throws SetupError */
  prepare(say: (line: string) => void): void;
  /** Resolves when the cluster is whole; rejects after it has removed what it made. */
  start(options: StartOptions): Promise<RunningSystem>;
}
