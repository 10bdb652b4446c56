/** Records for tests: a good one, with what is to be different. */
import type { RequestRecord } from '../record.ts';

export function aRecord(different: Partial<RequestRecord> = {}): RequestRecord {
  const dueMs = different.dueMs ?? 0;
  return {
    index: 0,
    sentMs: dueMs,
    doneMs: dueMs + 5,
    process: 'customer-0',
    f: 'products',
    key: null,
    value: null,
    status: 200,
    class: 'ok',
    attempts: 1,
    causes: [],
    connection: 'kept',
    instance: 'a1/orders-0',
    ...different,
    dueMs,
  };
}

/** One request every 10 ms, changed by `change` (which may return null: no such request). */
export function aRun(untilMs: number, change: (dueMs: number) => Partial<RequestRecord> = () => ({})): RequestRecord[] {
  return Array.from({ length: Math.ceil(untilMs / 10) }, (_, index) => aRecord({ index, dueMs: index * 10, ...change(index * 10) }));
}
