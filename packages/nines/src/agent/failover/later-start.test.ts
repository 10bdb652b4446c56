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

  it.each<[string, NodeState, boolean, number | null]>([
    ['nothing is known', stateOf(null), true, 0],
    ['it never led', stateOf(OTHER_OPEN), false, 0],
    ['it is a standby that crashed', stateOf(OTHER_OPEN), false, 0],
    ['it is the first of its group', stateOf({ ...OPEN, term: 1 }), false, 0],
    ['it crashed, and nobody else begins to lead', stateOf(OPEN), true, 250],
    ['it crashed, and nobody else may lead', stateOf({ ...OPEN, guards: [{ acks: 0, voters: [] }] }), true, 0],
    ['it crashed, and an election goes on', stateOf(ELECTING), true, 500],
    ['it crashed, and a candidate asks for its promise', stateOf(ELECTING, { mode: 'down' }, { asked: { epoch: 6, from: 'n2' } }), true, 0],
    ['it crashed, and another one comes up', stateOf(PROMOTING), true, 1_000],
    ['it crashed, and another one comes up and waits for it', stateOf(WAITS_FOR_IT), true, 0],
    ['it crashed, and suspects the next one, too', stateOf(PROMOTING, { mode: 'down' }, { suspected: true }), true, 0],
    ['it crashed, and another one leads', stateOf(OTHER_OPEN), true, 1_000],
    ['it crashed while it was to anchor its term', stateOf({ ...PROMOTING, leader: 'n1' }), true, 0],
    ['it handed over, and its successor comes up', stateOf(PROMOTING, handed), false, 1_000],
    ['it handed over, and its successor waits for it', stateOf(WAITS_FOR_IT, handed), false, 0],
    [
      'it handed over, and its successor goes on with it alone',
      stateOf({ ...OTHER_OPEN, guards: [{ acks: 1, voters: ['n1'] }] }, handed),
      false,
      0,
    ],
    ['it handed over, and its successor leads', stateOf(OTHER_OPEN, handed), false, 1_000],
    ['it handed over, and somebody else has begun an election', stateOf({ ...ELECTING, leader: 'n2' }, handed), false, 500],
  ])('%s', (_, state, ledLast, expected) => {
    const first = [0, 249, 250, 499, 500, 999, 1_000, 60_000].find((waitedMs) => mayStart({ state, waitedMs, ledLast }));
    expect(first).toBe(expected);
  });
});
