import { describe, expect, it } from 'vitest';
import type { GroupRecord } from '../../failover/record.ts';
import { bootState, type NodeState, type Postgres } from '../../failover/state.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { mayStart } from './later-start.ts';

const LOG = { term: 3, lsn: 90 };
const GUARD = { acks: 1, voters: ['n2', 'n3'] };
const OPEN: GroupRecord = { ...firstRecord('s', 'n1', GUARD, { term: 3, lsn: 10 }), epoch: 5, term: 3 };
const ELECTING: GroupRecord = { ...OPEN, epoch: 6, phase: 'electing', candidate: 'n2', interrupted: 'open' };
const PROMOTING: GroupRecord = { ...OPEN, epoch: 7, term: 4, phase: 'promoting', leader: 'n2', target: { acks: 1, voters: ['n3'] } };
const WAITS_FOR_IT: GroupRecord = { ...PROMOTING, target: { acks: 1, voters: ['n1'] } };
const OTHER_OPEN: GroupRecord = { ...OPEN, epoch: 7, term: 4, leader: 'n2', guards: [{ acks: 1, voters: ['n3'] }] };

describe('mayStart', () => {
  const stateOf = (record: GroupRecord | null, postgres: Postgres = { mode: 'down' }, more: Partial<NodeState> = {}): NodeState => ({
    ...bootState('n1', 's', { promise: 0, taint: 0, postgres }),
    view: record === null ? null : { revision: 9, record },
    ...more,
  });
  const handed: Postgres = { mode: 'handed', to: 'n2', log: LOG };

  it.each<[string, NodeState, number, number | null]>([
    ['nothing is known', stateOf(null), 3, 0],
    ['it never led', stateOf(OTHER_OPEN), 0, 0],
    ['it is a standby that crashed', stateOf(OTHER_OPEN), 0, 0],
    ['it is the first of its group', stateOf({ ...OPEN, term: 1 }), 0, 0],
    ['it crashed, and nobody else begins to lead', stateOf(OPEN), 3, 250],
    ['it crashed, and nobody else may lead', stateOf({ ...OPEN, guards: [{ acks: 0, voters: [] }] }), 3, 0],
    ['it crashed, and an election goes on', stateOf(ELECTING), 3, 500],
    ['it crashed, and a candidate asks for its promise', stateOf(ELECTING, { mode: 'down' }, { asked: { epoch: 6, from: 'n2' } }), 3, 0],
    ['it crashed, and another one comes up', stateOf(PROMOTING), 3, 1_000],
    ['it crashed, and another one comes up and waits for it', stateOf(WAITS_FOR_IT), 3, 0],
    ['it crashed, and suspects the next one, too', stateOf(PROMOTING, { mode: 'down' }, { suspected: true }), 3, 0],
    ['it crashed, and another one leads', stateOf(OTHER_OPEN), 3, 1_000],
    ['it crashed while it was to anchor its term', stateOf({ ...PROMOTING, leader: 'n1' }), 4, 0],
    ['it handed over, and its successor comes up', stateOf(PROMOTING, handed), 0, 1_000],
    ['it handed over, and its successor waits for it', stateOf(WAITS_FOR_IT, handed), 0, 0],
    [
      'it handed over, and its successor goes on with it alone',
      stateOf({ ...OTHER_OPEN, guards: [{ acks: 1, voters: ['n1'] }] }, handed),
      0,
      0,
    ],
    ['it handed over, and its successor leads', stateOf(OTHER_OPEN, handed), 0, 1_000],
    ['it handed over, and somebody else has begun an election', stateOf({ ...ELECTING, leader: 'n2' }, handed), 0, 500],
  ])('%s', (_, state, exitedTerm, expected) => {
    const first = [0, 249, 250, 499, 500, 999, 1_000, 60_000].find((waitedMs) => mayStart({ state, waitedMs, exitedTerm }));
    expect(first).toBe(expected);
  });
});
