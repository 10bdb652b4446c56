/** One request as the client saw it. A history file is these records as NDJSON, in order of completion. */

/** What was asked: reads first, then writes. */
export const READS = ['products', 'product', 'orders', 'order', 'session'] as const;
export const WRITES = ['placeOrder', 'pay', 'login'] as const;
export type Operation = (typeof READS)[number] | (typeof WRITES)[number];

/** ok: it happened; fail: it definitely did not happen; info: nobody knows (timeout, reset after sending, 5xx). */
export type OutcomeClass = 'ok' | 'fail' | 'info';

export interface RequestRecord {
  /** Counts requests of the run, in the order in which they were due. */
  index: number;
  /** Times are milliseconds since the start of the run, fractions included. */
  dueMs: number;
  sentMs: number;
  doneMs: number;
  /** The customer: one customer is one process of the history. */
  process: string;
  f: Operation;
  /** Idempotency key; null for reads and un-keyed writes. */
  key: string | null;
  /** Id of the order that was made, read or paid; null otherwise. */
  value: string | null;
  /** HTTP status of the last attempt; null without an answer. */
  status: number | null;
  class: OutcomeClass;
  /** 1, or 2 when it was retried; 0 when the connection cap was reached and nothing was sent. */
  attempts: number;
  /** Why each attempt that was not answered well was not: 'timeout', 'refused', 'reset', '503', ... */
  causes: string[];
  /** Of the last attempt. */
  connection: 'new' | 'kept' | null;
  /** `x-instance` of the last answer: who served it. */
  instance: string | null;
}

export function isRead(operation: Operation): boolean {
  return (READS as readonly string[]).includes(operation);
}

/** Not answered well by its deadline, with the retry that the contract allows. */
export function isFailed(record: RequestRecord): boolean {
  return record.class !== 'ok';
}

/** Not answered well at the first try. */
export function isDisturbed(record: RequestRecord): boolean {
  return record.class !== 'ok' || record.attempts !== 1;
}

/** Times are kept to the microsecond: shorter lines, and nothing here is measured finer. */
export function recordLine(record: RequestRecord): string {
  const { dueMs, sentMs, doneMs } = record;
  const line = { ...record, dueMs: toMicrosecond(dueMs), sentMs: toMicrosecond(sentMs), doneMs: toMicrosecond(doneMs) };
  return `${JSON.stringify(line)}\n`;
}

function toMicrosecond(timeMs: number): number {
  return Math.round(timeMs * 1000) / 1000;
}
