/** The client's connections: kept ones, fresh ones, and a cap over all of them. */
import { Connection, type Target } from './connection.ts';

export interface PoolOptions {
  target: Target;
  /** Over this many open connections a request fails instead of waiting: a queue in the client would hide an outage. */
  maxConnections: number;
  /** A kept connection idle for longer is closed instead of used: the server may be closing it at this very moment. */
  maxIdleMs: number;
  /** After this many requests a connection is replaced, so that long runs keep meeting every gateway. */
  maxRequestsPerConnection: number;
  clock: () => number;
}

interface Idle {
  connection: Connection;
  sinceMs: number;
}

export class ConnectionPool {
  opened = 0;
  readonly #options: PoolOptions;
  readonly #open = new Set<Connection>();
  /** Last used first: few connections stay warm, the others grow old and go. */
  readonly #idle: Idle[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A connection to put one request on; a kept one unless `fresh`; null at the cap. */
  take(fresh: boolean): Connection | null {
    this.#dropStale();
    if (!fresh) {
      const kept = this.#idle.pop();
      if (kept !== undefined) return kept.connection;
    }
    if (this.#open.size >= this.#options.maxConnections) {
      const oldest = this.#idle.shift();
      if (oldest === undefined) return null;
      oldest.connection.abandon();
    }
    const connection = new Connection(this.#options.target, (dead) => this.#forget(dead));
    this.#open.add(connection);
    this.opened += 1;
    return connection;
  }

  /** Gives an idle connection back, after its answer. */
  keep(connection: Connection): void {
    if (!connection.alive) return;
    if (connection.served >= this.#options.maxRequestsPerConnection) connection.abandon();
    else this.#idle.push({ connection, sinceMs: this.#options.clock() });
  }

  close(): void {
    for (const connection of this.#open) connection.abandon();
  }

  #dropStale(): void {
    const oldestMs = this.#options.clock() - this.#options.maxIdleMs;
    while (this.#idle[0] !== undefined && this.#idle[0].sinceMs < oldestMs) this.#idle[0].connection.abandon();
  }

  #forget(dead: Connection): void {
    this.#open.delete(dead);
    const at = this.#idle.findIndex((idle) => idle.connection === dead);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
