import { randomBytes } from 'node:crypto';
import type { CallOptions, Client } from './client.ts';
import { StoreLeaseLostError, StoreRefusedError } from './store-errors.ts';
import { int64Of, objectOf } from './wire.ts';

export interface Lease {
  /** 64-bit integer as a string. */
  id: string;
  /** What etcd granted; never less than it was asked for. */
  ttlSeconds: number;
}

/** `alive: false` is certain: the lease is gone, and with it its keys. */
export type KeepAlive = { alive: true; ttlSeconds: number } | { alive: false };

const FAILED_PRECONDITION = 9;

/** The id is chosen here, so that a grant that is sent to two members makes one lease. */
export async function grantLease(client: Client, ttlSeconds: number, options?: CallOptions): Promise<Lease> {
  const id = newLeaseId();
  try {
    const { value } = await client.ask('/v3/lease/grant', { ID: id, TTL: String(ttlSeconds) }, 'write', options, 'lease');
    return { id, ttlSeconds: Number(int64Of(objectOf(value)['TTL'])) };
  } catch (error) {
    // 63 random bits: "lease already exists" can only be our own first copy.
    if (error instanceof StoreRefusedError && error.grpcCode === FAILED_PRECONDITION) return { id, ttlSeconds };
    throw error;
  }
}

/** Rejects with StoreUnavailableError when no member answered: the lease may still live until its time runs out. */
export async function keepAlive(client: Client, leaseId: string, options?: CallOptions): Promise<KeepAlive> {
  const { value } = await client.ask('/v3/lease/keepalive', { ID: leaseId }, 'read', options, 'lease');
  // No error tells of a lost lease: the answer is 200 and its TTL, being zero, is left out.
  const ttlSeconds = Number(int64Of(objectOf(objectOf(value)['result'])['TTL']));
  return ttlSeconds > 0 ? { alive: true, ttlSeconds } : { alive: false };
}

/** Ends the lease and deletes its keys; one that is gone already is fine. */
export async function revokeLease(client: Client, leaseId: string, options?: CallOptions): Promise<void> {
  try {
    await client.ask('/v3/lease/revoke', { ID: leaseId }, 'write', options, 'lease');
  } catch (error) {
    if (!(error instanceof StoreLeaseLostError)) throw error;
  }
}

function newLeaseId(): string {
  return String((randomBytes(8).readBigUInt64BE() >> 1n) | 1n);
}
