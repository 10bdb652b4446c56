/** Successes and failures of the last while. Pure: time is given. Every operation takes the same few steps, however many calls it counts. */

export class RollingCounts {
  readonly #bucketMs: number;
  readonly #successes: Float64Array;
  readonly #failures: Float64Array;
  /** Of the newest bucket, counted from the clock's beginning. */
  #bucket = -Infinity;
  #allSuccesses = 0;
  #allFailures = 0;

  /** @param windowMs what is older is forgotten, a bucket at a time. */
  constructor(windowMs: number, buckets: number) {
    this.#bucketMs = windowMs / buckets;
    this.#successes = new Float64Array(buckets);
    this.#failures = new Float64Array(buckets);
  }

  succeeded(nowMs: number): void {
    const at = this.#move(nowMs);
    this.#successes[at] = (this.#successes[at] ?? 0) + 1;
    this.#allSuccesses += 1;
  }

  failed(nowMs: number): void {
    const at = this.#move(nowMs);
    this.#failures[at] = (this.#failures[at] ?? 0) + 1;
    this.#allFailures += 1;
  }

  totals(nowMs: number): { successes: number; failures: number } {
    this.#move(nowMs);
    return { successes: this.#allSuccesses, failures: this.#allFailures };
  }

  clear(): void {
    this.#successes.fill(0);
    this.#failures.fill(0);
    this.#allSuccesses = 0;
    this.#allFailures = 0;
  }

  /** Forgets what has become too old; the place of now. */
  #move(nowMs: number): number {
    const count = this.#successes.length;
    const bucket = Math.floor(nowMs / this.#bucketMs);
    if (bucket - this.#bucket >= count) this.clear();
    else {
      for (let old = this.#bucket + 1; old <= bucket; old++) {
        const at = old % count;
        this.#allSuccesses -= this.#successes[at] ?? 0;
        this.#allFailures -= this.#failures[at] ?? 0;
        this.#successes[at] = 0;
        this.#failures[at] = 0;
      }
    }
    this.#bucket = Math.max(this.#bucket, bucket);
    return this.#bucket % count;
  }
}
