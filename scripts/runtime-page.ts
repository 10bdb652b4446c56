/** docs/reference/runtime.md, from the docstrings of the options that `@nines/runtime` exports. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { POLICY_ERRORS } from '../packages/runtime/src/errors/policy-error.ts';

const SOURCE = join(import.meta.dirname, '../packages/runtime/src');

interface Option {
  name: string;
  type: string;
  mayBeLeftOut: boolean;
  says: string;
}

export function runtimePage(): string {
  const index = readFileSync(join(SOURCE, 'index.ts'), 'utf8');
  const files = new Set([...index.matchAll(/from '\.\/(.+)';/g)].map(([, path = '']) => path));
  const parts = [...files, 'database/limits.ts', 'client/client.ts', 'opossum/options.ts', 'opossum/status.ts'].flatMap((path) =>
    filePart(path),
  );
  return [
    '# The runtime library',
    '',
    'Options of what [`@nines/runtime`](../../packages/runtime/README.md) exports. Milliseconds where a name ends in `Ms`. What cannot be is refused',
    'with a `RangeError` that names the option.',
    '',
    ...parts,
    '## Errors',
    '',
    'A `PolicyError` has `code`, `retryAfterMs` (null: not known) and `notSent`; it has no stack.',
    '',
    '| code | what happened |',
    '|---|---|',
    ...Object.entries(POLICY_ERRORS).map(([code, says]) => `| \`${code}\` | ${says} |`),
    '',
  ].join('\n');
}

function filePart(path: string): string[] {
  const text = readFileSync(join(SOURCE, path), 'utf8');
  return [...text.matchAll(/^export interface (\w+Options|Limits)(?: extends [\w<>]+)? \{\n(.*?)^\}/gms)].flatMap(
    ([, name = '', body = '']) => [
      `## ${titleOf(text, name)}`,
      '',
      words(docBefore(text, name) ?? '') || words(/^\/\*\*(.*?)\*\//s.exec(text)?.[1] ?? ''),
      '',
      '| option | type | |',
      '|---|---|---|',
      ...optionsOf(body, `${path}: ${name}`).map(
        (option) =>
          `| \`${option.name}\` | \`${cell(option.type)}\` | ${option.mayBeLeftOut ? '' : '**Must be given.** '}${cell(option.says)} |`,
      ),
      '',
    ],
  );
}

/** Whoever takes the options: a function's name, or else a class'. */
function titleOf(text: string, options: string): string {
  const taker =
    new RegExp(`^export function (\\w+)\\((?:(?!^\\}).)*?\\b${options}\\b`, 'ms').exec(text)?.[1] ??
    new RegExp(`^export class (\\w+)\\b(?:(?!^\\}).)*constructor\\((?:(?!^\\}|\\{$).)*?\\b${options}\\b`, 'ms').exec(text)?.[1];
  return taker === undefined ? `\`${options}\`` : `\`${taker}\``;
}

/** What stands before the function that takes the options. */
function docBefore(text: string, options: string): string | undefined {
  return new RegExp(`^/\\*\\*((?:(?!\\*/).)*)\\*/\\nexport function \\w+\\((?:(?!^\\}).)*?\\b${options}\\b`, 'ms').exec(text)?.[1];
}

/** @throws Error for an option that says nothing of itself. */
function optionsOf(body: string, where: string): Option[] {
  const options: Option[] = [];
  let says = '';
  for (const [, doc, name = '', mark, type = ''] of body.matchAll(/^ {2}\/\*\*(.*?)\*\/$|^ {2}(\w+)(\?)?: ([^\n]*);$/gms)) {
    if (doc !== undefined) says = words(doc);
    else {
      if (says === '' && !SPEAKING.has(name)) throw new Error(`${where}: ${name} has no docstring`);
      options.push({ name, type, mayBeLeftOut: mark === '?', says: says === '' ? (SPEAKING.get(name) ?? '') : says });
      says = '';
    }
  }
  return options;
}

/** What is the same everywhere, and said once. */
const SPEAKING = new Map([
  ['clock', 'Where time comes from, for tests. Default: the machine’s.'],
  ['onChange', 'Called after each change of the state, in a turn of its own.'],
]);

function words(doc: string): string {
  return doc
    .replaceAll(/^\s*\*? ?/gm, ' ')
    .replaceAll(/@(throws|returns|param|see)\b.*$/gs, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
