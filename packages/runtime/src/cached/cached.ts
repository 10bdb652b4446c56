/** Answers kept for a while, and for longer when no new one can be had: the words are those of HTTP's `Cache-Control`. */

export interface CachedOptions {
  /** An answer is fresh for so long, milliseconds. */
  ttlMs: number;
  /** For so long after that it is given at once, and a new one is fetched beside it, milliseconds. Default 0. */
  staleWhileRevalidateMs?: number;
  /** For so long after `ttlMs` it is given when no new one can be had, milliseconds. Default 0. */
  staleIfErrorMs?: number;
  /** After a failure the source is left alone for so long by those who have an old answer, milliseconds. Default 1000. */
  retryMs?: number;
  /** Answers kept; the one that was not asked for longest goes first. Default 1000. */
  maxEntries?: number;
  /** Milliseconds that only grow. Default `performance.now`. */
  nowMs?: () => number;
}

export interface CachedAnswer<Value> {
  value: Value;
  /** Since it was fetched, milliseconds. */
  ageMs: number;
  /** Older than `ttlMs`. */
  stale: boolean;
}

interface Entry<Value> {
  answer: { value: Value; atMs: number } | null;
  fetching: Promise<Value> | null;
  failedAtMs: number;
}

export class Cached<Value> {
  readonly #fetch: (key: string) => Promise<Value>;
  readonly #options: Required<CachedOptions>;
  /** Longest unused first. */
  readonly #entries = new Map<string, Entry<Value>>();

  /** @param fetch has to end by itself: everybody who asks for the key meanwhile waits for it. */
  constructor(fetch: (key: string) => Promise<Value>, options: CachedOptions) {
    this.#fetch = fetch;
    this.#options = {
      ...{ staleWhileRevalidateMs: 0, staleIfErrorMs: 0, retryMs: 1_000, maxEntries: 1_000, nowMs: () => performance.now() },
      ...options,
    };
    for (const [name, value] of Object.entries(this.#options)) {
      if (typeof value === 'number' && !(value >= 0)) throw new RangeError(`${name} is ${value}; it is 0 or more`);
    }
  }

  /** Fetches at most once at a time for a key. Rejects as `fetch` does when there is no answer that may still be given. */
  async get(key: string): Promise<CachedAnswer<Value>> {
    const { ttlMs, staleWhileRevalidateMs, staleIfErrorMs, retryMs } = this.#options;
    const entry = this.#entry(key);
    const kept = this.#kept(entry);
    if (kept !== null && !kept.stale) return kept;
    if (kept !== null) {
      const rests = this.#options.nowMs() - entry.failedAtMs < retryMs;
      if (rests && kept.ageMs < ttlMs + staleIfErrorMs) return kept;
      if (kept.ageMs < ttlMs + staleWhileRevalidateMs) {
        if (!rests) this.#refresh(key, entry).catch(() => undefined);
        return kept;
      }
    }
    try {
      return { value: await this.#refresh(key, entry), ageMs: 0, stale: false };
    } catch (error) {
      const now = this.#kept(entry);
      if (now !== null && now.ageMs < ttlMs + staleIfErrorMs) return now;
      throw error;
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  #kept({ answer }: Entry<Value>): CachedAnswer<Value> | null {
    if (answer === null) return null;
    const ageMs = this.#options.nowMs() - answer.atMs;
    return { value: answer.value, ageMs, stale: ageMs >= this.#options.ttlMs };
  }

  #entry(key: string): Entry<Value> {
    const entry = this.#entries.get(key) ?? { answer: null, fetching: null, failedAtMs: -Infinity };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest, { fetching }] of this.#entries) {
      if (this.#entries.size <= this.#options.maxEntries) break;
      // Nobody would find what is being fetched: it goes when it has come.
      if (fetching === null && oldest !== key) this.#entries.delete(oldest);
    }
    return entry;
  }

  #refresh(key: string, entry: Entry<Value>): Promise<Value> {
    entry.fetching ??= this.#fetched(key, entry).finally(() => {
      entry.fetching = null;
      // What failed and has nothing to give is not worth a place.
      if (entry.answer === null && this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.fetching;
  }

  async #fetched(key: string, entry: Entry<Value>): Promise<Value> {
    const startedMs = this.#options.nowMs();
    try {
      const value = await this.#fetch(key);
      // As old as the question: what changed while it was on its way may not be in it.
      entry.answer = { value, atMs: startedMs };
      return value;
    } catch (error) {
      entry.failedAtMs = this.#options.nowMs();
      throw error;
    }
  }
}
