/** Every way in which the record may change. Each is written by compare-and-swap on the exact revision it was made from. */
import type { LogEnd } from './log.ts';
import { type Arithmetic, type FenceReport, targetAfter } from './quorum.ts';
import { type GroupRecord, LONE, type NodeName, type VoterSet } from './record.ts';

/** A first leader that holds everything there is; `term` is the timeline of an existing database. */
export function firstRecord(systemId: string, leader: NodeName, guard: VoterSet, end: LogEnd): GroupRecord {
  const timelines = [{ term: end.term, node: leader, parent: 0, fork: 0 }];
  return {
    systemId,
    epoch: 1,
    term: end.term,
    phase: 'open',
    leader,
    candidate: null,
    interrupted: null,
    guards: [guard],
    target: null,
    timelines,
  };
}

export function epochOpened(record: GroupRecord, candidate: NodeName): GroupRecord {
  const interrupted = record.phase === 'electing' ? record.interrupted : record.phase;
  return { ...record, epoch: record.epoch + 1, phase: 'electing', candidate, interrupted };
}

/** The interrupted phase goes on: a leader that had not anchored is not made one that has. */
export function refuted(record: GroupRecord): GroupRecord {
  return { ...record, epoch: record.epoch + 1, phase: record.interrupted ?? record.phase, candidate: null, interrupted: null };
}

interface Leadership {
  node: NodeName;
  log: LogEnd;
  guards: readonly VoterSet[];
  target: VoterSet;
}

function promoting(arithmetic: Arithmetic, record: GroupRecord, { node, log, guards, target }: Leadership): GroupRecord {
  const term = arithmetic.termAfter(record);
  const timeline = { term, node, parent: log.term, fork: log.lsn };
  return {
    ...record,
    term,
    phase: 'promoting',
    leader: node,
    candidate: null,
    interrupted: null,
    guards,
    target,
    timelines: [...record.timelines, timeline],
  };
}

/** Somebody else leads from the end of its log: a winner of an election, a voter that takes over, the target of a switchover. */
export function ledBy(arithmetic: Arithmetic, record: GroupRecord, winner: FenceReport): GroupRecord {
  const guard = arithmetic.guardAfter(record.guards, record.leader, winner.node);
  return promoting(arithmetic, record, { ...winner, guards: [guard], target: targetAfter(guard, record.leader) });
}

/** Nobody was fenced: what the log of `forced` does not hold is lost. Who was lone stays lone, for whoever would anchor it is gone. */
export function ledByForce(arithmetic: Arithmetic, record: GroupRecord, forced: FenceReport): GroupRecord {
  const next = ledBy(arithmetic, record, forced);
  const wasLone = record.guards.every(({ voters }) => voters.length === 0);
  return { ...next, epoch: record.epoch + 1, target: wasLone ? LONE : next.target };
}

/** The recorded leader leads again. Its commits were acknowledged under the recorded guards: they stay. */
export function ledAgain(arithmetic: Arithmetic, record: GroupRecord, log: LogEnd): GroupRecord {
  const target = record.target ?? (record.guards.at(-1) as VoterSet);
  return { ...promoting(arithmetic, record, { node: record.leader, log, guards: record.guards, target }), epoch: record.epoch + 1 };
}

export function retargeted(record: GroupRecord, target: VoterSet): GroupRecord {
  return { ...record, target };
}

export function opened(record: GroupRecord): GroupRecord {
  return { ...record, phase: 'open', guards: [record.target as VoterSet], target: null };
}

export function changeBegun(record: GroupRecord, set: VoterSet): GroupRecord {
  return { ...record, guards: [record.guards[0] as VoterSet, set] };
}

/** A step that cannot be finished is undone as a step of its own: both stay guards until the old setting is proven again. */
export function changeReversed(record: GroupRecord): GroupRecord {
  return { ...record, guards: record.guards.toReversed() };
}

export function changeEnded(record: GroupRecord): GroupRecord {
  return { ...record, guards: [record.guards.at(-1) as VoterSet] };
}
