/** A point in time by which a request is answered, well or with 503; every wait below it asks how much is left. */
export class Deadline {
  readonly #endsAtMs: number;
  readonly #nowMs: () => number;
  #abandoned = false;

  constructor(durationMs: number, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#endsAtMs = nowMs() + durationMs;
  }

  /** Nobody waits for the answer any more: what has begun goes on to its end, nothing new need begin. */
  abandon(): void {
    this.#abandoned = true;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.#nowMs());
  }

  /** The limit, or what is left of the deadline if that is less; at least 1, as 0 means "no limit" to most drivers. */
  withinMs(limitMs: number): number {
    return Math.max(1, Math.min(limitMs, Math.floor(this.remainingMs())));
  }
}
