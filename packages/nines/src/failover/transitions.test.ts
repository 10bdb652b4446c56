import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ARITHMETIC, isFenced, isSingleStep } from './quorum.ts';
import type { Timeline } from './log.ts';
import { type GroupRecord, recordProblems, type VoterSet } from './record.ts';
import {
  changeBegun,
  changeEnded,
  changeReversed,
  epochOpened,
  firstRecord,
  ledAgain,
  ledByForce,
  ledBy,
  opened,
  refuted,
  retargeted,
} from './transitions.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const setOf = (record: GroupRecord, pick: number): VoterSet => {
  const voters = NODES.filter((node, at) => node !== record.leader && ((pick >> at) & 1) === 1);
  return { acks: voters.length === 0 ? 0 : 1 + (pick % voters.length), voters };
};

/** What may come next, as the rules would allow it. */
function successor(record: GroupRecord, choice: number, pick: number): GroupRecord {
  const log = { term: record.term, lsn: 100 * record.epoch };
  const others = NODES.filter((node) => node !== record.leader);
  const node = others[pick % others.length] as string;
  const steps: (() => GroupRecord)[] = [
    () => epochOpened(record, node),
    () => ledAgain(ARITHMETIC, record, log),
    () => ledByForce(ARITHMETIC, record, { node, log }),
  ];
  if (record.phase === 'electing') steps.push(() => refuted(record));
  const voters = [...new Set(record.guards.flatMap((guard) => guard.voters))];
  if (record.phase === 'electing' && isFenced(ARITHMETIC, record, voters)) {
    steps.push(() => ledBy(ARITHMETIC, record, { node: voters[pick % voters.length] as string, log }));
  }
  if (record.phase === 'promoting')
    steps.push(
      () => opened(record),
      () => retargeted(record, setOf(record, pick)),
    );
  const [guard] = record.guards;
  if (record.phase === 'open' && record.guards.length === 2)
    steps.push(
      () => changeEnded(record),
      () => changeReversed(record),
    );
  else if (record.phase === 'open' && guard !== undefined && isSingleStep(guard, setOf(record, pick))) {
    steps.push(() => changeBegun(record, setOf(record, pick)));
  }
  return (steps[choice % steps.length] as () => GroupRecord)();
}

it('every record that transitions can make is well formed, and neither epoch nor term ever falls', () => {
  const walks = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 40 });
  fc.assert(
    fc.property(walks, (walk) => {
      let record = firstRecord('s', 'n1', { acks: 1, voters: ['n2', 'n3'] }, { term: 1, lsn: 1 });
      for (const [choice, pick] of walk) {
        const next = successor(record, choice, pick);
        expect(recordProblems(next)).toEqual([]);
        expect(next.epoch).toBeGreaterThanOrEqual(record.epoch);
        expect(next.term).toBeGreaterThanOrEqual(record.term);
        record = next;
      }
    }),
  );
});

it('whoever follows a lone leader by force may be lone, and what the lone one has is asked for before anybody else leads', () => {
  const lone = firstRecord('s', 'n1', { acks: 0, voters: [] }, { term: 1, lsn: 1 });
  const forced = ledByForce(ARITHMETIC, lone, { node: 'n2', log: { term: 1, lsn: 1 } });
  expect(forced).toMatchObject({ epoch: 2, term: 2, leader: 'n2', guards: [{ acks: 1, voters: ['n1'] }], target: { acks: 0, voters: [] } });
  const joint = changeBegun(lone, { acks: 1, voters: ['n2'] });
  const overtaken = ledBy(ARITHMETIC, ledAgain(ARITHMETIC, joint, { term: 1, lsn: 5 }), { node: 'n2', log: { term: 1, lsn: 5 } });
  expect(recordProblems(overtaken)).toEqual([]);
  expect(overtaken.guards).toEqual([{ acks: 1, voters: ['n1'] }]);
});

it('a refuted election leaves what it interrupted, in a newer epoch', () => {
  const open = firstRecord('s', 'n1', { acks: 1, voters: ['n2', 'n3'] }, { term: 1, lsn: 1 });
  expect(refuted(epochOpened(open, 'n2'))).toEqual({ ...open, epoch: 3 });
  const promoting = ledBy(ARITHMETIC, epochOpened(open, 'n2'), { node: 'n2', log: { term: 1, lsn: 9 } });
  expect(refuted(epochOpened(promoting, 'n3'))).toEqual({ ...promoting, epoch: 4 });
});

it('no record has a term that begins on itself or a later one, or terms that are not in order', () => {
  const open = firstRecord('s', 'n1', { acks: 1, voters: ['n2'] }, { term: 1, lsn: 1 });
  const [first] = open.timelines as [Timeline];
  const next: Timeline = { term: 2, node: 'n1', parent: 1, fork: 1 };
  const problems = (...timelines: Timeline[]) => recordProblems({ ...open, term: timelines.at(-1)?.term ?? 0, timelines });
  expect(problems(first, next)).toEqual([]);
  expect(problems(first, { ...next, parent: 2 })).toEqual(['a term begins on an earlier one']);
  expect(problems(first, { ...next, parent: 7 })).toEqual(['a term begins on an earlier one']);
  expect(problems({ ...first, term: 3 }, next)).toEqual(['terms only grow']);
  expect(problems(first, next, next)).toEqual(['terms only grow']);
  // What a retake by a record that was set back would make: its log is of term 3.
  expect(recordProblems(ledAgain(ARITHMETIC, open, { term: 3, lsn: 9 }))).toEqual(['a term begins on an earlier one']);
});
