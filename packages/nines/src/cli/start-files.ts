/** What `nines init` writes, as far as it depends on the folder. Pure. */
import { NinesError } from '../errors/errors.ts';

/** Path relative to the project's folder -> content. */
export type Files = Record<string, string>;

const FALLBACK_NAME = 'hello';
const LONGEST_NAME = 20;

/** A cluster name out of a folder's name: small letters, digits, '-', a letter first. */
export function projectName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '');
  return name === '' ? FALLBACK_NAME : name;
}

/** What npm writes by itself when a package is installed in an empty folder. */
const NPM_KEYS = new Set(['dependencies', 'devDependencies', 'optionalDependencies']);

/**
 * The package.json to write; null when the existing one is the user's and fits. Throws E_FILE_EXISTS when it does not:
 * the files are ES modules, and turning an existing project into one would break it.
 */
export function startManifest(existing: string | null, name: string, dependency: string | null): string | null {
  const found = existing === null ? {} : parsed(existing);
  const isNpmMade = Object.keys(found).every((key) => NPM_KEYS.has(key));
  if (!isNpmMade) {
    if (found['type'] === 'module') return null;
    const hint = 'Start in a folder of its own: nines init FOLDER.';
    throw new NinesError('E_FILE_EXISTS', `package.json is there and does not say "type": "module"; nothing was written`, { hint });
  }
  const dependencies = { ...(found['dependencies'] as object | undefined), ...(dependency === null ? {} : { nines: dependency }) };
  const manifest = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { up: 'nines up', status: 'nines status', down: 'nines down' },
    ...found,
    ...(Object.keys(dependencies).length === 0 ? {} : { dependencies }),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new NinesError('E_FILE_EXISTS', 'package.json is there and is not JSON; nothing was written', { cause: error });
  }
}
