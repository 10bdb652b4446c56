/**
 * One decision for each wall without which nothing is lost, but something is done that should not be: too early, in vain, or against an
 * operator's interest. The core that ships waits here; without the wall it acts.
 */
import type { Event } from '../src/failover/events.ts';
import { ARITHMETIC } from '../src/failover/quorum.ts';
import type { GroupRecord } from '../src/failover/record.ts';
import { bootState, type NodeState, type Postgres } from '../src/failover/state.ts';
import { changeBegun, epochOpened, firstRecord, ledBy } from '../src/failover/transitions.ts';

export interface Situation {
  state: NodeState;
  event: Event;
  /** What the wall is for. */
  why: string;
}

const SET = { acks: 1, voters: ['n2', 'n3'] };
const LOG = { term: 1, lsn: 10 };
/** Longer than what the next leader began with: on no history but its own. */
const TAIL = { term: 1, lsn: 20 };
/** Of a term that the record never gave out: etcd was set back. */
const AHEAD = { term: 2, lsn: 30 };

const OPEN = firstRecord('s', 'n1', SET, LOG);
const ELECTING = epochOpened(OPEN, 'n2');
const PROMOTING = ledBy(ARITHMETIC, ELECTING, { node: 'n2', log: LOG });
const OPEN_AGAIN: GroupRecord = { ...PROMOTING, phase: 'open', guards: [{ acks: 1, voters: ['n1', 'n3'] }], target: null };
const ELECTING_AGAIN = epochOpened(OPEN_AGAIN, 'n3');
const CHANGING = changeBegun(OPEN, { acks: 1, voters: ['n2'] });

const CALM = { suspected: false, overdue: false, consent: false };
const TICK: Event = { kind: 'tick', facts: CALM };
const WARY: Event = { kind: 'tick', facts: { ...CALM, suspected: true } };

const rests = (log = LOG): Postgres => ({ mode: 'standby', following: null, log });
const follows = (leader: string, term: number, counted = true): Postgres => ({
  mode: 'standby',
  following: { leader, term, counted },
  log: null,
});
const primary = (term: number, admitting: boolean): Postgres => ({ mode: 'primary', term, setting: SET, proven: false, admitting });

function node(me: string, record: GroupRecord, postgres: Postgres, more: Partial<NodeState> = {}): NodeState {
  return { ...bootState(me, 's', { promise: 0, taint: 0, postgres }), view: { revision: 5, record }, newestRevision: 5, ...more };
}

const SET_BACK = 'etcd was set back: a term behind a log that the record never gave out would begin on itself, or on a later one';
const ballot = { epoch: ELECTING.epoch, reports: ['n2', 'n3'].map((name) => ({ node: name, log: AHEAD })) };

export const SITUATIONS: Readonly<Record<string, Situation>> = {
  'take/knownTerm': { state: node('n2', ELECTING, rests(AHEAD), { ballot, promise: 2 }), event: TICK, why: SET_BACK },
  'force/knownTerm': {
    state: node('n4', OPEN, rests(AHEAD), { ordered: { kind: 'force', revision: 5 } }),
    event: TICK,
    why: SET_BACK,
  },
  'promote/knownTerm': {
    // The end of the log is where the term begins, but for the term of the log.
    state: node(
      'n2',
      { ...PROMOTING, timelines: PROMOTING.timelines.map((each) => (each.term === 2 ? { ...each, parent: 3, fork: 30 } : each)) },
      rests({ term: 3, lsn: 30 }),
    ),
    event: TICK,
    why: SET_BACK,
  },
  'retake/knownTerm': { state: node('n1', OPEN, rests(AHEAD)), event: TICK, why: SET_BACK },
  'hand-over/knownTerm': { state: node('n1', OPEN, { mode: 'handed', to: 'n2', log: AHEAD }), event: TICK, why: SET_BACK },
  'refute/consent': {
    state: node('n1', ELECTING, primary(1, true)),
    event: TICK,
    why: 'a leader that its voters do not hear would end every election, for ever',
  },
  'open-epoch/noOtherElection': {
    state: node('n3', ELECTING, follows('n1', 1)),
    event: WARY,
    why: 'two candidates would interrupt each other, for ever',
  },
  'open-epoch/atRest': {
    state: node('n3', PROMOTING, follows('n2', 2), { acting: 'follow' }),
    event: WARY,
    why: 'who may take over alone needs no election',
  },
  'clear-own-taint/anchored': {
    state: node('n2', PROMOTING, primary(2, false), { taint: 2 }),
    event: TICK,
    why: 'the mark says that nobody has confirmed the term; second wall behind timelines that are given out once',
  },
  'shut-down/isVoter': {
    state: node('n1', OPEN, primary(1, true)),
    event: { kind: 'request', request: { kind: 'switchover', to: 'n4' } },
    why: 'a leader would stop for somebody who cannot take over, and start again',
  },
  'reverse-change/settled': {
    state: node('n1', CHANGING, primary(1, true), { acting: 'reload' }),
    event: { kind: 'request', request: { kind: 'reverse' } },
    why: 'a reload that is under way would come after the record was turned round',
  },
  'obey/doesNotLead': {
    state: node('n1', OPEN, rests(), { swapping: true }),
    event: { kind: 'request', request: { kind: 'force' } },
    why: 'an operator would be told that the leader gives up its data, or that it leads by force',
  },
  'obey/isStandby': {
    state: node('n4', OPEN, { mode: 'down' }, { acting: 'start' }),
    event: { kind: 'request', request: { kind: 'reinit' } },
    why: 'an operator would be told yes by a member that cannot do it now',
  },
  'obey/leftVoters': {
    state: node('n2', OPEN, follows('n1', 1)),
    event: { kind: 'request', request: { kind: 'reinit' } },
    why: 'a voter that is counted on would copy the leader',
  },
  'rebuild/decided': {
    state: node('n1', ELECTING_AGAIN, rests(TAIL)),
    event: TICK,
    why: 'a copy of a leader that is being replaced is made in vain',
  },
  'rebuild/knownTerm': {
    state: node('n3', { ...OPEN, guards: [{ acks: 1, voters: ['n2'] }] }, rests(AHEAD)),
    event: TICK,
    why: 'etcd was set back: a copy of whoever led then would take the place of all that came after',
  },
  'rebuild/leftVoters': {
    state: node('n1', OPEN_AGAIN, rests(TAIL)),
    event: TICK,
    why: 'a voter that is counted on would copy the leader',
  },
  'follow-uncounted/onHistory': {
    state: node('n1', OPEN_AGAIN, rests(TAIL), { taint: 1 }),
    event: TICK,
    why: 'PostgreSQL would never stream to a log that went another way',
  },
  'follow/onHistory': {
    state: node('n1', OPEN_AGAIN, rests(TAIL)),
    event: TICK,
    why: 'PostgreSQL would never stream to a log that went another way',
  },
  'count/decided': {
    state: node('n3', ELECTING, follows('n1', 1, false)),
    event: TICK,
    why: 'nobody begins to count while it is open who leads',
  },
};
