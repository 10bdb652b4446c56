/** What the load client knows of its own run: three histograms and the counters that a person watches live. */
import { createHistogram } from 'node:perf_hooks';
import { isDisturbed, isFailed, type RequestRecord } from './record.ts';

export interface Percentiles {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

export interface LoadCounts {
  requests: number;
  failed: number;
  /** Not answered well at the first try. */
  disturbed: number;
  acknowledgedOrders: number;
}

export class LoadMeasures {
  readonly counts: LoadCounts = { requests: 0, failed: 0, disturbed: 0, acknowledgedOrders: 0 };
  /** When the last request that was not answered well at once was due; null: none so far. */
  lastDisturbedDueMs: number | null = null;
  /** From due to done: what a user waits for, and what is reported. */
  readonly #intended = createHistogram();
  /** From sent to done: without the client's own delay. */
  readonly #service = createHistogram();
  /** From due to sent: how late the client itself was. */
  readonly #lag = createHistogram();

  add(record: RequestRecord): void {
    this.#intended.record(microseconds(record.doneMs - record.dueMs));
    this.#service.record(microseconds(record.doneMs - record.sentMs));
    this.#lag.record(microseconds(record.sentMs - record.dueMs));
    this.counts.requests += 1;
    if (isFailed(record)) this.counts.failed += 1;
    if (isDisturbed(record)) {
      this.counts.disturbed += 1;
      this.lastDisturbedDueMs = Math.max(this.lastDisturbedDueMs ?? 0, record.dueMs);
    }
    if (record.f === 'placeOrder' && record.class === 'ok') this.counts.acknowledgedOrders += 1;
  }

  percentiles(): { intended: Percentiles; service: Percentiles; lag: Percentiles } {
    return { intended: percentilesOf(this.#intended), service: percentilesOf(this.#service), lag: percentilesOf(this.#lag) };
  }
}

/** The histogram takes whole numbers from 1. */
function microseconds(durationMs: number): number {
  return Math.max(1, Math.round(durationMs * 1000));
}

function percentilesOf(histogram: ReturnType<typeof createHistogram>): Percentiles {
  if (histogram.count === 0) return { p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
  const at = (percentile: number) => histogram.percentile(percentile) / 1000;
  return { p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: histogram.max / 1000 };
}
