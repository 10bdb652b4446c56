/**
 * Debian starts services and makes a database cluster when their packages are installed. Nines uses none of them:
 * while our packages are installed this is switched off by Debian's own means, and put back afterwards.
 * What was on the machine before is neither stopped nor changed.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Asked by invoke-rc.d and deb-systemd-invoke before they start anything; exit 101 means "do not". */
export const POLICY_FILE = '/usr/sbin/policy-rc.d';
/** Read by pg_createcluster's maintainer scripts. */
export const CLUSTER_DROP_IN = '/etc/postgresql-common/createcluster.d/nines.conf';

const MARK = 'written by the set-up of nines; it is removed when the installation ends';

/** @param {string} file @returns {boolean} Whether a set-up of ours wrote it. */
export function isOurs(file) {
  try {
    return readFileSync(file, 'utf8').includes(MARK);
  } catch {
    return false;
  }
}

/**
 * Keeps Debian from starting these services, and from making a database cluster, until `release` is called.
 * Every other service is upgraded and restarted as ever. A policy that is already there is the machine's own and stays.
 * @param {string[]} services
 * @param {string} [fileRoot] Where `/` is; another folder in tests.
 * @returns {{ownPolicy: boolean, release: () => void}} ownPolicy false: the machine's own policy decided.
 */
export function holdServices(services, fileRoot = '/') {
  const policy = join(fileRoot, POLICY_FILE);
  const dropIn = join(fileRoot, CLUSTER_DROP_IN);
  const ownPolicy = !existsSync(policy) || isOurs(policy);
  const madeFolders = [dirname(dropIn), dirname(dirname(dropIn))].filter((folder) => !existsSync(folder));
  const release = () => {
    if (ownPolicy) rmSync(policy, { force: true });
    rmSync(dropIn, { force: true });
    // Debian's package may have put files of its own there in the meantime.
    for (const folder of madeFolders) if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  };
  try {
    if (ownPolicy) {
      mkdirSync(dirname(policy), { recursive: true });
      writeFileSync(policy, policyScript(services));
      chmodSync(policy, 0o755);
    }
    mkdirSync(dirname(dropIn), { recursive: true });
    writeFileSync(dropIn, `# ${MARK}\ncreate_main_cluster = false\n`);
  } catch (error) {
    release();
    throw error;
  }
  return { ownPolicy, release };
}

/** The name comes with or without '.service', and with or without an option before it. @param {string[]} services */
function policyScript(services) {
  const denied = services.length === 0 ? 'none' : services.join('|');
  return `#!/bin/sh
# ${MARK}
for word in "$@"; do
  case "\${word%.service}" in
    ${denied}) exit 101 ;;
  esac
done
exit 0
`;
}

/**
 * Services that came with packages which were not installed before: switched off for the next boot, and stopped when
 * the machine's own policy let them start.
 * @param {string[]} services
 * @param {boolean} ownPolicy
 */
export function switchOff(services, ownPolicy) {
  const hasSystemd = existsSync('/run/systemd/system');
  for (const service of services) {
    if (isExecutable('/usr/bin/systemctl')) {
      quietly('/usr/bin/systemctl', hasSystemd ? ['disable', '--now', service] : ['disable', service]);
    }
    const mayHaveStarted = !ownPolicy && !hasSystemd && allowedByPolicy(service);
    if (mayHaveStarted) quietly(`/etc/init.d/${service}`, ['stop']);
  }
}

/** @param {string} service */
function allowedByPolicy(service) {
  return spawnSync(POLICY_FILE, [service, 'start'], { stdio: 'ignore' }).status !== 101;
}

/** Best effort: a service that is not there has nothing to be switched off. @param {string} file @param {string[]} args */
function quietly(file, args) {
  if (isExecutable(file)) spawnSync(file, args, { stdio: 'ignore' });
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
