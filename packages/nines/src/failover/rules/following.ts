/** Rules 39-45: how a standby comes to acknowledge again. */
import type { PostgresCommand } from '../commands.ts';
import { isVoter } from '../record.ts';
import { restingLog } from '../state.ts';
import { type BlindRule, EVERY_PHASE, isKnownTerm, isStandby, leads, type Sight, type SightedRule } from './rule.ts';

function followsLeader({ state: { postgres }, record }: Sight): boolean {
  return postgres.mode === 'standby' && postgres.following?.leader === record.leader && postgres.following.term === record.term;
}

function isOnHistory({ state, record, arithmetic }: Sight): boolean {
  const log = restingLog(state);
  return log !== null && arithmetic.isOnHistory(record.timelines, record.term, log);
}

function follow({ record: { leader, term, timelines } }: Sight, counted: boolean): { commands: PostgresCommand[] } {
  return { commands: [{ kind: 'follow', leader, term, timelines, counted }] };
}

const isDecided = ({ record }: Sight): boolean => record.phase !== 'electing';

export const REST: SightedRule = {
  number: 40,
  name: 'rest',
  phases: ['open', 'promoting'],
  uses: 'postgres',
  when: (sight) => !leads(sight) && isStandby(sight) && restingLog(sight.state) === null && !followsLeader(sight),
  walls: {},
  act: ({ record }) => ({ commands: [{ kind: 'fence', epoch: record.epoch }] }),
  says: 'another leader or term than the one that is followed: nothing more is received, and the end of the log is looked up',
};

export const CLEAR_TAINT: SightedRule = {
  number: 41,
  name: 'clear-taint',
  phases: ['open', 'promoting'],
  uses: 'postgres',
  when: (sight) => !leads(sight) && followsLeader(sight) && sight.state.taint !== 0,
  walls: {},
  act: () => ({ commands: [{ kind: 'clearTaint' }] }),
  says: 'the own unanchored term is part of the leader’s history',
};

/** While a swap of mine is on its way my log stays as the swap says it is. */
const isBack = (sight: Sight): boolean => !leads(sight) && restingLog(sight.state) !== null && !sight.state.swapping;

export const REINIT: SightedRule = {
  number: 39,
  name: 'reinit',
  phases: ['open', 'promoting'],
  uses: 'postgres',
  when: (sight) => isBack(sight) && sight.state.ordered?.kind === 'reinit',
  walls: {},
  act: ({ record }) => ({ commands: [{ kind: 'rebuild', leader: record.leader, term: record.term }] }),
  says: 'ordered: a copy of the leader takes the place of the own data',
};

export const REBUILD: SightedRule = {
  number: 42,
  name: 'rebuild',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => isBack(sight) && !isOnHistory(sight),
  walls: {
    decided: isDecided,
    // What is ahead of a record that was set back may be all that is left of what it forgot.
    knownTerm: (sight) => isKnownTerm(sight, restingLog(sight.state)),
    leftVoters: ({ state, record }) => record.phase !== 'open' || !isVoter(record, state.me),
  },
  act: ({ record }) => ({ commands: [{ kind: 'rebuild', leader: record.leader, term: record.term }] }),
  says: 'the own log went another way than the leader’s: a copy of the leader takes its place',
};

export const FOLLOW_UNCOUNTED: SightedRule = {
  number: 43,
  name: 'follow-uncounted',
  phases: ['open', 'promoting'],
  uses: 'postgres',
  when: (sight) => isBack(sight) && sight.state.taint !== 0,
  walls: { onHistory: isOnHistory },
  act: (sight) => follow(sight, false),
  says: 'the own log was promoted once: it follows without being counted until the leader has confirmed it',
};

export const FOLLOW: SightedRule = {
  number: 44,
  name: 'follow',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => isBack(sight),
  walls: { decided: isDecided, onHistory: isOnHistory },
  act: (sight) => follow(sight, true),
  says: 'the epoch is decided and the own log is part of the leader’s: it follows, and counts',
};

export const COUNT: SightedRule = {
  number: 45,
  name: 'count',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) =>
    !leads(sight) && followsLeader(sight) && sight.state.postgres.mode === 'standby' && sight.state.postgres.following?.counted === false,
  walls: { decided: isDecided },
  act: (sight) => follow(sight, true),
  says: 'the taint is gone: it counts',
};

export const NOTHING: BlindRule = {
  number: 99,
  name: 'nothing',
  phases: 'all',
  uses: null,
  when: () => true,
  walls: {},
  act: () => ({ commands: [] }),
  says: 'nothing to do',
};
