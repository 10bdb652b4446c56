/** What a breaker has seen in its rolling window. Counting takes one step; sorting is left to who asks. */
import { EventEmitter } from 'node:events';
import type { Clock, Timer } from '../clock/clock.ts';

export const COUNTED = [
  'failures',
  'fallbacks',
  'successes',
  'rejects',
  'fires',
  'timeouts',
  'cacheHits',
  'cacheMisses',
  'coalesceCacheHits',
  'coalesceCacheMisses',
  'semaphoreRejections',
] as const;
export type Counted = (typeof COUNTED)[number];

type Counts = Record<Counted, number>;

export interface Stats extends Counts {
  /** Milliseconds, by share; of successes, failures and time-outs. */
  percentiles: Record<string, number>;
  /** Milliseconds, sorted. */
  latencyTimes: number[];
  latencyMean: number;
}

export interface StatusOptions {
  /** Milliseconds that are remembered. Default 10,000. Short: reacts at once, and to every hiccup. */
  rollingCountTimeout?: number;
  /** Parts in which they are forgotten. Default 10. */
  rollingCountBuckets?: number;
  /** Whether latencies are kept, for percentiles and their mean. Default true. Costs 8 bytes a call. */
  rollingPercentilesEnabled?: boolean;
  /** Whether who listens to `snapshot` is told once per part. Default true. */
  enableSnapshots?: boolean;
  /** What was seen before. */
  stats?: Partial<Stats>;
}

const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1];

interface Bucket extends Counts {
  latencyTimes: number[];
}

const emptyBucket = (): Bucket => ({ ...(Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts), latencyTimes: [] });

/** Emits `snapshot` with its stats once in a bucket's time, while somebody listens. */
export class Status extends EventEmitter {
  readonly rollingPercentilesEnabled: boolean;
  readonly #clock: Clock;
  readonly #bucketMs: number;
  /** Newest first. */
  #window: Bucket[];
  #bucketSinceMs: number;
  #snapshots: Timer | null = null;

  constructor(options: StatusOptions, clock: Clock) {
    super();
    const {
      rollingCountTimeout = 10_000,
      rollingCountBuckets = 10,
      rollingPercentilesEnabled = true,
      enableSnapshots = true,
      stats,
    } = options;
    this.#clock = clock;
    this.#bucketMs = Math.max(1, Math.floor(rollingCountTimeout / rollingCountBuckets));
    this.rollingPercentilesEnabled = rollingPercentilesEnabled;
    this.#bucketSinceMs = clock.nowMs();
    this.#window = Array.from({ length: rollingCountBuckets }, emptyBucket);
    if (stats !== undefined) this.#window[0] = { ...emptyBucket(), ...pick(stats), latencyTimes: [...(stats.latencyTimes ?? [])] };
    if (enableSnapshots) this.on('newListener', (event) => event === 'snapshot' && this.#beginSnapshots());
  }

  increment(name: Counted, latencyMs?: number): void {
    const bucket = this.#newest();
    bucket[name] += 1;
    if (this.rollingPercentilesEnabled && latencyMs !== undefined) bucket.latencyTimes.push(latencyMs);
  }

  get stats(): Stats {
    const totals = this.window.reduce<Bucket>((sum, each) => {
      for (const name of COUNTED) sum[name] += each[name];
      return sum;
    }, emptyBucket());
    const sorted = this.window.flatMap(({ latencyTimes }) => latencyTimes).toSorted((a, b) => a - b);
    const known = this.rollingPercentilesEnabled;
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return {
      ...totals,
      latencyTimes: sorted,
      latencyMean: known ? sorted.reduce((sum, each) => sum + each, 0) / Math.max(1, sorted.length) : -1,
      percentiles: Object.fromEntries(PERCENTILES.map((share) => [share, known ? at(share) : -1])),
    };
  }

  /** Newest first. */
  get window(): readonly Bucket[] {
    this.#newest();
    return [...this.#window];
  }

  shutdown(): void {
    this.removeAllListeners();
    this.#snapshots?.stop();
    this.#snapshots = null;
  }

  #newest(): Bucket {
    const passed = Math.floor((this.#clock.nowMs() - this.#bucketSinceMs) / this.#bucketMs);
    if (passed > 0) {
      const fresh = Array.from({ length: Math.min(passed, this.#window.length) }, emptyBucket);
      this.#window = [...fresh, ...this.#window].slice(0, this.#window.length);
      this.#bucketSinceMs += passed * this.#bucketMs;
    }
    return this.#window[0]!;
  }

  #beginSnapshots(): void {
    if (this.#snapshots !== null) return;
    this.#snapshots = this.#clock.startTimer(this.#bucketMs, () => {
      this.#snapshots = null;
      this.emit('snapshot', this.stats);
      if (this.listenerCount('snapshot') > 0) this.#beginSnapshots();
    });
    this.#snapshots.hold(false);
  }
}

const pick = (stats: Partial<Stats>): Counts => Object.fromEntries(COUNTED.map((name) => [name, stats[name] ?? 0])) as Counts;
