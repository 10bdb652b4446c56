import { type Problem, valueAt } from './problems.ts';
import { type ParsedWords, topologySchema } from './schema/schema.ts';

/**
 * The words without what was refused, so that the cross checks can look at the rest: a port collision is reported
 * together with a misspelt key, not after it is corrected. Null when the rest says too little.
 */
export function salvaged(words: unknown, problems: Problem[]): ParsedWords | null {
  let rest = words;
  for (const { path, unknownOption } of problems) {
    if (path.length === 1 && path[0] === 'name') rest = { ...(rest as object), name: 'cluster' };
    else if (unknownOption === true || leavesTheRestTrue(path)) rest = without(rest, path);
    else if (path[0] === 'services' && path.length > 2) rest = without(rest, path.slice(0, 2));
    else return null;
  }
  const parsed = topologySchema.safeParse(rest);
  return parsed.success ? parsed.data : null;
}

/** Hosts that are missing would make every number of replicas wrong; a missing setting falls back to its default. */
function leavesTheRestTrue(path: Problem['path']): boolean {
  if (path[0] === 'regions') return path.at(-1) === 'address';
  return path[0] !== 'services';
}

function without(words: unknown, path: readonly (string | number)[]): unknown {
  const [step, ...rest] = path;
  // One refused word of a list spoils the list: its other words alone would mean something else.
  if (step === undefined || typeof words !== 'object' || words === null || Array.isArray(words)) return undefined;
  if (valueAt(words, [step]) === undefined) return words;
  const { [step]: value, ...others } = words as Record<string, unknown>;
  const left = rest.length === 0 ? undefined : without(value, rest);
  return left === undefined ? others : { ...others, [step]: left };
}
