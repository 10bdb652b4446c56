/** Runs inside the lock of the clone: looks again, then `npm ci`. Started by packages.mjs. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagesObstacle } from './packages.mjs';

const ARGS = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];

const HERE = dirname(fileURLToPath(import.meta.url));
const root = join(HERE, '../..');
if (packagesObstacle(root) !== null) {
  // Inside `npm run`, npm tells where it is; by hand it is on PATH.
  const npm = process.env['npm_execpath'];
  const [file, args] = npm?.endsWith('.js') ? [process.execPath, [npm, ...ARGS]] : ['npm', ARGS];
  const { status } = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
