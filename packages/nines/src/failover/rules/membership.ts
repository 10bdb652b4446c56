/** Rules 30-35: settings. The record first, then PostgreSQL, then the proof, then the record again. */
import type { Event, Request } from '../events.ts';
import { recordProblems, sameSet, type VoterSet } from '../record.ts';
import { changeBegun, changeEnded, changeReversed, retargeted } from '../transitions.ts';
import { wanted } from './leadership.ts';
import { EVERY_PHASE, leads, ownPrimary, settled, type Sight, type SightedRule, swap } from './rule.ts';

function requested<Kind extends Request['kind']>(event: Event, kind: Kind): Extract<Request, { kind: Kind }> | null {
  return event.kind === 'request' && event.request.kind === kind ? (event.request as Extract<Request, { kind: Kind }>) : null;
}

const isProven = (sight: Sight): boolean => ownPrimary(sight)?.proven === true;
const isOnNew = (sight: Sight): boolean => sameSet(ownPrimary(sight)?.setting as VoterSet, wanted(sight));

export const RETARGET: SightedRule = {
  number: 30,
  name: 'retarget',
  phases: ['promoting'],
  uses: 'store',
  when: (sight) => leads(sight) && requested(sight.event, 'retarget') !== null,
  walls: {
    wellFormed: ({ event, record }) => {
      const request = requested(event, 'retarget');
      return request !== null && recordProblems(retargeted(record, request.target)).length === 0;
    },
  },
  act: (sight) => {
    const request = requested(sight.event, 'retarget');
    return request === null ? { commands: [] } : swap(sight, retargeted(sight.record, request.target));
  },
  says: 'the term is to be anchored on others: first the record says so',
};

export const BEGIN_CHANGE: SightedRule = {
  number: 31,
  name: 'begin-change',
  phases: ['open'],
  uses: 'store',
  when: (sight) => ownPrimary(sight) !== null && requested(sight.event, 'change') !== null,
  walls: {
    oneAtATime: ({ record }) => record.guards.length === 1,
    singleStep: ({ event, record, arithmetic }) => {
      const request = requested(event, 'change');
      return request !== null && arithmetic.isSingleStep(record.guards[0] as VoterSet, request.set);
    },
    wellFormed: ({ event, record }) => {
      const request = requested(event, 'change');
      return request !== null && recordProblems(changeBegun(record, request.set)).length === 0;
    },
  },
  act: (sight) => {
    const request = requested(sight.event, 'change');
    return request === null ? { commands: [] } : swap(sight, changeBegun(sight.record, request.set));
  },
  says: 'the voters are to change: until the new setting is proven both are recorded',
};

export const REVERSE_CHANGE: SightedRule = {
  number: 32,
  name: 'reverse-change',
  phases: ['open'],
  uses: 'store',
  when: (sight) => ownPrimary(sight) !== null && sight.record.guards.length === 2 && requested(sight.event, 'reverse') !== null,
  walls: { settled },
  act: (sight) => swap(sight, changeReversed(sight.record)),
  says: 'the change cannot be finished: it is taken back by the same way',
};

export const END_CHANGE: SightedRule = {
  number: 33,
  name: 'end-change',
  phases: ['open'],
  uses: 'store',
  when: (sight) => ownPrimary(sight) !== null && sight.record.guards.length === 2,
  // A reload that was decided before the change was reversed would put the forgotten setting in force.
  walls: { settled, onNew: isOnNew, proven: isProven },
  act: (sight) => swap(sight, changeEnded(sight.record)),
  says: 'the new setting is proven: the old one is forgotten',
};

export const RELOAD: SightedRule = {
  number: 34,
  name: 'reload',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => ownPrimary(sight) !== null && !isOnNew(sight),
  walls: {},
  act: (sight) => ({ commands: [{ kind: 'reload', setting: wanted(sight) }] }),
  says: 'the record has another setting than PostgreSQL: it is loaded',
};

export const PROVE: SightedRule = {
  number: 35,
  name: 'prove',
  phases: EVERY_PHASE,
  uses: 'postgres',
  when: (sight) => ownPrimary(sight)?.proven === false && (sight.record.phase === 'promoting' || sight.record.guards.length === 2),
  walls: {},
  act: (sight) => ({ commands: [{ kind: 'prove', setting: wanted(sight) }] }),
  says: 'the setting is loaded: it is proven by the voters’ own positions',
};
