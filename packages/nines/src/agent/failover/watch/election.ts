/** A running election as the detectors see it: who should begin, whether it takes too long, whether it may be refuted. */
import type { Heartbeat } from '../../../failover/heartbeat.ts';
import type { GroupRecord, NodeName } from '../../../failover/record.ts';
import type { Timing } from '../../../failover/timing.ts';

/**
 * Voters this close to the most advanced one are equal, and the first by name begins: positions of heartbeats that are on
 * their way must not make each of two think that the other begins. The winner is by promises, whoever the candidate is.
 */
const EQUAL_BYTES = 16 * 1024 * 1024;

export interface Others {
  isAlive(node: NodeName): boolean;
  latest(node: NodeName): Heartbeat | null;
}

/** How many voters should begin before `me`, by what all have heard of each other. */
export function turnOf(record: GroupRecord, me: NodeName, others: Others): number {
  const voters = [...new Set(record.guards.flatMap((guard) => guard.voters))].filter((node) => node === me || others.isAlive(node));
  const flushed = (node: NodeName): number => others.latest(node)?.flushLsn ?? 0;
  const furthest = Math.max(0, ...voters.map(flushed));
  const rank = (node: NodeName): number => {
    const heartbeat = others.latest(node);
    const isFit = heartbeat?.role === 'standby' && heartbeat.healthy;
    return (isFit ? 0 : 2) + (furthest - flushed(node) > EQUAL_BYTES ? 1 : 0);
  };
  const ranked = voters.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1));
  return Math.max(0, ranked.indexOf(me));
}

/** A candidate that lives may only be waiting for its voters: another epoch would ask the same of them. */
const LIVING_CANDIDATE = 3;

export function isOverdue(record: GroupRecord, me: NodeName, others: Others, forMs: number, timing: Timing): boolean {
  if (record.phase !== 'electing' || record.candidate === me) return false;
  const isLiving = record.candidate !== null && others.isAlive(record.candidate);
  return forMs > timing.electionMs * (isLiving ? LIVING_CANDIDATE : 1);
}

/** Whether the election may end in favour of the leader. `forMs`: how long this node has known of it. */
export function consents(record: GroupRecord, me: NodeName, others: Others, forMs: number, timing: Timing): boolean {
  if (record.phase !== 'electing' || !isWell(record.leader, me, others)) return false;
  // The leader's own turn comes first.
  if (record.leader !== me && forMs < timing.electionMs / 2) return false;
  const agrees = (node: NodeName): boolean => {
    const heartbeat = others.latest(node);
    return (node === me || others.isAlive(node)) && heartbeat?.epoch === record.epoch && heartbeat.content;
  };
  const count = (nodes: readonly NodeName[], holds: (node: NodeName) => boolean): number => nodes.filter(holds).length;
  // A lone guard cannot be fenced: nobody else can win.
  const isHopeless = record.guards.some(({ acks }) => acks === 0);
  if (isHopeless || record.guards.every(({ acks, voters }) => count(voters, agrees) >= acks)) return true;
  // Too few of them live to acknowledge anything. The election had its time: a leader that is cut off from its voters must not end it.
  const tooFew = record.guards.some(({ acks, voters }) => count(voters, (node) => node === me || others.isAlive(node)) < acks);
  return record.leader === me && forMs > timing.electionMs && tooFew;
}

function isWell(leader: NodeName, me: NodeName, others: Others): boolean {
  const heartbeat = others.latest(leader);
  return heartbeat?.role === 'primary' && heartbeat.healthy && !heartbeat.exited && (leader === me || others.isAlive(leader));
}
