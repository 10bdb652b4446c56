/** Rules 20-27: from the term in the record to clients being admitted, and the switchover. */
import { sameSet, type VoterSet } from '../record.ts';
import { restingLog } from '../state.ts';
import { isAnchored } from '../record.ts';
import { ledAgain, ledBy, opened } from '../transitions.ts';
import { EVERY_PHASE, isKnownTerm, isStandby, leads, ownPrimary, settled, type Sight, type SightedRule, swap } from './rule.ts';

/** My log ends where the record says that my term begins: it was not promoted yet, and nothing came to it since. */
function atFork({ state, record }: Sight): boolean {
  const log = restingLog(state);
  const timeline = record.timelines.at(-1);
  return log !== null && timeline?.parent === log.term && timeline.fork === log.lsn;
}

const knownTerm = (sight: Sight): boolean => isKnownTerm(sight, restingLog(sight.state));

/** The setting that the recorded term is on or goes to. */
export const wanted = ({ record }: Sight): VoterSet => record.target ?? (record.guards.at(-1) as VoterSet);

const isOnWanted = (sight: Sight): boolean => {
  const primary = ownPrimary(sight);
  return primary !== null && sameSet(primary.setting, wanted(sight));
};

export const PROMOTE: SightedRule = {
  number: 20,
  name: 'promote',
  phases: ['promoting'],
  uses: 'postgres',
  when: (sight) => leads(sight) && restingLog(sight.state) !== null,
  walls: { knownTerm, atFork },
  act: (sight) => ({
    commands: [{ kind: 'promote', term: sight.record.term, timelines: sight.record.timelines, setting: wanted(sight) }],
  }),
  says: 'the term is mine by a confirmed swap and my log ends at its beginning: PostgreSQL is promoted',
};

export const RETAKE: SightedRule = {
  number: 21,
  name: 'retake',
  phases: EVERY_PHASE,
  uses: 'store',
  when: (sight) => leads(sight) && restingLog(sight.state) !== null,
  walls: { knownTerm },
  act: (sight) => {
    const log = restingLog(sight.state);
    return log === null ? { commands: [] } : swap(sight, ledAgain(sight.arithmetic, sight.record, log));
  },
  says: 'the recorded leader lost its primary but has the whole log: it leads again, in a new term',
};

export const REST_TO_LEAD: SightedRule = {
  number: 22,
  name: 'rest-to-lead',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => leads(sight) && isStandby(sight) && restingLog(sight.state) === null,
  walls: {},
  act: ({ record }) => ({ commands: [{ kind: 'fence', epoch: record.epoch }] }),
  says: 'the record names me leader: nothing is received any more, and the end of the log is looked up',
};

export const OPEN: SightedRule = {
  number: 23,
  name: 'open',
  phases: ['promoting'],
  uses: 'store',
  when: (sight) => ownPrimary(sight) !== null,
  // A reload that was decided for another target would be in force when clients come.
  walls: { settled, onTarget: isOnWanted, proven: (sight) => ownPrimary(sight)?.proven === true },
  act: (sight) => swap(sight, opened(sight.record)),
  says: 'the term is anchored on enough of the target',
};

export const CLEAR_OWN_TAINT: SightedRule = {
  number: 24,
  name: 'clear-own-taint',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => ownPrimary(sight) !== null && sight.state.taint !== 0,
  walls: { anchored: ({ record }) => isAnchored(record) },
  act: () => ({ commands: [{ kind: 'clearTaint' }] }),
  says: 'the record says that this term is anchored',
};

export const ADMIT: SightedRule = {
  number: 25,
  name: 'admit',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => ownPrimary(sight)?.admitting === false,
  walls: { anchored: ({ record }) => isAnchored(record) },
  act: () => ({ commands: [{ kind: 'admit' }] }),
  says: 'the term is open: clients are admitted',
};

export const SHUT_DOWN: SightedRule = {
  number: 26,
  name: 'shut-down',
  phases: ['open'],
  uses: 'postgres',
  when: (sight) => sight.event.kind === 'request' && sight.event.request.kind === 'switchover' && ownPrimary(sight)?.admitting === true,
  walls: {
    isVoter: ({ event, record: { guards } }) =>
      event.kind === 'request' &&
      event.request.kind === 'switchover' &&
      guards.length === 1 &&
      guards[0]?.voters.includes(event.request.to) === true,
  },
  act: ({ event }) => {
    const to = event.kind === 'request' && event.request.kind === 'switchover' ? event.request.to : null;
    return { commands: to === null ? [] : [{ kind: 'shutDown', to }] };
  },
  says: 'a switchover is asked for: the leader stops cleanly',
};

export const HAND_OVER: SightedRule = {
  number: 27,
  name: 'hand-over',
  phases: ['open'],
  uses: 'store',
  when: (sight) => leads(sight) && sight.state.postgres.mode === 'handed',
  walls: { knownTerm: (sight) => isKnownTerm(sight, sight.state.postgres.mode === 'handed' ? sight.state.postgres.log : null) },
  act: (sight) => {
    const { postgres } = sight.state;
    if (postgres.mode !== 'handed') return { commands: [] };
    const record = ledBy(sight.arithmetic, sight.record, { node: postgres.to, log: postgres.log });
    return swap(sight, { ...record, epoch: record.epoch + 1 });
  },
  says: 'the leader is stopped cleanly and its successor has all of its log',
};
