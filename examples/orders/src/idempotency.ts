/**
 * One effect per Idempotency-Key and customer. The record is a row that the effect's own transaction writes: it is
 * there if and only if the effect is, whatever dies in between. A refusal (out of stock) leaves no record, so the
 * same key may be used again.
 */
import { createHash } from 'node:crypto';
import { type Call, type Database, DatabaseError, sqlStateOf, type Statement, type Transaction } from '@nines/runtime';
import { Failure } from './failure.ts';

export interface KeyedRequest {
  customerId: number;
  key: string;
  fingerprint: string;
}

export interface Answer {
  status: number;
  /** JSON, as it is sent. */
  body: string;
}

export const keySchema = {
  type: 'object',
  required: ['idempotency-key'],
  properties: {
    'idempotency-key': {
      type: 'string',
      pattern: '^[!-~]{1,255}$',
      description: 'Chosen by the client, one per intended effect; repeated with every retry.',
    },
  },
} as const;

/** SHA-256 over what is asked for. `body` must be normalised: equal requests, equal text. */
export function fingerprintOf(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}

/**
 * Runs `effect` in a transaction unless its key has been used: then the stored answer is given again.
 * A duplicate that arrives while the first is at work waits for it; 409 with Retry-After when that takes too long.
 */
export async function once(
  database: Pick<Database, 'transaction'>,
  call: Call,
  request: KeyedRequest,
  effect: (transaction: Transaction, at: Date) => Promise<{ status: number; body: object }>,
): Promise<Answer & { replayed: boolean }> {
  try {
    return await database.transaction(async (transaction) => {
      const claimedAt = await claim(transaction, request);
      if (claimedAt === null) return { ...(await storedAnswer(transaction, request)), replayed: true };
      const { status, body } = await effect(transaction, claimedAt);
      const answer = { status, body: JSON.stringify(body) };
      await record(transaction, request, answer);
      return { ...answer, replayed: false };
    }, call);
  } catch (error) {
    if (!isKeyBusy(error)) throw error;
    const message = 'A request with this Idempotency-Key is still at work.';
    throw new Failure(409, 'key_in_use', message, { retryAfterSeconds: 1, cause: error });
  }
}

/** Null: the key has been used. */
async function claim(transaction: Transaction, request: KeyedRequest): Promise<Date | null> {
  const [row] = await onKey<{ created_at: Date }>(transaction, {
    name: 'claim-key',
    text: `INSERT INTO idempotency_keys (customer_id, key, fingerprint) VALUES ($1, $2, $3)
           ON CONFLICT DO NOTHING RETURNING created_at`,
    values: [request.customerId, request.key, request.fingerprint],
  });
  return row?.created_at ?? null;
}

/**
 * Locked although nothing changes: the lock is written to the log, so this COMMIT too waits for a standby. After a crash
 * of the primary the effect may be there without having reached one, and an answer from it could still be lost.
 */
async function storedAnswer(transaction: Transaction, request: KeyedRequest): Promise<Answer> {
  const [row] = await onKey<{ fingerprint: string; status: number; body: string }>(transaction, {
    name: 'stored-answer',
    text: 'SELECT fingerprint, status, body FROM idempotency_keys WHERE customer_id = $1 AND key = $2 FOR NO KEY UPDATE',
    values: [request.customerId, request.key],
  });
  if (row === undefined) throw new Error('an idempotency key vanished between two statements');
  if (row.fingerprint !== request.fingerprint) {
    throw new Failure(422, 'key_of_another_request', 'This Idempotency-Key was used for a different request.');
  }
  return { status: row.status, body: row.body };
}

async function record(transaction: Transaction, request: KeyedRequest, answer: Answer): Promise<void> {
  await transaction.run({
    name: 'record-answer',
    text: 'UPDATE idempotency_keys SET status = $3, body = $4 WHERE customer_id = $1 AND key = $2',
    values: [request.customerId, request.key, answer.status, answer.body],
  });
}

/** Waits while another transaction holds the same key. */
async function onKey<Row extends object>(transaction: Transaction, statement: Statement): Promise<Row[]> {
  try {
    return await transaction.run<Row>(statement);
  } catch (error) {
    if (error instanceof DatabaseError && sqlStateOf(error.cause) === LOCK_NOT_AVAILABLE) error.message = KEY_BUSY;
    throw error;
  }
}

const LOCK_NOT_AVAILABLE = '55P03';
const KEY_BUSY = 'another transaction holds the idempotency key';

function isKeyBusy(error: unknown): boolean {
  return error instanceof DatabaseError && error.message === KEY_BUSY;
}
