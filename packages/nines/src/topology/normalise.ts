import { NinesError } from '../errors/errors.ts';
import { crossProblems } from './checks/cross-problems.ts';
import { resolveDefaults } from './defaults.ts';
import { type Problem, problemLine, problemsOf } from './problems.ts';
import { salvaged } from './salvage.ts';
import { topologySchema } from './schema/schema.ts';
import type { Topology } from './topology.ts';

/**
 * The topology in full out of the user's words (`defineTopology({...})` or plain JSON of that shape).
 * Throws E_CONFIG_INVALID with everything that is wrong at once; `details` has one line for each.
 */
export function normaliseTopology(words: unknown): Topology {
  const parsed = topologySchema.safeParse(words);
  if (parsed.success) {
    const topology = resolveDefaults(parsed.data);
    const problems = crossProblems(parsed.data, topology);
    if (problems.length === 0) return topology;
    throw invalid(problems);
  }
  const problems = problemsOf(parsed.error.issues, words);
  throw invalid([...problems, ...furtherProblems(words, problems)]);
}

/** What the cross checks say about the rest; nothing about a place that was refused already. */
function furtherProblems(words: unknown, found: Problem[]): Problem[] {
  const rest = salvaged(words, found);
  if (rest === null) return [];
  return crossProblems(rest, resolveDefaults(rest)).filter((further) => !found.some((problem) => overlap(problem.path, further.path)));
}

function overlap(left: readonly (string | number)[], right: readonly (string | number)[]): boolean {
  const length = Math.min(left.length, right.length);
  return left.slice(0, length).every((step, index) => step === right[index]);
}

function invalid(problems: Problem[]): NinesError {
  const details = [...new Set(problems.map(problemLine))];
  const count = details.length === 1 ? 'One thing is' : `${details.length} things are`;
  return new NinesError('E_CONFIG_INVALID', `${count} wrong in the topology:\n${details.map((line) => `  ${line}`).join('\n')}`, {
    details,
  });
}
