/** Many runs, one after the other, and what they come to. */
import { type Outcome, runSeed } from './run.ts';

export interface Tally {
  runs: number;
  epochs: number;
  terms: number;
  /** Runs in which an operator had to lead by force. */
  forced: number;
  /** Runs in which a promise was broken, or that did not recover. */
  ill: { seed: number; what: string }[];
  /** Sorted; milliseconds from healing until nothing was wrong. */
  healedMs: number[];
}

/** Seeds `first`, `first + 1` and so on. `isOver` is asked before each run. */
export function simulate(first: number, runs: number, isOver: () => boolean, parts: Parameters<typeof runSeed>[1] = {}): Tally {
  const tally: Tally = { runs: 0, epochs: 0, terms: 0, forced: 0, ill: [], healedMs: [] };
  for (let seed = first; seed < first + runs && !isOver(); seed++) {
    const outcome = runSeed(seed, parts);
    tally.runs++;
    tally.epochs += outcome.epochs;
    tally.terms += outcome.terms;
    if (outcome.forced) tally.forced++;
    const what = illnessOf(outcome);
    if (what !== null) tally.ill.push({ seed, what });
    if (outcome.healedMs !== null) tally.healedMs.push(outcome.healedMs);
  }
  tally.healedMs.sort((left, right) => left - right);
  return tally;
}

function illnessOf({ broken, stuck, lasting, nodes }: Outcome): string | null {
  if (broken !== null) return `BROKEN: ${broken}`;
  return stuck === null ? null : `STUCK (${nodes} nodes, not healed: ${lasting.what}): ${stuck}`;
}
