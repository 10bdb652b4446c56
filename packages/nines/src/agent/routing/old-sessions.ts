/**
 * Connections to deposed members that workers of before a reload still have. Beside the routes, never before them: HAProxy's master
 * may not answer for seconds while it reloads, and then it is asked again.
 */
import { cutOldSessions } from '../../engines/haproxy/old-workers.ts';

const ANSWER_MS = 1_000;

export class OldSessions {
  readonly #log: (message: string) => void;
  /** Backend -> hosts whose sessions have to end. */
  readonly #owed = new Map<string, Set<string>>();
  readonly #ending = new AbortController();
  #cutting: Promise<void> | null = null;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  owe(backend: string, hosts: readonly string[]): void {
    const owed = this.#owed.get(backend) ?? new Set();
    for (const host of hosts) owed.add(host);
    if (owed.size > 0) this.#owed.set(backend, owed);
  }

  /** Starts to do what is owed, unless that is going on. */
  cut(masterSocket: string): void {
    if (this.#owed.size === 0 || this.#cutting !== null || this.#ending.signal.aborted) return;
    this.#cutting = this.#cut(masterSocket).finally(() => {
      this.#cutting = null;
    });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#cutting;
  }

  async #cut(masterSocket: string): Promise<void> {
    for (const [backend, hosts] of [...this.#owed]) {
      this.#owed.delete(backend);
      try {
        const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(ANSWER_MS)]);
        const count = await cutOldSessions(masterSocket, backend, [...hosts], signal);
        if (count > 0) this.#log(`ended ${count} connections of ${backend} that a worker of before a reload still had`);
      } catch {
        // The master is away or busy; the next poll asks again.
        this.owe(backend, [...hosts]);
        return;
      }
    }
  }
}
