/**
 * Compare-and-swap that may be sent to two members.
 *
 * Sending it twice is safe for the key: both compare the same mod revision, a revision never comes back, so at most one of
 * them writes. What is not safe is to believe the answer "refused": our first copy may have won and the second one lost
 * against it. So every value carries the id of its attempt, and a refused second copy looks for that id: first in the
 * current value, then, when others have written since, back through the key's history to the first write after the
 * expected revision. That write is ours, or none is.
 *
 * The one exception is a key that is deleted: revision 0 does come back, and a late copy could create the key again.
 * Keys that are decided over by compare-and-swap are therefore never deleted.
 */
import { randomBytes } from 'node:crypto';
import type { CallOptions, Client } from './client.ts';
import { StoreRefusedError, StoreUnknownError } from './store-errors.ts';
import { arrayOf, type Entry, entryOf, headerRevision, type MarkedEntry, objectOf, type Revision, sealValue, toBase64 } from './wire.ts';

export type SwapResult =
  | { ok: true; modRevision: Revision }
  /** Somebody else's value stands there; modRevision 0 and current null: the key does not exist. */
  | { ok: false; modRevision: Revision; current: Entry | null };

export interface Swap {
  key: string;
  /** 0: the key must not exist. */
  expected: Revision;
  value: unknown;
  leaseId: string | null;
}

/** To etcd a revision of zero is the newest. */
const NOW: Revision = 0;
/** gRPC's code for a database that is full. */
const RESOURCE_EXHAUSTED = 8;
/** Writes to look back through; more than that within one call does not happen, and then the outcome stays unknown. */
const HISTORY_LIMIT = 16;

/**
 * One linearizable decision. Rejects with StoreUnknownError when it was sent and its outcome cannot be learnt in time,
 * StoreUnavailableError when it was not sent, StoreLeaseLostError, StoreRefusedError (database full).
 */
export async function compareAndSwap(client: Client, swap: Swap, callOptions?: CallOptions): Promise<SwapResult> {
  const options = client.within(callOptions);
  const attempt = randomBytes(12).toString('base64url');
  const key = toBase64(swap.key);
  const put = { key, value: toBase64(sealValue(swap.value, attempt)), ...(swap.leaseId === null ? {} : { lease: swap.leaseId }) };
  const body = {
    compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: String(swap.expected) }],
    success: [{ request_put: put }],
    failure: [{ request_range: { key } }],
  };
  const asked = await client.ask('/v3/kv/txn', body, 'write', options).catch((error: unknown) => full(error));
  if (asked instanceof StoreRefusedError) {
    const found = await findOwnWrite(client, swap, attempt, await readAt(client, swap.key, NOW, options), options);
    if (found === null) throw asked;
    return { ok: true, modRevision: found };
  }
  const { value: answer, contended } = asked;
  if (objectOf(answer)['succeeded'] === true) return { ok: true, modRevision: headerRevision(answer) };
  const current = currentOf(answer);
  const own = contended ? await findOwnWrite(client, swap, attempt, current, options) : null;
  if (own !== null) return { ok: true, modRevision: own };
  if (current === null) return { ok: false, modRevision: 0, current };
  const { attempt: _, ...entry } = current;
  return { ok: false, modRevision: current.modRevision, current: entry };
}

/**
 * The refusal of a full database; anything else is thrown on. etcd says it before it does anything, and also of the very write that filled the database,
 * which it has done (`quotaApplierV3`): only the key tells which.
 */
function full(error: unknown): StoreRefusedError {
  if (error instanceof StoreRefusedError && error.grpcCode === RESOURCE_EXHAUSTED) return error;
  throw error;
}

function currentOf(answer: unknown): MarkedEntry | null {
  const [response] = arrayOf(objectOf(answer)['responses']);
  const [pair] = arrayOf(objectOf(response?.['response_range'])['kvs']);
  return pair === undefined ? null : entryOf(pair);
}

async function findOwnWrite(
  client: Client,
  swap: Swap,
  attempt: string,
  current: MarkedEntry | null,
  options?: CallOptions,
): Promise<Revision | null> {
  let seen = current;
  for (let step = 0; step < HISTORY_LIMIT; step += 1) {
    if (seen === null) {
      // Before the key's first write: ours would have been that one. Otherwise it was deleted, with its history.
      if (swap.expected === 0) return null;
      break;
    }
    if (seen.attempt === attempt) return seen.modRevision;
    if (seen.modRevision === swap.expected) return null;
    seen = await readAt(client, swap.key, seen.modRevision - 1, options);
  }
  throw new StoreUnknownError(`etcd: whether the write of ${swap.key} happened is not known, the key has moved on too far`);
}

async function readAt(client: Client, key: string, revision: Revision, options?: CallOptions): Promise<MarkedEntry | null> {
  try {
    const { value } = await client.ask('/v3/kv/range', { key: toBase64(key), revision: String(revision) }, 'read', options);
    const [pair] = arrayOf(objectOf(value)['kvs']);
    return pair === undefined ? null : entryOf(pair);
  } catch (cause) {
    const why = cause instanceof StoreRefusedError ? 'its history is compacted' : 'its history could not be read';
    throw new StoreUnknownError(`etcd: whether the write of ${key} happened is not known, ${why}`, cause);
  }
}

/** Deletes the key if it is still at that revision; resolves when it is not any more, whoever did it. */
export async function compareAndDelete(client: Client, key: string, expected: Revision, options?: CallOptions): Promise<void> {
  const encoded = toBase64(key);
  const body = {
    compare: [{ key: encoded, target: 'MOD', result: 'EQUAL', mod_revision: String(expected) }],
    success: [{ request_delete_range: { key: encoded } }],
  };
  await client.ask('/v3/kv/txn', body, 'write', options);
}
