/** The connections to one leader: a pool of node-postgres that can be thrown away at once, whatever its server does. */
import type { Socket } from 'node:net';
import pg from 'pg';
import type { Target } from './whereabouts.ts';

/** `pg`'s options with another address; a connection string would win over `host` and `port`. */
export function optionsFor(options: pg.PoolConfig, target: Target): pg.PoolConfig {
  if (target === null) return options;
  const { address, port } = target;
  const { connectionString, ...others } = options;
  if (connectionString === undefined) return { ...others, host: address, port };
  const url = new URL(connectionString);
  url.hostname = address.includes(':') ? `[${address}]` : address;
  url.port = String(port);
  // In a connection string these win over the address.
  for (const name of ['host', 'port']) url.searchParams.delete(name);
  return { ...others, connectionString: url.href };
}

export class OneLeader {
  readonly #pool: pg.Pool;
  /** Of every age: also those whose handshake a cut-off host never answers. */
  readonly #clients = new Set<pg.Client>();
  readonly #callers = new Set<() => void>();
  #discarded = false;

  constructor(options: pg.PoolConfig, target: Target, onError: (error: Error) => void) {
    const clients = this.#clients;
    class TrackedClient extends pg.Client {
      constructor(config?: pg.ClientConfig) {
        super(config);
        clients.add(this);
        this.once('end', () => clients.delete(this));
      }
    }
    this.#pool = new pg.Pool({ ...optionsFor(options, target), Client: TrackedClient });
    // Of a discarded pool every connection breaks: that is no news.
    this.#pool.on('error', (error) => {
      if (!this.#discarded) onError(error);
    });
  }

  get counts(): { total: number; idle: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount };
  }

  /** Resolves with null when the leader is deposed first. Rejects at the deadline; the connection then serves the next caller. */
  checkOut(waitMs: number): Promise<pg.PoolClient | null> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        this.#callers.delete(deposed);
        act();
      };
      const deposed = (): void => settle(() => resolve(null));
      const late = (): void => settle(() => reject(new Error(`no connection to PostgreSQL within ${Math.round(waitMs)} ms (timeout)`)));
      const timer = setTimeout(late, waitMs);
      this.#callers.add(deposed);
      this.#pool.connect().then(
        (client) => {
          if (settled || this.#discarded) client.release(this.#discarded);
          settle(() => resolve(this.#discarded ? null : client));
        },
        (error: Error) => settle(() => (this.#discarded ? resolve(null) : reject(error))),
      );
    });
  }

  /** Every connection ends now. Politely would wait for a server that may be frozen or cut off. Callers in a query get its error. */
  discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    for (const deposed of [...this.#callers]) deposed();
    for (const client of this.#clients) destroy(client);
    void this.#pool.end().catch(() => undefined);
  }

  /** Waits for connections in use. */
  async end(): Promise<void> {
    await this.#pool.end();
  }
}

function destroy(client: pg.Client): void {
  // Unheard, the error of a connection that is checked out and between two queries would end the process.
  client.on('error', () => undefined);
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
