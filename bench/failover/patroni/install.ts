/** Patroni from Debian's packages, when this is root and it is missing. None of Debian's own services is started. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { holdServices, switchOff } from '../../../scripts/setup/debian-services.mjs';
import { SetupError } from '../../../scripts/setup/setup-error.mjs';

export const PATRONI = '/usr/bin/patroni';
const ETCD_CLIENT = '/usr/lib/python3/dist-packages/etcd/__init__.py';
const PACKAGES = ['patroni', 'python3-etcd'];
const SERVICES = ['patroni'];
const BY_HAND = `apt-get install -y --no-install-recommends ${PACKAGES.join(' ')}`;

/** @throws SetupError with the line to run, when it is missing and cannot be installed. */
export function ensurePatroni(say: (line: string) => void): void {
  if (isInstalled()) return;
  if (process.getuid?.() !== 0) throw new SetupError(`Patroni is missing and this is not root. Run:\n  sudo ${BY_HAND}`);
  say(`installing ${PACKAGES.join(' ')} (once)`);
  const { ownPolicy, release } = holdServices(SERVICES);
  try {
    const options = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold'];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
    const apt = (...words: string[]) => spawnSync('apt-get', [...words, ...options], { env, stdio: ['ignore', 'ignore', 2] }).status === 0;
    const install = () => apt('install', '-y', '--no-install-recommends', ...PACKAGES);
    // An old index names versions that the mirror no longer has.
    if (!install() && !(apt('update') && install())) throw new SetupError(`Patroni could not be installed. By hand:\n  ${BY_HAND}`);
    switchOff(SERVICES, ownPolicy);
  } finally {
    release();
  }
  if (!isInstalled()) throw new SetupError(`apt-get installed no ${PATRONI}. By hand:\n  ${BY_HAND}`);
}

function isInstalled(): boolean {
  return existsSync(PATRONI) && existsSync(ETCD_CLIENT);
}
