/** A run's records -> one slot per 100 ms, for the picture of the report. Pure. */
import { percentile } from './percentile.ts';
import { isFailed, type RequestRecord } from './record.ts';

export interface TimelineSlot {
  /** Start, milliseconds since the start of the run. */
  atMs: number;
  /** Good answers that came in it. */
  ok: number;
  /** Requests due in it that were not answered well by their deadline. */
  failed: number;
  /** Requests due in it that needed their retry and were then answered well. */
  retried: number;
  /** Of the good answers that came in it; null without any. */
  p50Ms: number | null;
  maxMs: number | null;
}

export function timeline(records: readonly RequestRecord[], untilMs: number, slotMs = 100): TimelineSlot[] {
  const slots = Array.from({ length: Math.ceil(untilMs / slotMs) }, (_, index) => ({
    slot: { atMs: index * slotMs, ok: 0, failed: 0, retried: 0, p50Ms: null, maxMs: null } as TimelineSlot,
    durations: [] as number[],
  }));
  const at = (timeMs: number) => slots[Math.floor(timeMs / slotMs)];
  for (const record of records) {
    const due = at(record.dueMs)?.slot;
    if (isFailed(record)) {
      if (due !== undefined) due.failed += 1;
      continue;
    }
    if (record.attempts > 1 && due !== undefined) due.retried += 1;
    const done = at(record.doneMs);
    done?.durations.push(record.doneMs - record.dueMs);
  }
  return slots.map(({ slot, durations }) => {
    durations.sort((one, other) => one - other);
    if (durations.length === 0) return slot;
    return { ...slot, ok: durations.length, p50Ms: percentile(durations, 50), maxMs: durations.at(-1) ?? null };
  });
}
