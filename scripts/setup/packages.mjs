/**
 * npm packages: `npm ci` when node_modules is not what package-lock.json asks for, and never otherwise.
 * What npm itself recorded in node_modules/.package-lock.json is compared, so an install made by hand counts too.
 * Plain JavaScript for the machine's own Node (20 or later): it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const LOCK_TIMEOUT_S = 600;
const LOCK_TIMED_OUT = 75;

/** @param {string} root The folder of package-lock.json. @returns {string} The Node that is pinned there. */
export function pinnedNode(root) {
  return join(root, 'node_modules/.bin/node');
}

/**
 * Why `npm ci` is needed; null when it is not.
 * @param {string} root
 * @returns {string | null}
 */
export function packagesObstacle(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  if (wanted === null) throw new SetupError('package-lock.json cannot be read: is this a complete clone?');
  const installed = readLock(join(root, 'node_modules/.package-lock.json'));
  if (installed === null) return 'nothing is installed yet';
  const difference = lockDifference(wanted, installed);
  if (difference !== null) return difference;
  try {
    accessSync(pinnedNode(root), constants.X_OK);
    return null;
  } catch {
    return 'the pinned Node is not there';
  }
}

/**
 * The first package that is not installed as the lockfile says; null when all are. Optional packages may be absent:
 * they are for other platforms.
 * @param {Lock} wanted
 * @param {Lock} installed
 * @returns {string | null}
 * @typedef {Record<string, {version?: string, integrity?: string, link?: boolean, resolved?: string, optional?: boolean, devOptional?: boolean}>} Lock
 */
export function lockDifference(wanted, installed) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || !path.includes('node_modules/')) continue;
    const found = installed[path];
    const mayBeAbsent = entry.optional === true || entry.devOptional === true;
    if (found === undefined && mayBeAbsent) continue;
    if (found === undefined) return `${path} is not installed`;
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${path} has another version`;
  }
  return null;
}

/**
 * Installs when needed; two runs in one clone wait for each other. Throws SetupError when npm fails.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export function ensurePackages(root, say) {
  const obstacle = packagesObstacle(root);
  if (obstacle === null) return;
  say(`npm packages: ${obstacle}; running npm ci (once)`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  // The second of two runs looks again inside the lock: it may find the work done.
  const again = [process.execPath, join(root, 'scripts/setup/install-packages.mjs')];
  const [file, ...args] =
    process.platform === 'linux'
      ? ['flock', '-w', String(LOCK_TIMEOUT_S), '-E', String(LOCK_TIMED_OUT), join(root, '.cache/npm.lock'), ...again]
      : again;
  const { status, error } = spawnSync(/** @type {string} */ (file), args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === LOCK_TIMED_OUT) throw new SetupError(`another set-up of this clone has not ended for ${LOCK_TIMEOUT_S} s`);
  if (error !== undefined || status !== 0) {
    throw new SetupError(`npm ci failed${error === undefined ? '' : ` (${error.message})`}; its own words are above`);
  }
}

/** @param {string} file @returns {Lock | null} */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null; // Absent or half-written: both mean that it has to be installed.
  }
}
