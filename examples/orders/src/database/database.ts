/**
 * PostgreSQL behind deadlines: no call here outlives its caller's deadline, whatever the server does. Safe failures
 * are retried with back-off; the rest are answered 503 at once.
 */
import { createSecureContext } from 'node:tls';
import type pg from 'pg';
import { createPool, type NinesPool } from '@nines/runtime';
import type { DatabaseConfig } from '../config.ts';
import type { Deadline } from '../deadline.ts';
import type { DependencyLog } from '../dependency-log.ts';
import { Failure } from '../failure.ts';
import { withRetry } from '../retry.ts';
import { DatabaseError } from './database-error.ts';
import { mayRetry, sqlStateOf } from './outcome.ts';
import { runStatement, runTransaction, type Statement, type Transaction } from './transaction.ts';

export class Database {
  readonly #pool: NinesPool;
  readonly #config: DatabaseConfig;
  readonly #log: DependencyLog;

  constructor(config: DatabaseConfig, log: DependencyLog) {
    this.#config = config;
    this.#log = log;
    // Follows the leader: the connections to a deposed one end at once, and callers wait for the next inside their deadlines.
    this.#pool = createPool({ pg: poolOptions(config), waitMs: config.handshakeTimeoutMs });
    // An idle connection that breaks is thrown away by the pool; unheard, this event would end the process.
    this.#pool.on('error', (error) => log.failed(error));
  }

  /** One statement that may be run twice without harm: a read, or an insert that ignores what is there. */
  async run<Row extends object>(deadline: Deadline, statement: Statement): Promise<Row[]> {
    return this.#guarded(deadline, async () => {
      const client = await this.#connect(deadline);
      return runStatement<Row>(client, statement, deadline.withinMs(this.#config.queryTimeoutMs));
    });
  }

  /** All or nothing. `work` may run several times; it must do nothing outside the transaction. */
  async transaction<T>(deadline: Deadline, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#guarded(deadline, async () => {
      const client = await this.#connect(deadline);
      return runTransaction(client, work, deadline, this.#config);
    });
  }

  /** Opens the pool's resting connections, so that the first requests do not wait for handshakes. */
  async warm(): Promise<void> {
    const clients = await Promise.allSettled(Array.from({ length: this.#config.poolMin }, () => this.#pool.connect()));
    for (const client of clients) if (client.status === 'fulfilled') client.value.release();
    for (const client of clients) if (client.status === 'rejected') throw client.reason;
  }

  connections(): { open: number; idle: number; waiting: number } {
    return { open: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  /** Waits for connections in use. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** After an outage the first connections belong to those who still wait: work for the others would keep them waiting. */
  async #connect(deadline: Deadline): Promise<pg.PoolClient> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect(deadline.withinMs(this.#config.connectTimeoutMs));
    } catch (error) {
      throw new DatabaseError(error, 'connect');
    }
    if (!deadline.abandoned) return client;
    client.release();
    throw new DatabaseError(new Error('the client has gone'), 'connect');
  }

  async #guarded<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
    try {
      const value = await withRetry(attempt, {
        deadline,
        mayRetry: (error) => !deadline.abandoned && error instanceof DatabaseError && mayRetry(error.outcome),
      });
      this.#log.worked();
      return value;
    } catch (error) {
      if (error instanceof DatabaseError) throw this.#answerFor(error);
      throw error;
    }
  }

  /** 503 for a database that is away; a statement that PostgreSQL refuses is a bug of ours and stays an error (500). */
  #answerFor(error: DatabaseError): unknown {
    const state = sqlStateOf(error.cause);
    if (error.phase !== 'connect' && state !== null && /^(22|23|42)/.test(state)) return error;
    // A lock that others held for too long says nothing about the server.
    if (state !== '55P03') this.#log.failed(error);
    if (error.outcome === 'unknown') {
      const message = 'The database did not confirm. Repeat the request with the same Idempotency-Key to learn the outcome.';
      return new Failure(503, 'outcome_unknown', message, { retryAfterSeconds: 1, cause: error });
    }
    const message = 'The database does not answer in time. Nothing was changed.';
    return new Failure(503, 'database_unavailable', message, { retryAfterSeconds: 1, cause: error });
  }
}

function poolOptions(config: DatabaseConfig): pg.PoolConfig {
  return {
    connectionString: config.url,
    // Made once: to read the authority's certificate again for each connection costs more than the handshake.
    ...(config.ca === null ? {} : { ssl: { secureContext: createSecureContext({ ca: config.ca }) } }),
    application_name: config.applicationName,
    min: config.poolMin,
    max: config.poolMax,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: config.handshakeTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1_000,
    // The server's own limits stand behind ours: it stops what nobody waits for any more, and a frozen or cut-off
    // instance that holds locks loses them before the gateway's replay on another instance runs out of time.
    // First: a statement that it ends leaves the connection whole, one that we stop waiting for costs the connection.
    statement_timeout: config.statementTimeoutMs,
    lock_timeout: config.lockTimeoutMs,
    idle_in_transaction_session_timeout: config.idleTransactionTimeoutMs,
  };
}
