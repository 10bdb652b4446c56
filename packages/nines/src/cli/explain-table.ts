/** The decisions of a group as a table for people. Pure. */
import { RULES } from '../failover/rules/table.ts';
import { heldWords, WALL_WORDS } from '../failover/words.ts';
import type { MemberNow } from '../operations/postgres/explain.ts';
import type { Run } from '../operations/postgres/repeats.ts';
import { type Screen, type Style, style, type StyleName } from './terminal/style.ts';
import { table } from './terminal/table.ts';

/** By tens: promises, elections, leadership, settings, following. */
const COLOUR_OF_TEN: Record<number, StyleName> = { 0: 'cyan', 1: 'yellow', 2: 'green', 3: 'cyan', 4: 'dim', 9: 'dim' };
/** What an agent did or waits for that no rule decides. */
const BESIDE_THE_RULES = 0;
const FAILED = 'failed';

function painted(colours: Style, { decision }: Run, text: string): string {
  if (decision.name === 'demote' || decision.name === 'force' || decision.event === FAILED) return colours.red(text);
  if (decision.rule === BESIDE_THE_RULES) return text;
  const name = COLOUR_OF_TEN[Math.floor(decision.rule / 10)];
  return name === undefined ? text : colours[name](text);
}

/** @param timeOf milliseconds since 1970 -> what stands in the first column */
export function decisionRows(runs: readonly Run[], screen: Screen, timeOf: (atMs: number) => string): string {
  const colours = style(screen);
  const rows = runs.map((run) => {
    const { atMs, host, term, rule, name } = run.decision;
    return [
      timeOf(atMs),
      host,
      term === null ? null : `term ${term}`,
      rule === BESIDE_THE_RULES ? ' -' : String(rule).padStart(2),
      name,
      painted(colours, run, sentence(run)),
    ];
  });
  return table(rows);
}

function sentence({ decision, count }: Run): string {
  const words = [decision.reason, ...decision.held.map(heldWords)];
  if (decision.event === FAILED) words.unshift('the last command failed');
  return `${words.join('; ')}${count === 1 ? '' : `  x ${count}`}`;
}

export function nowRows(members: readonly MemberNow[], screen: Screen): string {
  const rows = members.map(({ host, reason }) => [host, reason.split('\n')[0] ?? '']);
  return `${style(screen).bold('now')}\n${table(rows)}`;
}

export interface DescribedRule {
  number: number;
  name: string;
  phases: readonly string[];
  says: string;
  /** What keeps it from acting when it is its turn: name of the wall -> words. */
  walls: Record<string, string>;
}

/** The rules in the order in which they are tried; the first that applies decides. */
export function describedRules(): DescribedRule[] {
  return RULES.map(({ number, name, phases, says, walls }) => ({
    number,
    name,
    phases: phases === 'all' ? ['any'] : phases,
    says,
    walls: Object.fromEntries(Object.keys(walls).map((wall) => [wall, WALL_WORDS[`${name}/${wall}`] ?? wall])),
  }));
}

export function rulesTable(screen: Screen): string {
  const { dim } = style(screen);
  const rows = describedRules().flatMap(({ number, name, phases, says, walls }) => [
    [String(number).padStart(2), name, phases.length === 3 ? 'any' : phases.join(', '), says],
    ...Object.values(walls).map((words) => ['', '', '', dim(`  waits while ${words}`)]),
  ]);
  return table(rows, ['NO', 'RULE', 'PHASE', 'WHY']);
}
