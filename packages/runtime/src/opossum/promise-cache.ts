/** Answers by key, for a while. */
import type { Clock } from '../clock/clock.ts';

/** What `cacheTransport` may be replaced with. @see CircuitBreakerOptions */
export interface CacheTransport {
  get: (key: string) => unknown;
  /** @param expiresAt milliseconds since 1970; 0: never */
  set: (key: string, value: unknown, expiresAt: number) => void;
  flush: () => void;
}

/** The oldest goes when it is full. */
export class PromiseCache {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #size: number;
  readonly #entries = new Map<string, { value: Promise<unknown>; untilMs: number }>();

  /** @param ttlMs 0: for ever */
  constructor(clock: Clock, ttlMs: number, size = 2 ** 24) {
    this.#clock = clock;
    this.#ttlMs = ttlMs > 0 ? ttlMs : Infinity;
    this.#size = size;
  }

  get(key: string): Promise<unknown> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.nowMs()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Promise<unknown>): void {
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#size && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { value, untilMs: this.#clock.nowMs() + this.#ttlMs });
  }

  /** @param value only this one: a later call may have put its own there. */
  delete(key: string, value: Promise<unknown>): void {
    if (this.#entries.get(key)?.value === value) this.#entries.delete(key);
  }

  flush(): void {
    this.#entries.clear();
  }
}
