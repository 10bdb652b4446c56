/** What an agent says about its host: on its API, in etcd, and in `nines status --json`. Stable shape. */
import type { Observation } from '../engines/engine.ts';

export type UnitCondition = 'stopped' | 'preparing' | 'starting' | 'ready' | 'unready' | 'stopping' | 'backing-off' | 'crash-looping';

export interface UnitState {
  name: string;
  engine: string;
  group: string | null;
  condition: UnitCondition;
  ready: boolean;
  role: string | null;
  /** Why: of the last observation, or of the rule that holds it. */
  reason: string;
  details: NonNullable<Observation['details']>;
  pid: number | null;
  /** Deaths and replacements since its agent started. */
  restarts: number;
  /** Milliseconds since 1970 when the current process started; null without one. */
  startedAtMs: number | null;
  /** Its process runs with settings from before: it is held until its turn comes. */
  outdated: boolean;
  /** How often it was asked to restart when this process was started (see `ClusterSpec.restarts`). */
  restartCount: number;
  listens: { address: string; port: number; what: string }[];
}

export interface HostState {
  host: string;
  zone: string;
  region: string;
  address: string;
  cluster: string;
  /** Revision of the desired state that the host works on: the states of its units below are of that one. */
  revision: number;
  /** Whether the agent could read etcd in its last try. */
  storeReachable: boolean;
  agent: { pid: number; startedAtMs: number; rssBytes: number };
  /** The file system of the data folder. */
  disk: { freeBytes: number; sizeBytes: number };
  /** Of this host's identity: when each certificate ends, milliseconds since 1970. */
  certificates: { name: string; expiresAtMs: number }[];
  atMs: number;
  units: UnitState[];
}
