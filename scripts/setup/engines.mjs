/**
 * The engines, from Debian's packages: looks whether they are there (a few file look-ups), and installs them when this
 * is root. Without root it prints the line to run. The table is the one that `nines doctor` reads.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLUSTER_DROP_IN, isOurs, POLICY_FILE } from './debian-services.mjs';
import { SetupError } from './setup-error.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const TABLE = join(HERE, '../../packages/nines/src/engines/machine/tools.json');
const LOCK_FILE = '/run/lock/nines-setup.lock';
const LOCK_TIMEOUT_S = 900;
const LOCK_TIMED_OUT = 75;

/**
 * @typedef {{name: string, package: string, files: string[], services: string[]}} Tool
 * @typedef {{missing: string[], leftovers: string[]}} EnginesState
 *   missing: packages; leftovers: files of a set-up that was killed before it could remove them.
 */

/** @returns {Tool[]} */
export function toolTable() {
  return JSON.parse(readFileSync(TABLE, 'utf8'));
}

/**
 * @param {string} [fileRoot] Where `/` is; another folder in tests.
 * @returns {EnginesState}
 */
export function enginesState(fileRoot = '/') {
  const lacking = toolTable().filter((tool) => !tool.files.every((file) => isExecutable(join(fileRoot, file))));
  const leftovers = [POLICY_FILE, CLUSTER_DROP_IN].filter((file) => isOurs(join(fileRoot, file)));
  return { missing: [...new Set(lacking.map((tool) => tool.package))], leftovers };
}

/** @param {string} [fileRoot] @returns {boolean} Whether apt knows any package at all. */
export function hasPackageIndex(fileRoot = '/') {
  try {
    return readdirSync(join(fileRoot, 'var/lib/apt/lists')).some((name) => /_Packages(\.|$)/.test(name));
  } catch {
    return false;
  }
}

/** @param {string[]} packages @param {boolean} root */
export function installLine(packages, root) {
  const sudo = root ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/**
 * Installs what is missing. Throws SetupError, with the line to run, when that is not possible here.
 * @param {(line: string) => void} say
 */
export function ensureEngines(say) {
  const { missing, leftovers } = enginesState();
  if (missing.length === 0 && leftovers.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (missing.length === 0 && !isRoot) return; // The left-over is root's to remove; nothing of ours needs it gone.
  if (!isRoot) throw new SetupError(`engines are missing and this is not root. Run:\n  ${installLine(missing, false)}`);
  if (!isExecutable('/usr/bin/apt-get')) {
    throw new SetupError(`no apt-get here: install these yourself (names of Debian 12): ${missing.join(' ')}`);
  }
  if (missing.length > 0) say(`engines: installing ${missing.join(' ')} (once)`);
  const script = join(HERE, 'install-engines.mjs');
  const args = ['-w', String(LOCK_TIMEOUT_S), '-E', String(LOCK_TIMED_OUT), LOCK_FILE, process.execPath, script];
  // Its words go to stderr: stdout belongs to the task.
  const { status } = spawnSync('flock', args, { stdio: ['ignore', 2, 2] });
  if (status === LOCK_TIMED_OUT) {
    throw new SetupError(`another set-up on this machine has not ended for ${LOCK_TIMEOUT_S} s (${LOCK_FILE})`);
  }
  const left = enginesState().missing;
  if (status !== 0 || left.length > 0) {
    const lacking = left.length > 0 ? left : missing;
    throw new SetupError(`the engines could not be installed; apt's own words are above. By hand:\n  ${installLine(lacking, true)}`);
  }
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
