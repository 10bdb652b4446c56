/** One wall less each: a mutant that no scope catches is a wall nobody needs, or a model that cannot see. */
import { DUTIES } from '../src/failover/commands.ts';
import { ARITHMETIC, type Arithmetic } from '../src/failover/quorum.ts';
import type { Rule } from '../src/failover/rules/rule.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { makeStep } from '../src/failover/step.ts';
import { explore } from './explore.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { simulate } from './simulate/simulate.ts';
import { SITUATIONS } from './situations.ts';
import { type Parts, UNCHANGED } from './unchanged.ts';
import { CAUGHT_IN, LIVES_BECAUSE, STUCK_IN } from './verdicts.ts';
import { makeModel } from './world.ts';

/** How it shows that a wall is gone. */
export type Verdict =
  /** The explorer finds a broken promise in this scope. */
  | { by: 'exploration'; scope: string }
  /** A simulated group breaks a promise, or does not recover. */
  | { by: 'simulation'; seed: number }
  /** One decision is another one (situations.ts); nothing is lost by it. */
  | { by: 'decision'; why: string }
  /** It is not seen, and this is why it should not be. */
  | { by: 'nobody'; why: string };

export interface Mutant {
  /** '<rule>/<wall>', 'rule/<which>', 'arithmetic/<what>' or 'duty/<which>'. */
  name: string;
  /** Null: nobody has said. */
  verdict: Verdict | null;
  parts: Parts;
}

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
  return Object.keys(DUTIES).map((duty) => mutant(`duty/${duty}`, { duties: { ...UNCHANGED.duties, [duty]: false } }));
}

function mutant(name: string, parts: Partial<Parts>): Mutant {
  return { name, verdict: verdictOf(name), parts: { ...UNCHANGED, ...parts } };
}

function verdictOf(name: string): Verdict | null {
  const [scope, seed, situation, why] = [CAUGHT_IN[name], STUCK_IN[name], SITUATIONS[name], LIVES_BECAUSE[name]];
  if (scope !== undefined) return { by: 'exploration', scope };
  if (seed !== undefined) return { by: 'simulation', seed };
  if (situation !== undefined) return { by: 'decision', why: situation.why };
  return why === undefined ? null : { by: 'nobody', why };
}

const MOST_STATES = 3_000_000;

export interface Judgement {
  isExpected: boolean;
  says: string;
  trace: string[] | null;
}

/** Looks for the mutant where it should be caught. One that is known to live is not looked for: `why` says what to read instead. */
export function judge({ name, verdict, parts }: Mutant): Judgement {
  if (verdict === null) return { isExpected: false, says: 'NOT KNOWN', trace: null };
  if (verdict.by === 'exploration') return judgeByExploration(verdict.scope, parts);
  if (verdict.by === 'simulation') return judgeBySimulation(verdict.seed, parts);
  if (verdict.by === 'decision') return judgeByDecision(name, parts);
  return { isExpected: true, says: `lives: ${verdict.why}`, trace: null };
}

function judgeByExploration(name: string, parts: Parts): Judgement {
  const scope = EVERY_SCOPE.find((each) => each.name === name);
  if (scope === undefined) throw new Error(`no scope '${name}'`);
  const { violation } = explore(makeModel({ scope, ...parts, watch: () => {} }), { states: MOST_STATES, isOver: () => false });
  if (violation === null) return { isExpected: false, says: `LIVES in ${name}`, trace: null };
  return { isExpected: true, says: `caught in ${name}: ${violation.promise}`, trace: violation.trace };
}

function judgeBySimulation(seed: number, parts: Parts): Judgement {
  const [ill] = simulate(seed, 1, () => false, parts).ill;
  if (ill === undefined) return { isExpected: false, says: `LIVES in the simulated run ${seed}`, trace: null };
  return { isExpected: true, says: `caught in the simulated run ${seed}: ${ill.what}`, trace: null };
}

/** The wall stands in the way of the core that ships, by name, and the mutant does something else. */
function judgeByDecision(name: string, parts: Parts): Judgement {
  const situation = SITUATIONS[name];
  if (situation === undefined) throw new Error(`no situation for '${name}'`);
  const ships = UNCHANGED.step(situation.state, situation.event);
  const bent = parts.step(situation.state, situation.event);
  const isHeld = ships.held.includes(name) && bent.rule !== ships.rule && name.startsWith(`${ruleNamed(bent.rule)}/`);
  if (!isHeld) return { isExpected: false, says: 'LIVES in its situation', trace: null };
  return { isExpected: true, says: `caught by its decision: ${situation.why}`, trace: null };
}

const ruleNamed = (number: number): string => RULES.find((rule) => rule.number === number)?.name ?? '';
