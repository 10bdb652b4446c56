/** The connections to one leader: a pool of node-postgres that can be thrown away at once, whatever its server does. */
import type { Socket } from 'node:net';
import pg from 'pg';
import { mayPass } from './refusal.ts';
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

/** After a try that failed, the next one: half to the whole of this, doubled by each further failure. */
const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 250;

interface Waiter {
  take(client: pg.PoolClient | null): void;
  fail(error: Error): void;
}

/**
 * The first connection is made alone, for whoever waits longest when it is there; the others follow when it is in. Were each that
 * is wanted tried at once, a leader that is down, or has not begun, would meet a try for each request that waits: that takes the
 * CPU that the failover itself needs.
 */
export class OneLeader {
  readonly #pool: pg.Pool;
  readonly #byAgent: boolean;
  /** Of every age: also those whose handshake a cut-off host never answers. */
  readonly #clients = new Set<pg.Client>();
  /** Longest waiting first. */
  readonly #waiting = new Set<Waiter>();
  /** Resting connections that node-postgres was asked for and has not handed out yet. */
  #picking = 0;
  #making = 0;
  /** It let the last one in. */
  #letsIn = false;
  #failures = 0;
  #backoff: NodeJS.Timeout | null = null;
  #lastError: Error | null = null;
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
    this.#byAgent = target !== null;
    this.#pool = new pg.Pool({ ...optionsFor(options, target), Client: TrackedClient });
    // Of a discarded pool every connection breaks: that is no news.
    this.#pool.on('error', (error) => {
      if (!this.#discarded) onError(error);
    });
    // It rests, or is gone, only after this event.
    this.#pool.on('release', () => queueMicrotask(() => this.#serve()));
  }

  get counts(): { total: number; idle: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount };
  }

  /**
   * Resolves with null when the leader is deposed first. Rejects at the deadline (of `performance.now`), and when a later try would fail like this one.
   * @param waitMs in the error: what the caller gave, of which a part may be over.
   */
  checkOut(deadlineMs: number, waitMs: number): Promise<pg.PoolClient | null> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        act();
      };
      const waiter: Waiter = {
        take: (client) => settle(() => resolve(client)),
        fail: (error) => settle(() => reject(error)),
      };
      const timer = setTimeout(() => waiter.fail(this.#lateness(waitMs)), Math.max(1, deadlineMs - performance.now()));
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  /** Every connection ends now. Politely would wait for a server that may be frozen or cut off. Callers in a query get its error. */
  discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    if (this.#backoff !== null) clearTimeout(this.#backoff);
    for (const waiter of [...this.#waiting]) waiter.take(null);
    for (const client of this.#clients) destroy(client);
    void this.#pool.end().catch(() => undefined);
  }

  /** Waits for connections in use; who waits for one gets none. */
  async end(): Promise<void> {
    if (this.#backoff !== null) clearTimeout(this.#backoff);
    const ended = this.#pool.end();
    this.#failAll(new Error('Cannot use a pool after calling end on the pool'));
    await ended;
  }

  #serve(): void {
    if (this.#discarded || this.#pool.ending) return;
    while (this.#waiting.size > this.#picking && this.#pool.idleCount > this.#picking) void this.#pick();
    while (this.#waiting.size > this.#picking + this.#making && this.#mayMake) void this.#make();
  }

  get #mayMake(): boolean {
    const isFull = this.#pool.totalCount >= this.#pool.options.max;
    return !isFull && this.#backoff === null && (this.#letsIn || this.#making === 0);
  }

  async #pick(): Promise<void> {
    this.#picking += 1;
    try {
      this.#hand(await this.#pool.connect());
    } catch (error) {
      this.#failAll(error as Error);
    } finally {
      this.#picking -= 1;
      this.#serve();
    }
  }

  async #make(): Promise<void> {
    this.#making += 1;
    try {
      const client = await this.#pool.connect();
      this.#letsIn = true;
      this.#failures = 0;
      this.#lastError = null;
      this.#hand(client);
    } catch (error) {
      this.#refused(error as Error);
    } finally {
      this.#making -= 1;
      this.#serve();
    }
  }

  #hand(client: pg.PoolClient): void {
    const [first] = this.#waiting;
    if (this.#discarded || first === undefined) client.release(this.#discarded);
    else first.take(client);
  }

  #refused(error: Error): void {
    this.#letsIn = false;
    if (this.#discarded) return;
    if (!mayPass(error, this.#byAgent)) return this.#failAll(error);
    this.#lastError = error;
    const longestMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, LONGEST_BACKOFF_MS);
    this.#failures += 1;
    this.#backoff ??= setTimeout(
      () => {
        this.#backoff = null;
        this.#serve();
      },
      longestMs * (0.5 + Math.random() / 2),
    );
  }

  #failAll(error: Error): void {
    for (const waiter of [...this.#waiting]) waiter.fail(error);
  }

  #lateness(waitMs: number): Error {
    const words = `no connection to PostgreSQL within ${Math.round(waitMs)} ms (timeout)`;
    const last = this.#lastError;
    return last === null ? new Error(words) : new Error(`${words}; the last try: ${last.message}`, { cause: last });
  }
}

function destroy(client: pg.Client): void {
  // Unheard, the error of a connection that is checked out and between two queries would end the process.
  client.on('error', () => undefined);
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
