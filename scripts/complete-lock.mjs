/**
 * Run after `npm install` changed package-lock.json: `node_modules/.bin/node scripts/complete-lock.mjs`.
 *
 * Tools such as biome and oxlint come as one optional package per platform. npm leaves out of the lock file those that
 * its registry cannot give at that moment (a mirror may lack other platforms), and `npm ci` then refuses the lock file
 * as out of step. This writes them in: name, exact version, platform. On their platform npm fetches them, elsewhere it
 * passes them over, as it does with every optional package of another platform.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '..', 'package-lock.json');
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/**
 * The platform in a package's name; null when it names none.
 * @param {string} name
 */
export function platformOf(name) {
  const words = (name.split('/').at(-1) ?? '').split(/[-.]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined && cpu !== 'wasm32') return null;
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  };
}

/**
 * The packages of a lock file with those added that are wanted and missing.
 * @param {Record<string, { version?: string, dev?: boolean, optional?: boolean, cpu?: string[], libc?: string[], os?: string[], optionalDependencies?: Record<string, string> }>} packages
 */
export function completed(packages) {
  const all = { ...packages };
  for (const { dev, optionalDependencies } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
      const place = `node_modules/${name}`;
      const platform = platformOf(name);
      if (all[place] !== undefined || platform === null || !/^\d/.test(version)) continue;
      all[place] = { version, ...(dev === true ? { dev } : {}), optional: true, ...platform };
    }
  }
  return Object.fromEntries(Object.entries(all).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)));
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync(FILE, 'utf8'));
  const packages = completed(lock.packages);
  const added = Object.keys(packages).length - Object.keys(lock.packages).length;
  writeFileSync(FILE, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
  process.stdout.write(`${added} packages of other platforms were added to package-lock.json\n`);
}
