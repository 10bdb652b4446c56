import type { z } from 'zod';

/** One thing wrong with the words of a topology. `text` goes on after the path: 'got 0; allowed: ...'. */
export interface Problem {
  path: readonly (string | number)[];
  text: string;
  /** The path itself means nothing here. */
  unknownOption?: true;
}

/** 'services.orders.command[0]'; keys that are no plain words are quoted. */
export function pathText(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the topology';
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

export function problemLine(problem: Problem): string {
  return `${pathText(problem.path)}: ${problem.text}`;
}

/** A refused value as a person reads it back: short, one line. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${cut(JSON.stringify(value).slice(1, -1))}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list (${cut(plain(value))})`;
  if (typeof value === 'object' && value !== null) return `an object (${cut(plain(value))})`;
  return String(value);
}

export function refused(value: unknown, allowed: string): string {
  return value === undefined ? `is missing; give ${allowed}` : `got ${shown(value)}; allowed: ${allowed}`;
}

/** The value at a path of the user's words; undefined where there is none. */
export function valueAt(words: unknown, path: readonly (string | number)[]): unknown {
  let value = words;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** What zod found, in our words. Every schema of `schema/` puts what is allowed into its message. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], words: unknown): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], words));
}

function problemsOfIssue(issue: z.core.$ZodIssue, before: (string | number)[], words: unknown): Problem[] {
  const path = [...before, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys') {
    const texts = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], text: texts[index] ?? issue.message, unknownOption: true }));
  }
  if (issue.code === 'invalid_union') {
    // The branch of the right shape has the telling errors; the others only say that the shape is another.
    const branch = issue.errors.find((errors) => errors.every((error) => error.path.length > 0));
    if (branch !== undefined && branch.length > 0) {
      return branch.flatMap((error) => problemsOfIssue(error, path, words));
    }
  }
  if (issue.code === 'invalid_key') {
    return [{ path, text: `the name is not allowed; allowed: ${issue.issues[0]?.message ?? issue.message}` }];
  }
  return [{ path, text: refused(valueAt(words, path), issue.message) }];
}

function plain(value: object): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return 'not plain data';
  }
}

function cut(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
