/** One wall less each: a mutant that no scope catches is a wall nobody needs, or a model that cannot see. */
import { DUTIES, type Duty } from '../src/failover/commands.ts';
import { ARITHMETIC, type Arithmetic } from '../src/failover/quorum.ts';
import type { Rule } from '../src/failover/rules/rule.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { makeStep } from '../src/failover/step.ts';
import { explore } from './explore.ts';
import { CAUGHT_IN, LIVES_BECAUSE } from './verdicts.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { makeModel, type Model } from './world.ts';

export interface Mutant {
  /** '<rule>/<wall>', 'rule/<which>', 'arithmetic/<what>' or 'duty/<which>'. */
  name: string;
  /** Where it is caught; null when it is known to live, and then `why`. */
  scope: string | null;
  why: string | null;
  parts: Pick<Model, 'step' | 'duties'>;
}

const EVERY_DUTY = Object.fromEntries(Object.keys(DUTIES).map((duty) => [duty, true])) as Record<Duty, boolean>;

export const UNCHANGED: Mutant['parts'] = { step: makeStep(RULES, ARITHMETIC), duties: EVERY_DUTY };

const BENT_ARITHMETIC: Record<string, Partial<Arithmetic>> = {
  'reports of any epoch': { counts: () => true },
  'quorum one smaller': { fenceSize: (set) => ARITHMETIC.fenceSize(set) - 1 },
  'newest guard only': { guardsToFence: (record) => record.guards.slice(-1) },
  'oldest guard only': { guardsToFence: (record) => record.guards.slice(0, 1) },
  'length alone': {
    choose: (reports, preferred) => {
      const flat = reports.map(({ node, log }) => ({ node, log: { term: 0, lsn: log.lsn } }));
      const chosen = ARITHMETIC.choose(flat, preferred);
      return reports.find(({ node }) => node === chosen?.node) ?? null;
    },
  },
  'any log': { choose: (reports, preferred) => reports.find(({ node }) => node === preferred) ?? reports[0] ?? null },
  'guard without the old leader': {
    guardAfter: (guards, oldLeader, winner) => {
      const guard = ARITHMETIC.guardAfter(guards, oldLeader, winner);
      const voters = guard.voters.filter((node) => node !== oldLeader);
      return voters.length < guard.acks ? guard : { ...guard, voters };
    },
  },
  'guard of the newest only': { guardAfter: (guards, oldLeader, winner) => ARITHMETIC.guardAfter(guards.slice(-1), oldLeader, winner) },
  'guard without acks': {
    guardAfter: (guards, oldLeader, winner) => ({
      ...ARITHMETIC.guardAfter(guards, oldLeader, winner),
      acks: Math.min(...guards.map(({ acks }) => acks)),
    }),
  },
  'mixed step': { isSingleStep: () => true },
  'term is kept': { termAfter: (record) => record.term },
  'any log holds': { holds: () => true },
  'any history': { isOnHistory: () => true },
};

/** Rules that are a wall as a whole: they keep those behind them from acting. */
const WALL_RULES = ['read-again'];

export const MUTANTS: readonly Mutant[] = [...wallMutants(), ...ruleMutants(), ...arithmeticMutants(), ...dutyMutants()];

function wallMutants(): Mutant[] {
  return RULES.flatMap((rule) =>
    Object.keys(rule.walls).map((wall) => {
      const rules = RULES.map((each) => (each === rule ? ({ ...rule, walls: { ...rule.walls, [wall]: () => true } } as Rule) : each));
      return mutant(`${rule.name}/${wall}`, { step: makeStep(rules, ARITHMETIC) });
    }),
  );
}

function ruleMutants(): Mutant[] {
  return WALL_RULES.map((name) =>
    mutant(`rule/${name}`, {
      step: makeStep(
        RULES.filter((rule) => rule.name !== name),
        ARITHMETIC,
      ),
    }),
  );
}

function arithmeticMutants(): Mutant[] {
  return Object.entries(BENT_ARITHMETIC).map(([what, bent]) =>
    mutant(`arithmetic/${what}`, { step: makeStep(RULES, { ...ARITHMETIC, ...bent }) }),
  );
}

function dutyMutants(): Mutant[] {
  return Object.keys(DUTIES).map((duty) => mutant(`duty/${duty}`, { duties: { ...EVERY_DUTY, [duty]: false } }));
}

function mutant(name: string, parts: Partial<Mutant['parts']>): Mutant {
  return { name, scope: CAUGHT_IN[name] ?? null, why: LIVES_BECAUSE[name] ?? null, parts: { ...UNCHANGED, ...parts } };
}

const MOST_STATES = 3_000_000;

/** Looks for the mutant where it should be caught. One that is known to live is not looked for: `why` says what to read instead. */
export function judge({ scope: name, why, parts }: Mutant): { isExpected: boolean; says: string; trace: string[] | null } {
  if (name === null) return { isExpected: why !== null, says: why === null ? 'NOT KNOWN' : `lives: ${why}`, trace: null };
  const scope = EVERY_SCOPE.find((each) => each.name === name);
  if (scope === undefined) throw new Error(`no scope '${name}'`);
  const { violation } = explore(makeModel({ scope, ...parts, watch: () => {} }), { states: MOST_STATES, isOver: () => false });
  if (violation === null) return { isExpected: false, says: `LIVES in ${name}`, trace: null };
  return { isExpected: true, says: `caught in ${name}: ${violation.promise}`, trace: violation.trace };
}
