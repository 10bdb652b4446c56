/**
 * The store: what agents agree on, in etcd. Small on purpose: reads, compare-and-swap, leases and a hint to read again;
 * no locks. Every call ends by its deadline, whatever has frozen; reads are linearizable.
 */
import { type CallOptions, Client, type StoreTls } from './client.ts';
import { grantLease, keepAlive, type KeepAlive, type Lease, revokeLease } from './lease.ts';
import { askStatus, type MemberReport, moveLeader } from './maintenance.ts';
import { StoreUnavailableError } from './store-errors.ts';
import { compareAndDelete, compareAndSwap, type SwapResult } from './transaction.ts';
import { watch, WATCH_LIMITS } from './watch.ts';
import { arrayOf, type Entry, entryOf, objectOf, prefixRangeEnd, type Revision, toBase64 } from './wire.ts';

export type { CallOptions, StoreTls } from './client.ts';
export type { KeepAlive, Lease } from './lease.ts';
export type { MemberReport } from './maintenance.ts';
export type { SwapResult } from './transaction.ts';
export type { Entry, Revision } from './wire.ts';

export interface StoreOptions {
  /** Client URLs, e.g. `https://10.0.0.1:2379`, the nearest first. */
  endpoints: readonly string[];
  tls: StoreTls;
  /** Longest time of a call, with its second try at another member. Default 2000; range 50 to 60000. */
  timeoutMs?: number;
  /** A call that has no answer by then is also made at a second member. Default 50: p99 of a healthy one is below. */
  hedgeAfterMs?: number;
}

/**
 * Values are JSON. All calls reject with StoreUnavailableError (nothing was changed), StoreRefusedError (etcd said no), and those that
 * write also with StoreUnknownError (it may have happened).
 */
export interface Store {
  /** Linearizable. null: the key does not exist. */
  get(key: string, options?: CallOptions): Promise<Entry | null>;
  /** All keys with the prefix, in the order of their names. Linearizable. */
  list(prefix: string, options?: CallOptions): Promise<Entry[]>;
  /** Writes over whatever is there. For keys with one writer; decisions use compareAndSwap. */
  put(key: string, value: unknown, options?: CallOptions): Promise<{ modRevision: Revision }>;
  /** The key goes with the lease. Rejects with StoreLeaseLostError when the lease is gone. */
  putWithLease(key: string, value: unknown, leaseId: string, options?: CallOptions): Promise<{ modRevision: Revision }>;
  /** Writes if the key is still at that mod revision; 0: if it does not exist. A key decided over in this way must never be deleted. */
  compareAndSwap(key: string, expected: Revision, value: unknown, options?: CallOptions): Promise<SwapResult>;
  /** True: it existed. */
  delete(key: string, options?: CallOptions): Promise<boolean>;
  grantLease(ttlSeconds: number, options?: CallOptions): Promise<Lease>;
  keepAlive(leaseId: string, options?: CallOptions): Promise<KeepAlive>;
  revokeLease(leaseId: string, options?: CallOptions): Promise<void>;
  /** A hint to read again, at the latest every 5 s while etcd is there; see watch.ts. Resolves when the signal or `close` ends it. */
  watch(prefix: string, onWake: () => void, signal: AbortSignal): Promise<void>;
  /** What each member says, or why it does not. Never rejects. */
  status(options?: CallOptions): Promise<MemberReport[]>;
  moveLeader(memberId: string, options?: CallOptions): Promise<void>;
  /** Ends all watches and connections. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_HEDGE_AFTER_MS = 50;
/** Writers of the same key that may overtake one put before it gives up. */
const PUT_TRIES = 16;

export function createStore(options: StoreOptions): Store {
  if (options.endpoints.length === 0) throw new StoreUnavailableError('etcd: no endpoint was given');
  const { endpoints, tls, timeoutMs = DEFAULT_TIMEOUT_MS, hedgeAfterMs = DEFAULT_HEDGE_AFTER_MS } = options;
  const client = new Client({ endpoints, tls, timeoutMs, hedgeAfterMs });
  const closed = new AbortController();
  return {
    get: (key, call) => get(client, key, call),
    list: (prefix, call) => list(client, prefix, call),
    put: (key, value, call) => put(client, key, value, null, call),
    putWithLease: (key, value, leaseId, call) => put(client, key, value, leaseId, call),
    compareAndSwap: (key, expected, value, call) => compareAndSwap(client, { key, expected, value, leaseId: null }, call),
    delete: (key, call) => remove(client, key, call),
    grantLease: (ttlSeconds, call) => grantLease(client, ttlSeconds, call),
    keepAlive: (leaseId, call) => keepAlive(client, leaseId, call),
    revokeLease: (leaseId, call) => revokeLease(client, leaseId, call),
    watch: (prefix, onWake, signal) => watch(client, prefix, onWake, AbortSignal.any([signal, closed.signal]), WATCH_LIMITS),
    status: (call) => askStatus(client, call?.timeoutMs ?? timeoutMs, call?.signal),
    moveLeader: (memberId, call) => moveLeader(client, memberId, timeoutMs, call),
    close: () => {
      closed.abort();
      client.close();
    },
  };
}

async function get(client: Client, key: string, options?: CallOptions): Promise<Entry | null> {
  return (await range(client, { key: toBase64(key) }, options))[0] ?? null;
}

async function list(client: Client, prefix: string, options?: CallOptions): Promise<Entry[]> {
  return await range(client, { key: toBase64(prefix), range_end: prefixRangeEnd(prefix) }, options);
}

async function range(client: Client, body: { key: string; range_end?: string }, options?: CallOptions): Promise<Entry[]> {
  const { value } = await client.ask('/v3/kv/range', body, 'read', options);
  return arrayOf(objectOf(value)['kvs']).map((pair) => {
    const { attempt: _, ...entry } = entryOf(pair);
    return entry;
  });
}

/**
 * As read and compare-and-swap, although etcd has a plain put: a put that was sent to a frozen member and then to another
 * could be carried out late, over a newer value.
 */
async function put(
  client: Client,
  key: string,
  value: unknown,
  leaseId: string | null,
  callOptions?: CallOptions,
): Promise<{ modRevision: Revision }> {
  const options = client.within(callOptions);
  let expected = (await get(client, key, options))?.modRevision ?? 0;
  for (let tries = 0; tries < PUT_TRIES; tries += 1) {
    const result = await compareAndSwap(client, { key, expected, value, leaseId }, options);
    if (result.ok) return { modRevision: result.modRevision };
    expected = result.modRevision;
  }
  throw new StoreUnavailableError(`etcd: ${key} was changed by others ${PUT_TRIES} times during one put`);
}

async function remove(client: Client, key: string, callOptions?: CallOptions): Promise<boolean> {
  const options = client.within(callOptions);
  const existing = await get(client, key, options);
  if (existing === null) return false;
  await compareAndDelete(client, key, existing.modRevision, options);
  return true;
}
