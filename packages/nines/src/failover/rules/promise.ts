/** Rules 1-10: PostgreSQL comes up fenced, promises are given whatever else is known, the deposed stop, orders are heard. */
import type { Message } from '../commands.ts';
import type { Event, Order } from '../events.ts';
import { isVoter } from '../record.ts';
import { promised } from '../learn.ts';
import { restingLog } from '../state.ts';
import { type BlindRule, EVERY_PHASE, isStandby, leads, type SightedRule } from './rule.ts';

export const START: BlindRule = {
  number: 1,
  name: 'start',
  phases: 'all',
  uses: 'postgres',
  when: ({ state }) => state.postgres.mode === 'down',
  walls: {},
  act: () => ({ commands: [{ kind: 'start' }] }),
  says: 'PostgreSQL is not running: it starts as a standby that follows nobody',
};

export const ANSWER: BlindRule = {
  number: 2,
  name: 'answer',
  phases: 'all',
  uses: null,
  when: ({ state }) => state.asked !== null && restingLog(state) !== null,
  walls: { promised: ({ state }) => state.asked !== null && state.promise >= state.asked.epoch },
  act: ({ state, arithmetic }) => {
    const log = restingLog(state);
    if (state.asked === null || log === null) return { commands: [] };
    const { epoch, from } = state.asked;
    const message: Extract<Message, { kind: 'promise' }> = { kind: 'promise', epoch, from: state.me, systemId: state.systemId, log };
    const answered = { ...state, asked: null };
    if (from === state.me) return { commands: [], state: promised(arithmetic, answered, message) };
    return { commands: [{ kind: 'send', to: from, message }], state: answered };
  },
  says: 'the promise is durable and nothing is received any more: the candidate is told where the log ends',
};

export const FENCE: BlindRule = {
  number: 3,
  name: 'fence',
  phases: 'all',
  uses: 'postgres',
  when: (context) => context.state.asked !== null && isStandby(context),
  walls: {},
  act: ({ state }) => ({ commands: [{ kind: 'fence', epoch: state.asked?.epoch ?? 0 }] }),
  says: 'a candidate asks for a promise: nothing is acknowledged until its epoch is decided',
};

export const READ: BlindRule = {
  number: 4,
  name: 'read',
  phases: 'all',
  uses: null,
  when: ({ state }) => state.view === null || (state.asked !== null && state.asked.epoch > state.view.record.epoch),
  walls: {},
  act: () => ({ commands: [{ kind: 'read' }] }),
  says: 'the record is not known, or older than what others speak of: it is read',
};

/** Before every rule that acts by the record: who obeys an older one than it promised by gives back what it was fenced from. */
export const READ_AGAIN: SightedRule = {
  number: 5,
  name: 'read-again',
  phases: EVERY_PHASE,
  uses: null,
  when: ({ state: { promise, postgres }, record }) =>
    record.epoch < promise || (postgres.mode === 'primary' && postgres.term > record.term),
  walls: {},
  act: () => ({ commands: [{ kind: 'read' }] }),
  says: 'the record is older than my promise, or than the term that I lead in: it is read again; if it stays so, etcd was set back and this node does nothing by it',
};

export const DEMOTE: SightedRule = {
  number: 6,
  name: 'demote',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: ({ state: { postgres, me }, record }) => postgres.mode === 'primary' && (record.leader !== me || record.term !== postgres.term),
  walls: {},
  act: () => ({ commands: [{ kind: 'demote' }] }),
  says: 'the record names another leader or term: PostgreSQL stops at once',
};

export const DECLINE: SightedRule = {
  number: 7,
  name: 'decline',
  phases: EVERY_PHASE,
  uses: null,
  when: ({ state, record }) => state.asked !== null && state.postgres.mode === 'primary' && record.leader === state.me,
  walls: {},
  act: ({ state }) => ({ commands: [], state: { ...state, asked: null } }),
  says: 'the leader does not promise while its PostgreSQL runs',
};

export const START_AFTER_HANDOVER: SightedRule = {
  number: 8,
  name: 'start-after-handover',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: ({ state, record }) => state.postgres.mode === 'handed' && (record.leader !== state.me || record.phase !== 'open'),
  walls: {},
  act: () => ({ commands: [{ kind: 'start' }] }),
  says: 'the switchover is decided, for or against: PostgreSQL starts as a standby',
};

function orderIn(event: Event): Order['kind'] | null {
  if (event.kind !== 'request') return null;
  const { kind } = event.request;
  return kind === 'force' || kind === 'reinit' ? kind : null;
}

export const OBEY: SightedRule = {
  number: 9,
  name: 'obey',
  phases: EVERY_PHASE,
  uses: null,
  when: ({ event }) => orderIn(event) !== null,
  walls: {
    doesNotLead: (sight) => !leads(sight),
    isStandby,
    // A voter that erased its log before it left could be all that held an acknowledged write.
    leftVoters: ({ event, state, record }) => orderIn(event) === 'force' || (record.phase !== 'electing' && !isVoter(record, state.me)),
  },
  act: ({ event, state, view }) => {
    const kind = orderIn(event);
    return { commands: [], state: kind === null ? state : { ...state, ordered: { kind, revision: view.revision } } };
  },
  says: 'the order is taken: it holds for the record as it stands',
};

export const REST_TO_OBEY: SightedRule = {
  number: 10,
  name: 'rest-to-obey',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => sight.state.ordered !== null && isStandby(sight) && !leads(sight) && restingLog(sight.state) === null,
  walls: {},
  act: ({ record }) => ({ commands: [{ kind: 'fence', epoch: record.epoch }] }),
  says: 'an order is to be carried out: nothing more is received, and the end of the own log is looked up',
};
