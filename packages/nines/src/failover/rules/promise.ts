/** Rules 1-7: PostgreSQL comes up fenced, promises are given whatever else is known, and the deposed stop. */
import type { Command } from '../commands.ts';
import { restingLog } from '../state.ts';
import { type BlindRule, EVERY_PHASE, isStandby, type SightedRule } from './rule.ts';

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
  act: ({ state }) => {
    const log = restingLog(state);
    if (state.asked === null || log === null) return { commands: [] };
    const { epoch, from } = state.asked;
    const send: Command = { kind: 'send', to: from, message: { kind: 'promise', epoch, from: state.me, systemId: state.systemId, log } };
    return { commands: [send], state: { ...state, asked: null } };
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

export const DEMOTE: SightedRule = {
  number: 5,
  name: 'demote',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: ({ state: { postgres, me }, record }) => postgres.mode === 'primary' && (record.leader !== me || record.term !== postgres.term),
  walls: {},
  act: () => ({ commands: [{ kind: 'demote' }] }),
  says: 'the record names another leader or term: PostgreSQL stops at once',
};

export const DECLINE: SightedRule = {
  number: 6,
  name: 'decline',
  phases: EVERY_PHASE,
  uses: null,
  when: ({ state, record }) => state.asked !== null && state.postgres.mode === 'primary' && record.leader === state.me,
  walls: {},
  act: ({ state }) => ({ commands: [], state: { ...state, asked: null } }),
  says: 'the leader does not promise while its PostgreSQL runs',
};

export const START_AFTER_HANDOVER: SightedRule = {
  number: 7,
  name: 'start-after-handover',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: ({ state, record }) => state.postgres.mode === 'handed' && (record.leader !== state.me || record.phase !== 'open'),
  walls: {},
  act: () => ({ commands: [{ kind: 'start' }] }),
  says: 'the switchover is decided, for or against: PostgreSQL starts as a standby',
};
