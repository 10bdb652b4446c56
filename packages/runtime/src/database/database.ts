/**
 * PostgreSQL behind deadlines: no call here outlives its caller's deadline, whatever the server does. Failures that left nothing behind
 * are tried again with back-off; the rest are told at once, with what is known of the outcome.
 */
import type pg from 'pg';
import { type Call, CallContext, withinMs } from '../call/call.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';
import { createPool, type NinesPool, type PoolOptions } from '../postgres/pool.ts';
import { exponentialBackoff } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import type { Policy } from '../policy/policy.ts';
import { DatabaseError } from './database-error.ts';
import { type Limits, limitsOf } from './limits.ts';
import { mayRetry, sqlStateOf } from './outcome.ts';
import { runStatement, runTransaction, type Statement, type Transaction } from './transaction.ts';

export interface DatabaseOptions extends Partial<Limits> {
  /** As for node-postgres' Pool. Its host and port are used only until, and unless, an agent is heard. */
  pg?: pg.PoolConfig;
  /** Name of the group in the topology. Default: `NINES_POSTGRES`, else 'main'. */
  group?: string;
  /** The agent's unix socket. Default: `NINES_SOCKET`; without it `pg` alone says where to connect. */
  socketPath?: string;
  /** Milliseconds that a request has, from 10 on: the limits of each step are made from it, and it is the deadline of what is asked without a call. Default: 80 % of `NINES_REQUEST_MS`, else 10,000. */
  requestMs?: number;
  /** Told of each end, so that it can say when the database goes away and when it is back. */
  watch?: Watch;
  clock?: Clock;
}

export interface Watch {
  worked(): void;
  failed(error: unknown): void;
}

/** More than fit into any deadline. */
const TRIES = 1_000_000;
/** A try that has less time than this is not worth its load on a dependency in trouble. */
const LEAST_TRY_MS = 50;

export class Database {
  readonly #pool: NinesPool;
  readonly #limits: Limits;
  readonly #requestMs: number;
  readonly #watch: Watch | undefined;
  readonly #clock: Clock;
  readonly #retry: Policy;

  constructor(options: DatabaseOptions, environment: Record<string, string | undefined>) {
    const { pg: given = {}, group, socketPath, requestMs, watch, clock = SYSTEM_CLOCK, ...limits } = options;
    const gatewayMs = Number(environment['NINES_REQUEST_MS']);
    this.#requestMs = requestMs ?? (gatewayMs > 0 ? Math.max(10, Math.floor(gatewayMs * 0.8)) : 10_000);
    this.#limits = limitsOf(this.#requestMs, limits);
    this.#watch = watch;
    this.#clock = clock;
    this.#retry = retry({
      ...{ attempts: TRIES, backoff: exponentialBackoff({ firstMs: 20, maxMs: 200 }), clock },
      retryIf: (error, call) => call.remainingMs() > LEAST_TRY_MS && error instanceof DatabaseError && mayRetry(error.outcome),
    });
    // Follows the leader: the connections to a deposed one end at once, and callers wait for the next inside their deadlines.
    const pool: PoolOptions = { pg: { ...this.#settings(), ...given }, waitMs: this.#limits.handshakeMs };
    this.#pool = createPool({ ...pool, ...(group === undefined ? {} : { group }), ...(socketPath === undefined ? {} : { socketPath }) });
    // An idle connection that breaks is thrown away by the pool; unheard, this event would end the process.
    this.#pool.on('error', (error) => watch?.failed(error));
  }

  /**
   * One statement that may be run twice without harm: a read, or an insert that ignores what is there.
   * @throws DatabaseError.
   */
  async run<Row extends object>(statement: Statement, call?: Call): Promise<Row[]> {
    return this.#guarded(call, async (own) => {
      const client = await this.#connect(own);
      return runStatement<Row>(client, statement, withinMs(own, this.#limits.queryMs));
    });
  }

  /**
   * All or nothing. `work` may run several times; it must do nothing outside the transaction.
   * @throws DatabaseError; what `work` throws goes through, and nothing is changed.
   */
  async transaction<Value>(work: (transaction: Transaction) => Promise<Value>, call?: Call): Promise<Value> {
    return this.#guarded(call, async (own) => {
      const client = await this.#connect(own);
      return runTransaction(client, work, own, this.#limits);
    });
  }

  /** Opens so many connections, so that the first requests do not wait for handshakes. Rejects with the first failure. */
  async warm(connections: number): Promise<void> {
    const clients = await Promise.allSettled(Array.from({ length: connections }, () => this.#pool.connect()));
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
  async #connect(call: Call): Promise<pg.PoolClient> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect(withinMs(call, this.#limits.connectMs));
    } catch (error) {
      throw new DatabaseError(error, 'connect');
    }
    if (!call.isAborted) return client;
    client.release();
    throw new DatabaseError(new Error('nobody waits for the answer any more'), 'connect');
  }

  /** Its own end decides, not that of the call: what has begun is not left half known when the caller goes. */
  async #guarded<Value>(call: Call | undefined, attempt: (call: Call) => Promise<Value>): Promise<Value> {
    const own = call ?? this.#call();
    try {
      const value = await this.#retry.execute(attempt, own);
      this.#watch?.worked();
      return value;
    } catch (thrown) {
      // Given up between two tries, of which none left anything behind.
      const isGivenUp = own instanceof CallContext && thrown === own.reason;
      const error = isGivenUp ? new DatabaseError(thrown, 'connect') : thrown;
      // A lock that others held for too long says nothing about the server, nor does a statement that it refuses.
      const isOfServer = error instanceof DatabaseError && error.code !== 'E_STATEMENT_REFUSED' && sqlStateOf(error.cause) !== '55P03';
      if (isOfServer) this.#watch?.failed(error);
      throw error;
    }
  }

  #call(): Call {
    const deadlineMs = this.#clock.nowMs() + this.#requestMs;
    return new CallContext(this.#clock, null, { deadlineMs, attempt: 1, idempotent: false, priority: 'normal' });
  }

  #settings(): pg.PoolConfig {
    const { handshakeMs, statementMs, lockMs, idleTransactionMs } = this.#limits;
    return {
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: handshakeMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
      // The server's own limits stand behind ours: it stops what nobody waits for any more, and a frozen or cut-off
      // instance that holds locks loses them before the gateway's replay on another instance runs out of time.
      statement_timeout: statementMs,
      lock_timeout: lockMs,
      idle_in_transaction_session_timeout: idleTransactionMs,
    };
  }
}

/** @throws RangeError that names the option. */
export function createDatabase(options: DatabaseOptions = {}): Database {
  return new Database(options, process.env);
}
