/** First program of a host of a peer's cluster, in the place of its service manager: starts what the seed names and keeps it running. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asUser, userIds } from '../../packages/nines/src/agent/users.ts';
import { type HostSeed, SEED_FILE, type SeedProcess } from './patroni/seed.ts';

const LOGS = '/var/lib/nines/logs';
const RESTART_MS = 1_000;
const ASK_MS = 100;

const seed = JSON.parse(readFileSync(SEED_FILE, 'utf8')) as HostSeed;
await mkdir(LOGS, { recursive: true });
for (const { path, user, mode } of seed.directories) {
  await mkdir(path, { recursive: true });
  await give(path, user, mode);
}
for (const { path, content, user, mode } of seed.files) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { mode });
  await give(path, user, mode);
}
await Promise.all(seed.processes.map(keepRunning));

async function give(path: string, user: string, mode: number): Promise<void> {
  const { uid, gid } = userIds(user);
  await chown(path, uid, gid);
  await chmod(path, mode);
}

async function keepRunning(process: SeedProcess): Promise<never> {
  await untilItsTurn(process);
  const log = await open(`${LOGS}/${process.name}.log`, 'a', 0o600);
  for (;;) {
    await runOnce(process, log.fd);
    await delay(RESTART_MS);
  }
}

async function untilItsTurn({ waitFor }: SeedProcess): Promise<void> {
  if (waitFor === null || existsSync(waitFor.unlessFile)) return;
  for (;;) {
    const answer = await fetch(waitFor.url, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await delay(ASK_MS);
  }
}

function runOnce({ argv, user, env }: SeedProcess, log: number): Promise<void> {
  const [file = '', ...args] = asUser(user, argv);
  const child = spawn(file, args, {
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}
