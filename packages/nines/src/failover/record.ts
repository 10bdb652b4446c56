/** The one record of a PostgreSQL group in etcd: who leads, since which term, and whose fence would end that. */
import type { Timeline } from './log.ts';

export type NodeName = string;

export type Phase = 'open' | 'electing' | 'promoting';

/** `synchronous_standby_names = ANY acks (voters)`. Without voters the leader is *lone*: it acknowledges by itself. */
export interface VoterSet {
  acks: number;
  /** Sorted; never the leader. */
  voters: readonly NodeName[];
}

export const LONE: VoterSet = { acks: 0, voters: [] };

export interface GroupRecord {
  /** PostgreSQL's system identifier: logs of another database never vote. */
  systemId: string;
  /** Counts attempts to change anything about leadership. No two writers ever write the same epoch. */
  epoch: number;
  /** Counts leaders. It is the leader's PostgreSQL timeline as well. */
  term: number;
  phase: Phase;
  leader: NodeName;
  /** Who opened the epoch; null unless electing. */
  candidate: NodeName | null;
  /** The phase that an election interrupted; null unless electing. */
  interrupted: 'open' | 'promoting' | null;
  /** Every one of them has to be fenced before anybody else may lead. Two in a joint change: [old, new]. */
  guards: readonly VoterSet[];
  /** While promoting (also when an election interrupts it): the setting on which the leader anchors its term. */
  target: VoterSet | null;
  /** Every term ever given out, in order. */
  timelines: readonly Timeline[];
}

/** A record as it stood at one revision of its key; what a compare-and-swap compares. */
export interface RecordView {
  revision: number;
  record: GroupRecord;
}

/** Open, or open but for an election that may still be refuted. */
export function isAnchored(record: GroupRecord): boolean {
  return record.phase === 'open' || record.interrupted === 'open';
}

export function isVoter(record: GroupRecord, node: NodeName): boolean {
  return record.guards.some(({ voters }) => voters.includes(node));
}

export function sameSet(left: VoterSet, right: VoterSet): boolean {
  return (
    left.acks === right.acks && left.voters.length === right.voters.length && left.voters.every((node, at) => node === right.voters[at])
  );
}

/** What is wrong with a record, in sentences; none for every record that the transitions make. */
export function recordProblems(record: GroupRecord): string[] {
  const problems: string[] = [];
  const must = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  const isElecting = record.phase === 'electing';
  must((record.candidate !== null) === isElecting, 'a candidate stands exactly while electing');
  must((record.interrupted !== null) === isElecting, 'a phase is interrupted exactly while electing');
  must((record.target === null) === isAnchored(record), 'a target stands exactly while promoting');
  must(record.guards.length === 1 || record.guards.length === 2, 'one guard, or two in a joint change');
  must(record.timelines.at(-1)?.term === record.term, 'the newest timeline is the term');
  must(
    record.timelines.every(({ term }, at) => at === 0 || (record.timelines[at - 1]?.term ?? 0) < term),
    'terms only grow',
  );
  must(
    record.timelines.every(({ term, parent }) => parent < term),
    'a term begins on an earlier one',
  );
  must(record.timelines.at(-1)?.node === record.leader, 'the newest timeline is the leader’s');
  for (const set of record.target === null ? record.guards : [...record.guards, record.target]) {
    must(!set.voters.includes(record.leader), 'the leader is no voter');
    must(set.voters.length === 0 ? set.acks === 0 : set.acks >= 1 && set.acks <= set.voters.length, 'as many acks as voters can give');
    must(
      set.voters.every((node, at) => at === 0 || (set.voters[at - 1] ?? '') < node),
      'voters are sorted and unique',
    );
  }
  return problems;
}
