/** How long a fault was felt. Pure. */
import { isDisturbed, type RequestRecord } from './record.ts';

/** A request this young has met nothing yet: a gateway tries to connect for as long before it goes elsewhere. */
const YOUNG_MS = 250;

/**
 * Milliseconds from the fault to the first moment from which on every request is answered well at the first try:
 * the moment at which the first request was due after the last one that failed or needed its retry. 0 when none did.
 * null (not recovered) when no request was due after the last one disturbed, before `untilMs`.
 *
 * Stricter than `failed`, which counts what the retry could not save: a client without a retry would have felt it.
 * Judged by when requests were due, as an answer that comes late says nothing about the moment at which it came.
 */
export function recoveredMs(records: readonly RequestRecord[], faultMs: number, untilMs: number): number | null {
  let lastDisturbedMs: number | null = null;
  for (const record of records) {
    // What was under way at the fault is its victim, whenever it was due.
    if (record.doneMs < faultMs || record.dueMs >= untilMs || !isDisturbed(record)) continue;
    // So is what had only just begun when the next one came (a heal moves addresses too); older ones beside it still count here.
    if (record.doneMs > untilMs && record.dueMs > untilMs - YOUNG_MS) continue;
    lastDisturbedMs = Math.max(lastDisturbedMs ?? faultMs, record.dueMs);
  }
  if (lastDisturbedMs === null) return 0;
  let recoveredAtMs: number | null = null;
  for (const record of records) {
    const { dueMs } = record;
    if (dueMs <= lastDisturbedMs || dueMs >= untilMs || isDisturbed(record)) continue;
    recoveredAtMs = Math.min(recoveredAtMs ?? dueMs, dueMs);
  }
  return recoveredAtMs === null ? null : recoveredAtMs - faultMs;
}
