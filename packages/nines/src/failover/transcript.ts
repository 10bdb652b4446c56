/**
 * The decision log of one node for one group: what came in and what was decided, a line of JSON each. Because `step` is pure, a log can be
 * run again: `replay` says whether the code as it is now decides as the code did that wrote it.
 */
import type { Command } from './commands.ts';
import type { Event } from './events.ts';
import type { NodeState } from './state.ts';
import { step as currentStep, type Step } from './step.ts';

/** The state from which the lines behind it go on: at every start of an agent, and first in every file. Times: ms since 1970. */
export interface BootLine {
  kind: 'boot';
  atMs: number;
  state: NodeState;
}

export interface StepLine {
  kind: 'step';
  atMs: number;
  event: Event;
  commands: readonly Command[];
  rule: number;
  held: readonly string[];
}

export interface Mismatch {
  /** Counted from 1. */
  line: number;
  what: string;
  expected: string;
  got: string;
}

export interface Replay {
  steps: number;
  /** The first; nothing behind it was run. */
  mismatch: Mismatch | null;
}

/** Without a line feed. */
export function bootLine(atMs: number, state: NodeState): string {
  return JSON.stringify({ kind: 'boot', atMs, state } satisfies BootLine);
}

/** Without a line feed. */
export function stepLine(atMs: number, event: Event, { commands, rule, held }: Pick<Step, 'commands' | 'rule' | 'held'>): string {
  return JSON.stringify({ kind: 'step', atMs, event, commands, rule, held } satisfies StepLine);
}

/** Whether a step has to be in the log for the ones behind it to replay. Others may be left out: most ticks say nothing. */
export function isNeeded(before: NodeState, { state, commands }: Pick<Step, 'state' | 'commands'>): boolean {
  return state !== before || commands.length > 0;
}

/**
 * Runs the events of `lines` through `step`. Empty lines are passed over, and so is a line that is no JSON when nothing or a boot
 * follows: it was torn when its agent died. More fields than are known do not matter.
 */
export function replay(lines: Iterable<string>, step = currentStep): Replay {
  let state: NodeState | null = null;
  let torn: Mismatch | null = null;
  let steps = 0;
  let number = 0;
  for (const text of lines) {
    number++;
    if (text.trim() === '') continue;
    const parsed = parsedLine(text);
    if (torn !== null && parsed?.kind !== 'boot') return { steps, mismatch: torn };
    torn = parsed === null ? { line: number, what: 'line', expected: 'a line of a transcript', got: text } : null;
    if (parsed === null) continue;
    if (parsed.kind === 'boot') {
      state = parsed.state;
      continue;
    }
    if (state === null) return { steps, mismatch: { line: number, what: 'line', expected: 'a boot before any step', got: text } };
    const decided = step(state, parsed.event);
    const difference = differenceOf(parsed, decided);
    if (difference !== null) return { steps, mismatch: { line: number, ...difference } };
    state = decided.state;
    steps++;
  }
  return { steps, mismatch: null };
}

function parsedLine(text: string): BootLine | StepLine | null {
  try {
    const line = JSON.parse(text) as BootLine | StepLine;
    return line.kind === 'boot' || line.kind === 'step' ? line : null;
  } catch {
    return null;
  }
}

function differenceOf(line: StepLine, decided: Step): Omit<Mismatch, 'line'> | null {
  for (const what of ['rule', 'commands', 'held'] as const) {
    const expected = canonical(line[what]);
    const got = canonical(decided[what]);
    if (expected !== got) return { what, expected, got };
  }
  return null;
}

/** Keys in the order of their names: what is equal reads equal. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
