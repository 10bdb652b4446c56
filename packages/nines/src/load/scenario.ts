/** What a load run asks for. One scenario knows one API; everything else of the client knows none. */
import type { HttpAnswer } from './http-response.ts';
import type { Operation, RequestRecord } from './record.ts';

export interface PlannedRequest {
  f: Operation;
  process: string;
  /** Sent as `Idempotency-Key`; null for reads and un-keyed writes, which are never retried after a doubt. */
  key: string | null;
  /** Id of the order it is about; null when it is about none, or makes one. */
  value: string | null;
  /** The whole request, head and body. */
  bytes: Buffer;
  /** Only asked for 2xx: does the answer say what it must? Returns the record's value, or 'unusable'. */
  accept(answer: HttpAnswer): { value: string | null } | 'unusable';
}

export interface Scenario {
  /** Before the clock starts: each must be answered well. */
  preparation(): PlannedRequest[];
  /** The request of that index of the schedule. Never null: the schedule is never skipped. */
  plan(index: number): PlannedRequest;
  /** Told of each finished request; returns requests to make at once besides the schedule (a new login). */
  finished(record: RequestRecord): PlannedRequest[];
}
