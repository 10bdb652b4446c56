/** Runs as root inside the machine's lock: looks again, installs what is missing, leaves nothing running. Started by engines.mjs. */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { holdServices, switchOff } from './debian-services.mjs';
import { enginesState, hasPackageIndex, toolTable } from './engines.mjs';

/** Another apt (unattended-upgrades, a person) holds the lock for minutes at worst. */
const APT_DEADLINE_MS = 600_000;
const APT_RETRY_MS = 3_000;
const LOCK_TIMEOUT_S = 300;

const ENV = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

// ^C reaches apt-get as well, which ends; this script stays to put the machine's files back.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => undefined);

const { missing } = enginesState();
const services = toolTable().flatMap((tool) => (missing.includes(tool.package) ? tool.services : []));
const { ownPolicy, release } = holdServices(services);
try {
  process.exitCode = missing.length === 0 ? 0 : await install(missing, ownPolicy);
} finally {
  release();
}

/**
 * @param {string[]} packages
 * @param {boolean} ownPolicy
 * @returns {Promise<number>} exit code of apt-get
 */
async function install(packages, ownPolicy) {
  const deadline = performance.now() + APT_DEADLINE_MS;
  const tools = toolTable();
  const isNew = servicesNotInstalled(tools);
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  if (!hasPackageIndex()) await apt(['update', '-q'], deadline);
  let code = await apt(args, deadline);
  if (code !== 0) {
    // An old index names versions that the mirror no longer has.
    await apt(['update', '-q'], deadline);
    code = await apt(args, deadline);
  }
  switchOff(isNew, ownPolicy);
  return code;
}

/**
 * Services of packages that are not on the machine yet: only these are ours to switch off.
 * @param {import('./engines.mjs').Tool[]} tools
 */
function servicesNotInstalled(tools) {
  // Debian's cluster service belongs to postgresql-common, which another version of PostgreSQL may have brought.
  const packageOf = (/** @type {import('./engines.mjs').Tool} */ tool) =>
    tool.package.startsWith('postgresql-') ? 'postgresql-common' : tool.package;
  return tools.filter((tool) => !isInstalled(packageOf(tool))).flatMap((tool) => tool.services);
}

/** @param {string} name */
function isInstalled(name) {
  const query = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', name], { encoding: 'utf8' });
  return query.status === 0 && query.stdout === 'installed';
}

/**
 * One call of apt-get, again while another process holds one of its locks.
 * @param {string[]} args
 * @param {number} deadline On the clock of performance.now().
 * @returns {Promise<number>}
 */
async function apt(args, deadline) {
  const options = ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`, '-o', 'Dpkg::Options::=--force-confold'];
  for (;;) {
    process.stderr.write(`  apt-get ${args.join(' ')}\n`);
    const { status, stdout, stderr } = spawnSync('apt-get', [...options, ...args], { env: ENV, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
    if (status === 0) return 0;
    const isLocked = /Could not get lock|Unable to acquire|Unable to lock/.test(stderr);
    if (!isLocked || performance.now() > deadline) {
      process.stderr.write(`${stdout.split('\n').slice(-10).join('\n')}\n${stderr}\n`);
      return status ?? 1;
    }
    await delay(APT_RETRY_MS);
  }
}
