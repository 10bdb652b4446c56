/** Keeps the host's desired state as new as etcd's. A watch only wakes it up; what counts is a linearizable read. */
import { setTimeout as delay } from 'node:timers/promises';
import { clusterKeys, getJson, type StoreKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { type DesiredState, parseSpec } from './desired-state.ts';

/** A missed wake-up costs at most this long. */
const POLL_MS = 5_000;
const RETRY_MS = 500;

export interface StoreLinkOptions {
  store: Store;
  host: string;
  desired: DesiredState;
  signal: AbortSignal;
  /** A newer desired state is on disk now. */
  onDesired(): void;
  onReachable(reachable: boolean): void;
  log(message: string): void;
}

/** Runs until the signal. */
export async function followStore(options: StoreLinkOptions): Promise<void> {
  const { store, desired, signal } = options;
  const key = clusterKeys(desired.spec.topology.name).desired;
  let wake = Promise.withResolvers<void>();
  void store.watch(key.path, () => wake.resolve(), signal);
  while (!signal.aborted) {
    wake = Promise.withResolvers<void>();
    const reachable = await readOnce(options, key);
    options.onReachable(reachable);
    const timer = new AbortController();
    const waited = delay(reachable ? POLL_MS : RETRY_MS, undefined, { signal: AbortSignal.any([signal, timer.signal]), ref: false });
    await Promise.race([wake.promise, waited.catch(() => undefined)]);
    timer.abort();
  }
}

async function readOnce({ store, host, desired, onDesired, log }: StoreLinkOptions, key: StoreKey<ClusterSpec>): Promise<boolean> {
  let stored: { value: unknown } | null;
  try {
    stored = await getJson(store, key);
  } catch {
    return false; // Expected whenever etcd is away; the state says so.
  }
  if (stored === null) return true;
  try {
    const spec = parseSpec(JSON.stringify(stored.value), host);
    if (desired.accept(spec)) {
      log(`desired state is now revision ${spec.revision}`);
      onDesired();
    } else if (spec.revision < desired.spec.revision) {
      log(`etcd has revision ${spec.revision}, older than revision ${desired.spec.revision} here: ignored`);
    }
  } catch (error) {
    log(`the desired state in etcd is refused: ${error instanceof Error ? error.message : String(error)}`);
  }
  return true;
}
