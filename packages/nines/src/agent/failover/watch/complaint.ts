/** What one node by itself holds against the leader. */
import type { GroupRecord } from '../../../failover/record.ts';
import { isSilent, patienceMs } from '../../../failover/suspicion.ts';
import type { Timing } from '../../../failover/timing.ts';
import type { Sighting } from './sighting.ts';

export interface Complaint {
  /** The leader says so itself: nobody else has to be asked. */
  isCertain: boolean;
  /** Nothing is heard of its agent. */
  isSilence: boolean;
  reason: string;
}

/** @param leadsSinceMs when this node learnt of the leader's term. @param phaseSinceMs and of the present epoch and phase. */
export function complaint(
  record: GroupRecord,
  leader: Sighting,
  timing: Timing,
  at: { nowMs: number; leadsSinceMs: number; phaseSinceMs: number },
): Complaint | null {
  const { nowMs } = at;
  const { heartbeat, detector } = leader;
  const silentMs = nowMs - detector.lastHeardMs;
  if (heartbeat === null) {
    // A node that has just started may simply not be connected yet.
    return silentMs > timing.suspicionCeilingMs ? silence(`${record.leader} was never heard, for ${Math.round(silentMs)} ms`) : null;
  }
  if (heartbeat.exited && heartbeat.term >= record.term) {
    return { isCertain: true, isSilence: false, reason: `${record.leader} says that its PostgreSQL exited` };
  }
  if (isSilent(detector, timing, nowMs)) {
    return silence(`${record.leader} is silent for ${Math.round(silentMs)} ms, more than ${Math.round(patienceMs(detector, timing))}`);
  }
  const reason = unfit(record, leader, timing, at);
  return reason === null ? null : { isCertain: false, isSilence: false, reason };
}

function silence(reason: string): Complaint {
  return { isCertain: false, isSilence: true, reason };
}

function unfit(
  record: GroupRecord,
  { heartbeat, unfitSinceMs, advancedMs }: Sighting,
  timing: Timing,
  { nowMs, leadsSinceMs, phaseSinceMs }: { nowMs: number; leadsSinceMs: number; phaseSinceMs: number },
): string | null {
  const who = record.leader;
  if (unfitSinceMs !== null) {
    // On its way to lead, or to hand over: it is given the time that this takes.
    const isOnItsWay = heartbeat?.role === 'handed' || record.phase === 'promoting' || record.interrupted === 'promoting';
    // That its term is open may be known before its own heartbeat says that it is a primary.
    const sinceMs = nowMs - Math.max(unfitSinceMs, record.phase === 'open' ? phaseSinceMs : leadsSinceMs);
    const allowedMs = isOnItsWay ? timing.promotionMs : timing.suspicionFloorMs;
    if (sinceMs > allowedMs) return `${who} says for ${Math.round(sinceMs)} ms that it is ${heartbeat?.role}, and not well`;
    return null;
  }
  const canAcknowledge = record.phase === 'open' && record.guards.every(({ acks }) => acks > 0);
  const sinceMs = nowMs - Math.max(advancedMs, phaseSinceMs);
  if (canAcknowledge && sinceMs > timing.proofMs) return `nothing was acknowledged at ${who} for ${Math.round(sinceMs)} ms`;
  return null;
}
