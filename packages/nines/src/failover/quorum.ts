/**
 * The arithmetic of the promise. A commit is acknowledged when `acks` of `voters` hold it. Fence all but acks - 1 of them, and
 * nothing more can be acknowledged outside the fenced logs, and every acknowledged commit is in one of them.
 */
import { compareLogs, holds, isOnHistory, type LogEnd } from './log.ts';
import type { GroupRecord, NodeName, VoterSet } from './record.ts';

/** What a voter answers when it has stopped to acknowledge. */
export interface FenceReport {
  node: NodeName;
  log: LogEnd;
}

/** Each is a wall of its own; the model pulls them down one at a time to see what falls. */
export interface Arithmetic {
  counts: typeof counts;
  fenceSize: typeof fenceSize;
  guardsToFence: (record: GroupRecord) => readonly VoterSet[];
  choose: typeof choose;
  guardAfter: typeof guardAfter;
  isSingleStep: typeof isSingleStep;
  termAfter: (record: GroupRecord) => number;
  holds: typeof holds;
  isOnHistory: typeof isOnHistory;
}

export const ARITHMETIC: Arithmetic = {
  counts,
  fenceSize,
  guardsToFence: (record) => record.guards,
  choose,
  guardAfter,
  isSingleStep,
  termAfter: (record) => record.term + 1,
  holds,
  isOnHistory,
};

/** A report of another epoch is void, one of another database always. */
function counts(record: GroupRecord, report: { epoch: number; systemId: string }): boolean {
  return report.epoch === record.epoch && report.systemId === record.systemId;
}

/** How many of its voters end a setting. One more than there are when it is lone: nobody but its leader may lead. */
export function fenceSize({ acks, voters }: VoterSet): number {
  return voters.length - acks + 1;
}

export function isFenced(arithmetic: Arithmetic, record: GroupRecord, fenced: readonly NodeName[]): boolean {
  return arithmetic
    .guardsToFence(record)
    .every((guard) => guard.voters.filter((node) => fenced.includes(node)).length >= arithmetic.fenceSize(guard));
}

/** The newest log; among equals `preferred` (it need not be told), then the first by name. */
export function choose(reports: readonly FenceReport[], preferred: NodeName): FenceReport | null {
  const ranked = reports.toSorted(
    (left, right) =>
      compareLogs(right.log, left.log) ||
      Number(right.node === preferred) - Number(left.node === preferred) ||
      (left.node < right.node ? -1 : 1),
  );
  return ranked[0] ?? null;
}

/**
 * Who has to be fenced after `winner` took over from `oldLeader`: union of the guards, smallest acks, the old leader in the winner's place.
 * A commit is on `acks` of the union and on the old leader; without the winner that still leaves `acks` of the new guard, and of what a
 * lone leader acknowledged by itself at least that one.
 */
export function guardAfter(guards: readonly VoterSet[], oldLeader: NodeName, winner: NodeName): VoterSet {
  const union = new Set([...guards.flatMap(({ voters }) => voters), oldLeader]);
  union.delete(winner);
  return { acks: Math.max(1, Math.min(...guards.map(({ acks }) => acks))), voters: [...union].sort() };
}

/** Where a new leader anchors unless told otherwise: without the old leader, which is most likely the one that died. */
export function targetAfter(guard: VoterSet, oldLeader: NodeName): VoterSet {
  const voters = guard.voters.filter((node) => node !== oldLeader);
  return voters.length >= guard.acks ? { acks: guard.acks, voters } : guard;
}

/**
 * PostgreSQL's walsenders take up a new setting one by one, and each counts by its own. So a change may only add, only remove,
 * or only change the number: then whatever a mixture acknowledges, one of both settings would have. To and from lone is
 * always a single step: a lone guard cannot be fenced, whatever the mixture.
 */
export function isSingleStep(from: VoterSet, to: VoterSet): boolean {
  if (from.voters.length === 0 || to.voters.length === 0) return from.voters.length !== to.voters.length;
  const isAdded = to.voters.some((node) => !from.voters.includes(node));
  const isRemoved = from.voters.some((node) => !to.voters.includes(node));
  return Number(isAdded) + Number(isRemoved) + Number(from.acks !== to.acks) === 1;
}
