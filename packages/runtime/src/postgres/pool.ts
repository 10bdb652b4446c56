/** A pool that follows the leader of a PostgreSQL group: told by the host's agent, without a poll and without a proxy between. */
import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { OneLeader } from './one-leader.ts';
import { type Target, Whereabouts } from './whereabouts.ts';

const DEFAULT_WAIT_MS = 5_000;
const DEFAULT_AGENT_PATIENCE_MS = 1_000;

export interface PoolOptions {
  /** Name of the group in the topology. Default: `NINES_POSTGRES`, else 'main'. */
  group?: string;
  /** The agent's unix socket. Default: `NINES_SOCKET`; without it `pg` alone says where to connect. */
  socketPath?: string;
  /** As for node-postgres' Pool. Its host and port are used only until, and unless, an agent is heard. */
  pg?: pg.PoolConfig;
  /** Longest wait of a checkout for a leader and a connection to it, milliseconds. Default 5000. */
  waitMs?: number;
  /** How long the agent's first word is waited for before the host and port of `pg` are used, milliseconds. Default 1000. */
  agentPatienceMs?: number;
}

/** The part of node-postgres' Pool that services use; a new leader's connections take the place of the old one's. */
export interface NinesPool {
  /**
   * Rejects after `waitMs` (milliseconds; default: the pool's) while nobody leads or nobody lets us in, and at once when trying again
   * is in vain (a wrong password). A connection to a leader that is deposed meanwhile is not handed out.
   */
  connect(waitMs?: number): Promise<pg.PoolClient>;
  /** One statement on a connection of its own. Never repeated: whether that is safe, its caller knows. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /** Waits for connections in use, as node-postgres does. */
  end(): Promise<void>;
  /** 'error': an idle connection broke. 'leader': the address ({address, port, term} or null) that is used from now on. */
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'leader', listener: (leader: { address: string; port: number; term: number } | null) => void): this;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export function createPool(options: PoolOptions = {}): NinesPool {
  return new FollowingPool(options);
}

class FollowingPool extends EventEmitter implements NinesPool {
  readonly #pg: pg.PoolConfig;
  readonly #waitMs: number;
  readonly #whereabouts: Whereabouts;
  #current: OneLeader | null = null;
  #waiting = 0;
  #ended = false;

  constructor(options: PoolOptions) {
    super();
    this.#waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
    this.#pg = { connectionTimeoutMillis: this.#waitMs, ...options.pg };
    this.#whereabouts = new Whereabouts({
      socketPath: options.socketPath ?? textOf('NINES_SOCKET'),
      group: options.group ?? textOf('NINES_POSTGRES') ?? 'main',
      agentPatienceMs: options.agentPatienceMs ?? DEFAULT_AGENT_PATIENCE_MS,
      onChange: (target) => this.#turnTo(target),
    });
    if (this.#whereabouts.target !== undefined) this.#turnTo(this.#whereabouts.target);
  }

  get totalCount(): number {
    return this.#current?.counts.total ?? 0;
  }

  get idleCount(): number {
    return this.#current?.counts.idle ?? 0;
  }

  get waitingCount(): number {
    return this.#waiting;
  }

  async connect(waitMs: number = this.#waitMs): Promise<pg.PoolClient> {
    const deadlineMs = performance.now() + waitMs;
    this.#waiting += 1;
    try {
      for (;;) {
        if (this.#ended) throw new Error('Cannot use a pool after calling end on the pool');
        await this.#whereabouts.known(deadlineMs);
        // Null: deposed while we waited for it. The next one may be known already.
        const client = await this.#current?.checkOut(deadlineMs, waitMs);
        if (client) return client;
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  async query<Row extends pg.QueryResultRow>(query: string | pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult<Row>> {
    const client = await this.connect();
    try {
      const result = await (values === undefined ? client.query<Row>(query) : client.query<Row>(query, values));
      client.release();
      return result;
    } catch (error) {
      client.release(error instanceof Error ? error : true);
      throw error;
    }
  }

  async end(): Promise<void> {
    if (this.#ended) throw new Error('Called end on pool more than once');
    this.#ended = true;
    this.#whereabouts.close();
    await this.#current?.end();
  }

  /** The old leader's connections end at once, and new ones go to the next: in one step, so that nobody gets one of the old. */
  #turnTo(target: Target | undefined): void {
    if (this.#ended) return;
    const before = this.#current;
    this.#current = target === undefined ? null : new OneLeader(this.#pg, target, (error) => this.emit('error', error));
    before?.discard();
    this.emit('leader', target ?? null);
  }
}

function textOf(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}
