/** What was heard of one node. Times are the listening clock's. */
import type { Heartbeat } from '../../../failover/heartbeat.ts';
import { type Detector, firstHeard, heard } from '../../../failover/suspicion.ts';
import type { Timing } from '../../../failover/timing.ts';

export interface Sighting {
  detector: Detector;
  /** Null: not heard in this life of the agent. */
  heartbeat: Heartbeat | null;
  /** Its acknowledged writes were first heard to grow to what they are now. */
  advancedMs: number;
  /** Since when it says that its server is not fit: no answers, or not a primary. Null: it is a fit primary. */
  unfitSinceMs: number | null;
}

export function unseen(timing: Timing, nowMs: number): Sighting {
  return { detector: firstHeard(timing, nowMs), heartbeat: null, advancedMs: nowMs, unfitSinceMs: nowMs };
}

/** A lower sequence is another life of the agent; the same one came twice. */
export function seenAgain(before: Sighting, heartbeat: Heartbeat, timing: Timing, nowMs: number): Sighting {
  const last = before.heartbeat;
  if (last?.sequence === heartbeat.sequence) return before;
  const isSameLife = last !== null && heartbeat.sequence > last.sequence;
  const advanced = heartbeat.pulses > (isSameLife ? last.pulses : 0);
  const isFit = heartbeat.healthy && heartbeat.role === 'primary';
  return {
    detector: last === null ? firstHeard(timing, nowMs) : heard(before.detector, nowMs),
    heartbeat,
    advancedMs: advanced ? nowMs : before.advancedMs,
    unfitSinceMs: isFit ? null : (before.unfitSinceMs ?? nowMs),
  };
}
