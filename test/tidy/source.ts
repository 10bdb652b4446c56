/** Files of the repository as the house rules look at them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blanked } from './blank.ts';

export interface Source {
  /** From the root of the repository, with '/'. */
  path: string;
  text: string;
  /** The text with comments and the insides of strings blanked; same length. '' for what is not TypeScript or JavaScript. */
  code: string;
  imports: Import[];
}

export interface Import {
  specifier: string;
  /** What stands between `import` and `from`. */
  clause: string;
}

/** One breach of a rule: the message names what to do instead. */
export interface Breach {
  path: string;
  message: string;
}

const LEFT_OUT = new Set(['node_modules', 'dist', 'report', 'results', '.git', '.cache', 'package-lock.json']);
const TEXTS = /(?:\.(?:[cm]?[jt]s|json|md|sh|ya?ml|html|css|txt|conf)|^[^.]+|^\.[a-z]+)$/;

export async function readSources(root: string, below = ''): Promise<Source[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  const sources = await Promise.all(
    entries
      .filter((entry) => !LEFT_OUT.has(entry.name))
      .map(async (entry) => {
        const path = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory()) return readSources(root, path);
        if (!entry.isFile() || !TEXTS.test(entry.name)) return [];
        return [sourceOf(path, await readFile(join(root, path), 'utf8'))];
      }),
  );
  return sources.flat();
}

export function sourceOf(path: string, text: string): Source {
  const code = /\.[cm]?[jt]s$/.test(path) ? blanked(text) : '';
  return { path, text, code, imports: importsOf(text, code) };
}

/** Static and dynamic imports and re-exports. The code says where they are, the text what they name. */
function importsOf(text: string, code: string): Import[] {
  const found: Import[] = [];
  for (const match of code.matchAll(/\b(?:import|export)\b([^;'"]*?)\(?(['"])([^'"\n]*)\2/g)) {
    const clause = match[1] ?? '';
    const fromSomewhere = /\bfrom\s*$/.test(clause) || clause.trim() === '';
    if (!fromSomewhere) continue;
    const end = match.index + match[0].length - 1;
    found.push({ clause, specifier: text.slice(end - (match[3]?.length ?? 0), end) });
  }
  return found;
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || path.includes('/testing/');
}
