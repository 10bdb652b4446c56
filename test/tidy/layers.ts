/** Which folder may import which: arrows go down or sideways, never up. */
import { posix } from 'node:path';
import { type Breach, isTest, type Source } from './source.ts';

/** Height of every folder of packages/nines/src; a folder inside one may stand lower. */
const HEIGHTS: Record<string, number> = {
  'index.ts': 5,
  cli: 5,
  'cli/terminal': 3,
  demo: 4,
  operations: 4,
  agent: 3,
  lab: 3,
  chaos: 3,
  report: 3,
  load: 3,
  engines: 2,
  store: 2,
  identity: 2,
  topology: 1,
  checkers: 1,
  availability: 1,
  failover: 1,
  errors: 0,
};

const PURE_FOLDERS = ['topology', 'checkers', 'availability', 'failover', 'errors'];
const NINES = 'packages/nines/src/';

/** No clock, no chance, no I/O: the pure folders, and the modules of an engine that render or plan. */
export function isPure(path: string): boolean {
  if (isTest(path) || !path.startsWith(NINES)) return false;
  const [folder = ''] = path.slice(NINES.length).split('/');
  return PURE_FOLDERS.includes(folder) || (folder === 'engines' && /^(?:render|plan)[-.\w]*\.ts$/.test(posix.basename(path)));
}

export function layerBreaches(source: Source): Breach[] {
  if (isTest(source.path)) return [];
  return source.imports.flatMap(({ specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const message = arrow(source.path, posix.join(posix.dirname(source.path), specifier));
    return message === null ? [] : [{ path: source.path, message }];
  });
}

function arrow(from: string, to: string): string | null {
  if (packageOf(from) !== packageOf(to)) {
    const allowed = /^(?:scripts|bench)$/.test(packageOf(from));
    return allowed ? null : `imports ${to} by path: import the package by its name, what it exports is its interface`;
  }
  if (!from.startsWith(NINES)) return null;
  if (isTest(to)) return `imports ${to}, which is for tests: move what both need beside the code`;
  const [lower, upper] = [heightOf(from), heightOf(to)];
  if (lower === undefined) return `stands in a folder that has no height: add it to HEIGHTS in test/tidy/layers.ts`;
  if (upper === undefined || upper <= lower) return null;
  return `imports ${to}, which is above it: move what both need into the lower folder, or hand it in as an argument`;
}

function packageOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' || first === 'examples' ? `${first}/${second}` : first;
}

function heightOf(path: string): number | undefined {
  const [folder = '', inner = ''] = path.slice(NINES.length).split('/');
  return HEIGHTS[`${folder}/${inner}`] ?? HEIGHTS[folder];
}
