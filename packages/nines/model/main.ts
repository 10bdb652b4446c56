/**
 * npm run model -- [--minutes N] [--scope NAME] [--mutants]: explores the failover core and prints what was seen.
 * Without --scope: every scope with an equal share of half the time, then every mutant. Exit code 0: no promise broken and every
 * mutant judged as expected; 1: a promise broken, or a mutant not; 2: wrong usage.
 */
import { parseArgs } from 'node:util';
import { explore, type Exploration } from './explore.ts';
import { judge, MUTANTS, UNCHANGED } from './mutants.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { makeModel, type Scope } from './world.ts';

const DEFAULT_MINUTES = 3;
const MOST_STATES = 200_000_000;

process.exitCode = main();

function main(): number {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, scope: { type: 'string' }, mutants: { type: 'boolean' } } });
  const minutes = Number(values.minutes ?? DEFAULT_MINUTES);
  const scopes = EVERY_SCOPE.filter(({ name }) => values.scope === undefined || name === values.scope);
  if (!(minutes > 0) || scopes.length === 0) {
    say(`usage: npm run model -- [--minutes N] [--scope ${EVERY_SCOPE.map(({ name }) => name).join('|')}] [--mutants]`);
    return 2;
  }
  const isWhole = values.scope === undefined;
  const isSound = values.mutants === true || exploreAll(scopes, (minutes * 60_000) / (isWhole ? 2 : 1));
  const areJudged = (!isWhole && values.mutants !== true) || judgeAll();
  return isSound && areJudged ? 0 : 1;
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
  const unused = RULES.filter(({ number }) => !rules.has(number));
  say(
    `${states.toLocaleString('en')} states, ${rules.size} of ${RULES.length} rules used${unused.map(({ name }) => `; not used: ${name}`).join('')}`,
  );
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
  const caught = MUTANTS.filter(({ scope }) => scope !== null).length;
  say(`${MUTANTS.length} mutants: ${caught} to be caught, ${MUTANTS.length - caught} known to live, ${unexpected} not as expected`);
  return unexpected === 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
