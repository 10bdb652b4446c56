/** What a killed postmaster leaves: children that still work in its data folder, and lock files that name its pid. */
import { readdir, readlink, realpath, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import type { EngineIo } from '../engine.ts';
import type { PostgresLayout } from './layout.ts';
import { signalIfThere } from './primary/server-children.ts';

const POLL_MS = 10;
/** Idle children end by themselves when their postmaster is gone; one in the middle of a query would finish it first. */
const GRACE_MS = 100;
const LIMIT_MS = 5_000;
const TOOLS: ReadonlySet<string> = new Set(['initdb', 'pg_basebackup', 'pg_waldump', 'pg_controldata', 'rm', 'setpriv']);

/** Processes whose working directory is `dataDir`: every PostgreSQL process changes to its PGDATA at its start. */
export async function processesIn(dataDir: string): Promise<number[]> {
  // The kernel names the folder itself, whatever links lead to it.
  const realDir = await realpath(dataDir).catch(() => dataDir);
  const entries = await readdir('/proc');
  const found = await Promise.all(
    entries.map(async (entry) => {
      const pid = Number(entry);
      if (!Number.isInteger(pid)) return null;
      // Unreadable means that it ended, or is a zombie: neither holds the data.
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null);
      return folder === realDir ? pid : null;
    }),
  );
  return found.filter((pid) => pid !== null);
}

/**
 * Makes sure that nobody works in PGDATA, then removes its stale lock files. PostgreSQL refuses to start while an old
 * backend is attached, and after a restart of the host a lock file's pid may belong to another server of the same user.
 * @throws NinesError E_START_TIMEOUT when a process does not end even when killed (it hangs in the kernel).
 */
export async function clearLeftovers(
  layout: PostgresLayout,
  port: number,
  { signal, log }: Pick<EngineIo, 'signal' | 'log'>,
): Promise<void> {
  const startedAt = performance.now();
  let left = await processesIn(layout.dataDir);
  if (left.length > 0) log(`waiting for ${left.length} processes of the last postmaster`);
  while (left.length > 0) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > LIMIT_MS) {
      throw new NinesError('E_START_TIMEOUT', `processes ${left.join(', ')} still work in ${layout.dataDir} and do not end when killed`);
    }
    if (waitedMs > GRACE_MS) for (const pid of left) signalIfThere(pid, 'SIGKILL');
    await delay(POLL_MS, undefined, { signal });
    left = await processesIn(layout.dataDir);
  }
  const socketFile = join(layout.socketDir, `.s.PGSQL.${port}`);
  for (const file of [join(layout.dataDir, 'postmaster.pid'), socketFile, `${socketFile}.lock`]) await rm(file, { force: true });
}

/** Of a server that does not end when it is told to; its postmaster is not spared. */
export async function killProcessesIn(dataDir: string): Promise<void> {
  for (const pid of await processesIn(dataDir)) signalIfThere(pid, 'SIGKILL');
}

/**
 * Tools that an earlier agent started and that outlived it (it was killed before the kernel could be told to end them with
 * it): they work in the unit's folder. None of them may go on beside a new one.
 * @throws NinesError E_START_TIMEOUT when one does not end even when killed.
 */
export async function endTools(layout: PostgresLayout, { signal, log }: Pick<EngineIo, 'signal' | 'log'>): Promise<void> {
  const startedAt = performance.now();
  const tools = async () => {
    const found = await processesIn(layout.unitDir);
    const isTool = await Promise.all(found.map(async (pid) => TOOLS.has(basename(await readlink(`/proc/${pid}/exe`).catch(() => '')))));
    return found.filter((_, at) => isTool[at]);
  };
  let left = await tools();
  if (left.length > 0) log(`ending what an earlier agent left at work: ${left.join(', ')}`);
  while (left.length > 0) {
    if (performance.now() - startedAt > LIMIT_MS) {
      throw new NinesError('E_START_TIMEOUT', `processes ${left.join(', ')} still work in ${layout.unitDir} and do not end when killed`);
    }
    for (const pid of left) signalIfThere(pid, 'SIGKILL');
    await delay(POLL_MS, undefined, { signal });
    left = await tools();
  }
}
