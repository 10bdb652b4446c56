/** One node, one event: what it knows afterwards, what is to be done, by which rule and why. */
import type { Command, PostgresCommand } from './commands.ts';
import type { Event } from './events.ts';
import { learn } from './learn.ts';
import { ARITHMETIC, type Arithmetic } from './quorum.ts';
import type { Rule } from './rules/rule.ts';
import { RULES } from './rules/table.ts';
import type { NodeState } from './state.ts';

export interface Step {
  state: NodeState;
  commands: readonly Command[];
  /** Number of the rule that decided. */
  rule: number;
  reason: string;
  /** Rules before it whose situation was there, and the first wall that stood: '<rule>/<wall>'; `busy` while a command has no answer. */
  held: readonly string[];
}

/** `step` over other rules or arithmetic is what the model's mutants are. */
export function makeStep(rules: readonly Rule[], arithmetic: Arithmetic): (state: NodeState, event: Event) => Step {
  return (before, event) => decide(rules, arithmetic, learn(arithmetic, before, event), event);
}

export const step = makeStep(RULES, ARITHMETIC);

function decide(rules: readonly Rule[], arithmetic: Arithmetic, state: NodeState, event: Event): Step {
  const held: string[] = [];
  for (const rule of rules) {
    const outcome = tryRule(rule, arithmetic, state, event);
    if (outcome === null) continue;
    if (typeof outcome !== 'string') return { ...outcome, rule: rule.number, reason: rule.says, held };
    held.push(`${rule.name}/${outcome}`);
  }
  throw new Error(`no rule for ${event.kind} in phase ${state.view?.record.phase ?? 'unread'}`);
}

/** What the rule does; the name of the wall that stands; or null when its situation is not there. */
function tryRule(rule: Rule, arithmetic: Arithmetic, state: NodeState, event: Event): Pick<Step, 'state' | 'commands'> | string | null {
  if (rule.phases === 'all') return applied(rule, { state, event, arithmetic });
  if (state.view === null || !rule.phases.includes(state.view.record.phase)) return null;
  return applied(rule, { state, event, arithmetic, view: state.view, record: state.view.record });
}

function applied<Context extends { state: NodeState }>(
  rule: Pick<Rule, 'uses'> & {
    when: (context: Context) => boolean;
    walls: Readonly<Record<string, (context: Context) => boolean>>;
    act: (context: Context) => { commands: Command[]; state?: NodeState };
  },
  context: Context,
): Pick<Step, 'state' | 'commands'> | string | null {
  if (!rule.when(context)) return null;
  const { acting, swapping } = context.state;
  if ((rule.uses === 'postgres' && acting !== null) || (rule.uses === 'store' && swapping)) return 'busy';
  const wall = Object.entries(rule.walls).find(([, passes]) => !passes(context));
  if (wall !== undefined) return wall[0];
  const { commands, state = context.state } = rule.act(context);
  return { commands, state: occupied(state, rule.uses, commands) };
}

function occupied(state: NodeState, uses: Rule['uses'], commands: readonly Command[]): NodeState {
  const [first] = commands;
  if (first === undefined || uses === null) return state;
  return uses === 'store' ? { ...state, swapping: true } : { ...state, acting: first.kind as PostgresCommand['kind'] };
}
