/** Every key that Nines has in etcd, with the shape of its value. */
import type { GroupRecord } from '../failover/record.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import type { CallOptions, Entry, Revision, Store } from './store.ts';

/** A key and, for the compiler alone, the type of its value. What is read is as its writer left it: an agent of the same version, or older. */
export interface StoreKey<Value> {
  readonly path: string;
  readonly valueType?: Value;
}

export interface Stored<Value> {
  path: string;
  value: Value;
  modRevision: Revision;
}

/** Migrations of a service: which command ran last, and how it ended. Written by compare-and-swap: one agent runs them. */
export interface MigrationRecord {
  /** Hash of the command: another one runs again. */
  command: string;
  state: 'running' | 'done' | 'failed';
  host: string;
  /** Milliseconds since 1970, by the clock of that host. */
  atMs: number;
  /** One sentence when it failed. */
  reason: string;
}

/** Something that happens once in the life of a cluster. Written by compare-and-swap, never deleted. */
export interface FirstTimeRecord {
  state: 'begun' | 'done';
  host: string;
}

/** Whether elections by suspicion are held back, and who asked for that. */
export interface PauseRecord {
  paused: boolean;
  /** Host through whose agent it was asked. */
  by: string;
  /** Milliseconds since 1970, by the clock of that host. */
  atMs: number;
}

export function clusterKeys(cluster: string) {
  const root = `/nines/${cluster}`;
  return {
    desired: { path: `${root}/desired` } as StoreKey<ClusterSpec>,
    hostsPrefix: `${root}/hosts/`,
    /** Status of a host's agent, on a lease: it is there while the agent lives. */
    host: <Status>(host: string): StoreKey<Status> => ({ path: `${root}/hosts/${host}` }),
    firstTime: (what: string): StoreKey<FirstTimeRecord> => ({ path: `${root}/first/${what}` }),
    /** Both keys of a PostgreSQL group. */
    postgresPrefix: (group: string) => `${root}/postgres/${group}/`,
    /** Who leads. Decided over by compare-and-swap alone, and never deleted. */
    postgresRecord: (group: string): StoreKey<GroupRecord> => ({ path: `${root}/postgres/${group}/record` }),
    postgresPause: (group: string): StoreKey<PauseRecord> => ({ path: `${root}/postgres/${group}/pause` }),
    migration: (service: string): StoreKey<MigrationRecord> => ({ path: `${root}/migrations/${service}` }),
  };
}

export async function getJson<Value>(
  store: Pick<Store, 'get'>,
  key: StoreKey<Value>,
  options?: CallOptions,
): Promise<Stored<Value> | null> {
  const entry = await store.get(key.path, options);
  return entry === null ? null : stored<Value>(entry);
}

/** One read of all keys with the prefix; what it answers finds one of them, null where there is none. */
export async function listJson(
  store: Pick<Store, 'list'>,
  prefix: string,
  options?: CallOptions,
): Promise<<Value>(key: StoreKey<Value>) => Stored<Value> | null> {
  const entries = new Map((await store.list(prefix, options)).map((entry) => [entry.key, entry]));
  return <Value>({ path }: StoreKey<Value>) => {
    const entry = entries.get(path);
    return entry === undefined ? null : stored<Value>(entry);
  };
}

export type JsonSwapResult<Value> = { ok: true; modRevision: Revision } | { ok: false; current: Stored<Value> | null };

/** See Store.compareAndSwap; expected 0: the key must not exist. */
export async function swapJson<Value>(
  store: Pick<Store, 'compareAndSwap'>,
  key: StoreKey<Value>,
  expected: Revision,
  value: Value,
  options?: CallOptions,
): Promise<JsonSwapResult<Value>> {
  const result = await store.compareAndSwap(key.path, expected, value, options);
  if (result.ok) return result;
  return { ok: false, current: result.current === null ? null : stored<Value>(result.current) };
}

function stored<Value>(entry: Entry): Stored<Value> {
  return { path: entry.key, value: entry.value as Value, modRevision: entry.modRevision };
}
