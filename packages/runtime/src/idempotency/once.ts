/**
 * One effect per key. The record is a row that the effect's own transaction writes: it is there if and only if the effect is, whatever
 * dies in between. What the effect throws leaves no record, so the same key may be used again.
 */
import { createHash } from 'node:crypto';
import type { Call } from '../call/call.ts';
import type { Database } from '../database/database.ts';
import { DatabaseError } from '../database/database-error.ts';
import { sqlStateOf } from '../database/outcome.ts';
import type { Statement, Transaction } from '../database/transaction.ts';
import { KeyError } from './key-error.ts';

/** For a migration: safe to run twice. `created_at` says which are old enough to be deleted. */
export const IDEMPOTENCY_TABLE = `CREATE TABLE IF NOT EXISTS idempotency_keys (
  -- Whose key it is: those of different callers never meet.
  scope text NOT NULL,
  key text NOT NULL,
  -- SHA-256 of what was asked for, so that a key cannot be used for something else.
  fingerprint text NOT NULL,
  -- JSON, as it was given. Null only inside the transaction that makes it.
  answer text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
);`;

export interface KeyedRequest {
  /** Whose key it is: one caller's keys are not another's. */
  scope: string;
  /** Chosen by the caller, one per intended effect; repeated with every try. */
  key: string;
  /** Of what is asked for: `fingerprintOf`. */
  fingerprint: string;
}

export interface KeyedAnswer<Value> {
  /** As JSON has it, also the first time: every try gets the same. */
  value: Value;
  /** The effect was there already. */
  replayed: boolean;
}

/** SHA-256 over what is asked for. `body` must be normalised: equal requests, equal text. */
export function fingerprintOf(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}

/**
 * Runs `effect` in a transaction unless its key has been used: then the stored answer is given again. One that comes while the first is at
 * work waits for it. Needs the table of `IDEMPOTENCY_TABLE`.
 * @param effect gets the time of the first try; may run several times, and does nothing outside the transaction
 * @throws KeyError E_KEY_IN_USE when the wait takes too long, E_KEY_REUSED for another request; DatabaseError; what `effect` throws.
 */
export async function once<Value>(
  database: Pick<Database, 'transaction'>,
  request: KeyedRequest,
  effect: (transaction: Transaction, at: Date) => Promise<Value>,
  call?: Call,
): Promise<KeyedAnswer<Value>> {
  try {
    return await database.transaction(async (transaction) => {
      const claimedAt = await claim(transaction, request);
      if (claimedAt === null) return { value: JSON.parse(await storedAnswer(transaction, request)) as Value, replayed: true };
      const answer = JSON.stringify(await effect(transaction, claimedAt)) ?? 'null';
      await record(transaction, request, answer);
      return { value: JSON.parse(answer) as Value, replayed: false };
    }, call);
  } catch (error) {
    if (error instanceof DatabaseError && error.message === KEY_BUSY) throw new KeyError('E_KEY_IN_USE', error);
    throw error;
  }
}

/** Null: the key has been used. */
async function claim(transaction: Transaction, { scope, key, fingerprint }: KeyedRequest): Promise<Date | null> {
  const [row] = await onKey<{ created_at: Date }>(transaction, {
    name: 'nines-claim-key',
    text: `INSERT INTO idempotency_keys (scope, key, fingerprint) VALUES ($1, $2, $3)
           ON CONFLICT DO NOTHING RETURNING created_at`,
    values: [scope, key, fingerprint],
  });
  return row?.created_at ?? null;
}

/**
 * Locked although nothing changes: the lock is written to the log, so this COMMIT too waits for a standby. After a crash
 * of the primary the effect may be there without having reached one, and an answer from it could still be lost.
 */
async function storedAnswer(transaction: Transaction, { scope, key, fingerprint }: KeyedRequest): Promise<string> {
  const [row] = await onKey<{ fingerprint: string; answer: string | null }>(transaction, {
    name: 'nines-stored-answer',
    text: 'SELECT fingerprint, answer FROM idempotency_keys WHERE scope = $1 AND key = $2 FOR NO KEY UPDATE',
    values: [scope, key],
  });
  if (row === undefined || row.answer === null) throw new Error('an idempotency key lost its answer between two statements');
  if (row.fingerprint !== fingerprint) throw new KeyError('E_KEY_REUSED');
  return row.answer;
}

async function record(transaction: Transaction, { scope, key }: KeyedRequest, answer: string): Promise<void> {
  await transaction.run({
    name: 'nines-record-answer',
    text: 'UPDATE idempotency_keys SET answer = $3 WHERE scope = $1 AND key = $2',
    values: [scope, key, answer],
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
