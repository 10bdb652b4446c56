/** Rules 11-17: epochs, promises, and who leads next. */
import type { Command, Message } from '../commands.ts';
import { isFenced } from '../quorum.ts';
import { isVoter } from '../record.ts';
import { restingLog } from '../state.ts';
import { epochOpened, ledByForce, ledBy, refuted } from '../transitions.ts';
import { EVERY_PHASE, isKnownTerm, isStandby, isUnanchored, leads, ownPrimary, type Sight, type SightedRule, swap } from './rule.ts';

const isCandidate = ({ state, record }: Sight): boolean => record.candidate === state.me;

const isSuspicious = (sight: Sight): boolean => sight.state.suspected && !leads(sight) && isVoter(sight.record, sight.state.me);

/** A voter may end an election for a leader that does not reach etcd. */
const isContent = (sight: Sight): boolean => !sight.state.suspected && !leads(sight) && isVoter(sight.record, sight.state.me);

export const TAKE: SightedRule = {
  number: 11,
  name: 'take',
  phases: ['electing'],
  uses: 'store',
  when: (sight) => isCandidate(sight) && sight.state.ballot !== null,
  walls: {
    fencedEveryGuard: ({ state, record, arithmetic }) =>
      isFenced(
        arithmetic,
        record,
        (state.ballot?.reports ?? []).map(({ node }) => node),
      ),
    knownTerm: (sight) => (sight.state.ballot?.reports ?? []).every(({ log }) => isKnownTerm(sight, log)),
  },
  act: (sight) => {
    const winner = sight.arithmetic.choose(sight.state.ballot?.reports ?? [], sight.state.me);
    return winner === null ? { commands: [] } : swap(sight, ledBy(sight.arithmetic, sight.record, winner));
  },
  says: 'the leader is fenced: whoever has the newest log gets the next term',
};

export const REFUTE: SightedRule = {
  number: 12,
  name: 'refute',
  phases: ['electing'],
  uses: 'store',
  when: (sight) => (ownPrimary(sight) !== null || isContent(sight)) && sight.event.kind === 'tick',
  walls: { consent: ({ event }) => event.kind === 'tick' && event.facts.consent },
  act: (sight) => swap(sight, refuted(sight.record)),
  says: 'the leader is well and its voters agree: the election ends, what it interrupted goes on',
};

export const TAKE_OVER: SightedRule = {
  number: 13,
  name: 'take-over',
  phases: EVERY_PHASE,
  uses: 'store',
  when: (sight) => isSuspicious(sight) && restingLog(sight.state) !== null,
  walls: {
    nothingAcknowledged: isUnanchored,
    holdsFork: ({ state, record, arithmetic }) => {
      const log = restingLog(state);
      const timeline = record.timelines.at(-1);
      if (log === null || timeline === undefined) return false;
      return arithmetic.holds(record.timelines, log, { term: timeline.parent, lsn: timeline.fork });
    },
  },
  act: (sight) => {
    const { state, record, arithmetic } = sight;
    const log = restingLog(state);
    if (log === null) return { commands: [] };
    return swap(sight, { ...ledBy(arithmetic, record, { node: state.me, log }), epoch: record.epoch + 1 });
  },
  says: 'the new leader is silent before it acknowledged anything, and I hold all that it began with: I lead in its place',
};

export const REST_TO_TAKE_OVER: SightedRule = {
  number: 14,
  name: 'rest-to-take-over',
  phases: ['promoting', 'electing'],
  uses: 'postgres',
  when: (sight) => isSuspicious(sight) && isUnanchored(sight) && isStandby(sight) && restingLog(sight.state) === null,
  walls: {},
  act: ({ record }) => ({ commands: [{ kind: 'fence', epoch: record.epoch }] }),
  says: 'the new leader is silent: nothing more is received from it, and the end of the own log is looked up',
};

export const FORCE: SightedRule = {
  number: 15,
  name: 'force',
  phases: EVERY_PHASE,
  uses: 'store',
  when: (sight) => !leads(sight) && sight.state.ordered?.kind === 'force' && restingLog(sight.state) !== null,
  walls: { knownTerm: (sight) => isKnownTerm(sight, restingLog(sight.state)) },
  act: (sight) => {
    const log = restingLog(sight.state);
    return log === null ? { commands: [] } : swap(sight, ledByForce(sight.arithmetic, sight.record, { node: sight.state.me, log }));
  },
  says: 'an operator gives up what only others have: I lead with the log that I have',
};

export const ASK: SightedRule = {
  number: 16,
  name: 'ask',
  phases: ['electing'],
  uses: null,
  when: (sight) => isCandidate(sight) && sight.event.kind !== 'message' && !sight.state.swapping,
  walls: {},
  act: ({ state, record }) => {
    const message: Message = { kind: 'ask', epoch: record.epoch, from: state.me };
    const voters = [...new Set(record.guards.flatMap((guard) => guard.voters))].sort();
    const missing = voters.filter((node) => state.ballot?.reports.every((report) => report.node !== node) ?? true);
    const others = missing.filter((node) => node !== state.me);
    // Itself by no letter: one that is answered at once would be sent again at once, for ever.
    const asksItself = others.length < missing.length && record.epoch >= state.promise && record.epoch > (state.asked?.epoch ?? 0);
    return {
      commands: others.map((to): Command => ({ kind: 'send', to, message })),
      state: asksItself ? { ...state, asked: { epoch: record.epoch, from: state.me } } : state,
    };
  },
  says: 'my epoch is confirmed: the voters are asked for their promises',
};

export const OPEN_EPOCH: SightedRule = {
  number: 17,
  name: 'open-epoch',
  phases: EVERY_PHASE,
  uses: 'store',
  when: isSuspicious,
  walls: {
    noOtherElection: ({ event, record }) => record.phase !== 'electing' || (event.kind === 'tick' && event.facts.overdue),
    // Whoever may take over alone needs no election: first it looks.
    atRest: (sight) => !isUnanchored(sight) || restingLog(sight.state) !== null,
  },
  act: (sight) => swap(sight, epochOpened(sight.record, sight.state.me)),
  says: 'the leader is suspected: an election begins',
};
