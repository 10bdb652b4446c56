/** One statement or one transaction on one connection, and what becomes of the connection afterwards. */
import type { Socket } from 'node:net';
import type pg from 'pg';
import { type Call, withinMs } from '../call/call.ts';
import { DatabaseError } from './database-error.ts';
import type { Limits } from './limits.ts';
import { connectionSurvives } from './outcome.ts';

/** `name` makes it a prepared statement: parsed and planned once per connection. */
export interface Statement {
  name: string;
  text: string;
  values?: unknown[];
}

export interface Transaction {
  run<Row extends object>(statement: Statement): Promise<Row[]>;
}

export async function runStatement<Row extends object>(client: pg.PoolClient, statement: Statement, timeoutMs: number): Promise<Row[]> {
  client.on('error', ignoreBrokenConnection);
  try {
    const result = await ask<Row>(client, statement, timeoutMs);
    client.release();
    return result.rows;
  } catch (error) {
    if (connectionSurvives(error)) client.release();
    else discard(client, error);
    throw new DatabaseError(error, 'work');
  } finally {
    client.off('error', ignoreBrokenConnection);
  }
}

export async function runTransaction<T>(
  client: pg.PoolClient,
  work: (transaction: Transaction) => Promise<T>,
  call: Call,
  limits: Pick<Limits, 'queryMs' | 'lockMs'>,
): Promise<T> {
  const run = async <Row extends object>(statement: Statement): Promise<Row[]> => {
    try {
      return (await ask<Row>(client, statement, withinMs(call, limits.queryMs))).rows;
    } catch (error) {
      throw new DatabaseError(error, 'work');
    }
  };
  client.on('error', ignoreBrokenConnection);
  try {
    await begin(client, call, limits);
    const value = await work({ run });
    await commit(client, call);
    client.release();
    return value;
  } catch (error) {
    await giveBack(client, error, withinMs(call, limits.queryMs));
    throw error;
  } finally {
    client.off('error', ignoreBrokenConnection);
  }
}

/** What a lock wait needs to come back as an answer before our own patience ends. */
const LOCK_ANSWER_MS = 50;

/** In one round trip with the longest wait for a lock: the server must give up first, or we would take it for dead. */
async function begin(client: pg.PoolClient, call: Call, limits: Pick<Limits, 'queryMs' | 'lockMs'>): Promise<void> {
  const lockMs = Math.max(1, withinMs(call, limits.lockMs + LOCK_ANSWER_MS) - LOCK_ANSWER_MS);
  const text = `BEGIN; SET LOCAL lock_timeout = ${lockMs}`;
  try {
    await ask(client, { text }, withinMs(call, limits.queryMs));
  } catch (error) {
    throw new DatabaseError(error, 'work');
  }
}

/**
 * COMMIT has all the time that is left: cutting it short turns a slow answer into an unknown one.
 * PostgreSQL reports a cancelled wait for its standbys as success with a WARNING: the write may be lost with the
 * primary, so that is no confirmation.
 */
async function commit(client: pg.PoolClient, call: Call): Promise<void> {
  let warning: string | undefined;
  const onNotice = (notice: { severity: string | undefined; message: string | undefined }): void => {
    if (notice.severity === 'WARNING') warning = notice.message ?? 'warning at COMMIT';
  };
  client.on('notice', onNotice);
  try {
    const result = await ask(client, { text: 'COMMIT' }, withinMs(call, Infinity));
    if (result.command !== 'COMMIT') throw Object.assign(new Error('COMMIT was answered with ROLLBACK'), ROLLED_BACK);
    if (warning !== undefined) throw new Error(warning);
  } catch (error) {
    throw new DatabaseError(error, 'commit');
  } finally {
    client.off('notice', onNotice);
  }
}

/** What the server would have said had it not rolled back silently. */
const ROLLED_BACK = { code: '40001', severity: 'ERROR' };

async function giveBack(client: pg.PoolClient, error: unknown, timeoutMs: number): Promise<void> {
  const cause = error instanceof DatabaseError ? error.cause : undefined;
  const unusable = error instanceof DatabaseError && (error.phase === 'commit' || !connectionSurvives(cause));
  if (unusable) return discard(client, error);
  try {
    await ask(client, { text: 'ROLLBACK' }, timeoutMs);
    client.release();
  } catch (rollbackError) {
    // The server rolls back itself when the connection ends.
    discard(client, rollbackError);
  }
}

/**
 * The pool would say goodbye politely and wait for the other side. A frozen or cut-off server never answers, and
 * each failed request would leave an open socket behind.
 */
function discard(client: pg.PoolClient, error: unknown): void {
  client.release(error instanceof Error ? error : true);
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** The query in flight carries the error to its caller; between two queries this event would end the process. */
function ignoreBrokenConnection(): void {}

/**
 * A query with a deadline. Not node-postgres' own `query_timeout`: on a busy machine the event loop is late and runs its
 * timers before it reads its sockets, and answers that were there in time would cost their connections. Here what has
 * arrived by then is read first.
 */
export async function ask<Row extends object>(
  client: Pick<pg.ClientBase, 'query'>,
  query: Statement | { text: string },
  timeoutMs: number,
): Promise<pg.QueryResult<Row>> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => setImmediate(() => late.reject(new Error('Query read timeout'))), timeoutMs);
  try {
    return await Promise.race([client.query<Row>(query), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
