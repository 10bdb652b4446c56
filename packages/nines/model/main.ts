/**
 * npm run model -- [--minutes N] [--scope NAME] [--mutants]: explores the failover core and prints what was seen.
 * Without --scope: every scope with an equal share of half the time, then every mutant.
 * --mutant NAME [--minutes N]: looks for one mutant in every scope, one that is believed to live too.
 * --simulate RUNS [--seed FIRST] [--minutes N]: runs with clocks, faults and recovery. --tell SEED: one of them, decision by decision.
 * Exit code 0: no promise broken, everything recovered, every mutant judged as expected; 1: not so; 2: wrong usage.
 */
import { parseArgs } from 'node:util';
import { RULES } from '../src/failover/rules/table.ts';
import { explore, type Exploration } from './explore.ts';
import { judge, MUTANTS, type Verdict } from './mutants.ts';
import { UNCHANGED } from './unchanged.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { simulate } from './simulate/simulate.ts';
import { tellSeed } from './simulate/story.ts';
import { makeModel, type Scope } from './world.ts';

const DEFAULT_MINUTES = 3;
const MOST_STATES = 200_000_000;

process.exitCode = main();

function main(): number {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { minutes: text, scope: text, mutants: { type: 'boolean' }, mutant: text, simulate: text, seed: text, tell: text },
  });
  const minutes = Number(values.minutes ?? DEFAULT_MINUTES);
  const seed = Number(values.tell ?? values.seed ?? 1);
  const runs = Number(values.simulate ?? 1);
  const scopes = EVERY_SCOPE.filter(({ name }) => values.scope === undefined || name === values.scope);
  const mutants = MUTANTS.filter(({ name }) => name === values.mutant);
  const isWrong =
    !(minutes > 0) ||
    !Number.isInteger(seed) ||
    !(runs > 0) ||
    scopes.length === 0 ||
    (values.mutant !== undefined && mutants.length === 0);
  if (isWrong) return usage();
  const endMs = Date.now() + minutes * 60_000;
  if (values.tell !== undefined) {
    tellSeed(seed, say);
    return 0;
  }
  if (values.simulate !== undefined) return simulateAll(seed, runs, endMs) ? 0 : 1;
  const [mutant] = mutants;
  if (mutant !== undefined) return hunt(mutant, scopes, endMs) ? 0 : 1;
  const isWhole = values.scope === undefined;
  const isSound = values.mutants === true || exploreAll(scopes, (minutes * 60_000) / (isWhole ? 2 : 1));
  const areJudged = (!isWhole && values.mutants !== true) || judgeAll();
  return isSound && areJudged ? 0 : 1;
}

function usage(): number {
  say('usage: npm run model -- [--minutes N] [--scope NAME] [--mutants | --mutant NAME | --simulate RUNS [--seed FIRST] | --tell SEED]');
  say(`scopes: ${EVERY_SCOPE.map(({ name }) => name).join(' ')}`);
  say(`mutants: ${MUTANTS.map(({ name }) => `'${name}'`).join(' ')}`);
  return 2;
}

function exploreAll(scopes: readonly Scope[], wholeMs: number): boolean {
  const end = Date.now() + wholeMs;
  const rules = new Set<number>();
  let states = 0;
  let isSound = true;
  scopes.forEach((scope, index) => {
    const start = Date.now();
    const deadline = start + Math.max(0, end - start) / (scopes.length - index);
    const model = makeModel({ scope, ...UNCHANGED, watch: ({ rule }) => void rules.add(rule) });
    const found = explore(model, { states: MOST_STATES, isOver: () => Date.now() > deadline });
    states += found.states;
    say(`${scope.name.padEnd(24)} ${line(found)} in ${((Date.now() - start) / 1000).toFixed(1)} s: ${scope.what}`);
    if (found.violation === null) return;
    isSound = false;
    say(`  BROKEN: ${found.violation.promise}\n${found.violation.trace.map((label, at) => `  ${at + 1}. ${label}`).join('\n')}`);
  });
  const unused = RULES.filter(({ number }) => !rules.has(number)).map(({ name }) => name);
  const not = unused.length === 0 ? '' : `; not: ${unused.join(', ')}`;
  say(`${states.toLocaleString('en')} states, ${rules.size} of ${RULES.length} rules used${not}`);
  return isSound;
}

function line({ states, depth, isComplete }: Exploration): string {
  return `${states.toLocaleString('en').padStart(12)} states, depth ${String(depth).padStart(2)}, ${isComplete ? 'complete' : 'CUT SHORT'}`;
}

function judgeAll(): boolean {
  let unexpected = 0;
  for (const mutant of MUTANTS) {
    const { isExpected, says, trace } = judge(mutant);
    if (!isExpected) unexpected++;
    say(`${isExpected ? '  ' : '! '}${mutant.name.padEnd(36)} ${says}${trace === null ? '' : ` (${trace.length} steps)`}`);
  }
  const by = (what: Verdict['by']): number => MUTANTS.filter(({ verdict }) => verdict?.by === what).length;
  say(
    `${MUTANTS.length} mutants: ${by('exploration')} to be caught by exploration, ${by('simulation')} by simulation, ${by('decision')} by a decision, ${by('nobody')} known to live; ${unexpected} not as expected`,
  );
  return unexpected === 0;
}

/** Whether it is as believed: seen where it is to be caught, and nowhere when it is known to live. */
function hunt({ name, verdict, parts }: (typeof MUTANTS)[number], scopes: readonly Scope[], endMs: number): boolean {
  let isSeen = false;
  for (const scope of scopes) {
    const found = explore(makeModel({ scope, ...parts, watch: () => {} }), { states: MOST_STATES, isOver: () => Date.now() > endMs });
    isSeen ||= found.violation !== null;
    const end = found.violation === null ? '' : `: ${found.violation.promise} (${found.violation.trace.join('; ')})`;
    say(`${name} ${scope.name.padEnd(24)} ${line(found)}, ${found.violation === null ? 'lives' : 'CAUGHT'}${end}`);
  }
  return isSeen === (verdict?.by === 'exploration');
}

function simulateAll(first: number, runs: number, endMs: number): boolean {
  const tally = simulate(first, runs, () => Date.now() > endMs);
  for (const { seed, what } of tally.ill) say(`seed ${seed}: ${what}`);
  const at = (share: number): string =>
    ((tally.healedMs[Math.floor((tally.healedMs.length - 1) * share)] ?? Number.NaN) / 1_000).toFixed(1);
  say(
    `${tally.runs} runs, ${tally.epochs} epochs, ${tally.terms} terms, ${tally.forced} forced; ${tally.ill.length} ill; recovered in ${at(0.5)} s (median), ${at(0.95)} s (95 %), ${at(1)} s (longest)`,
  );
  return tally.ill.length === 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
