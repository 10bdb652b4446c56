/** What a killed postmaster leaves: children that still work in its data folder, and lock files that name its pid. */
import { readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import type { EngineIo } from '../engine.ts';
import type { PostgresLayout } from './layout.ts';

const POLL_MS = 10;
/** Idle children end by themselves when their postmaster is gone; one in the middle of a query would finish it first. */
const GRACE_MS = 100;
const LIMIT_MS = 5_000;

/** Processes whose working directory is `dataDir`: every PostgreSQL process changes to its PGDATA at its start. */
export async function processesIn(dataDir: string): Promise<number[]> {
  const entries = await readdir('/proc');
  const found = await Promise.all(
    entries.map(async (entry) => {
      const pid = Number(entry);
      if (!Number.isInteger(pid)) return null;
      // Unreadable means that it ended, or is a zombie: neither holds the data.
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null);
      return folder === dataDir ? pid : null;
    }),
  );
  return found.filter((pid) => pid !== null);
}

/**
 * Makes sure that nobody works in PGDATA, then removes its stale lock files. PostgreSQL refuses to start while an old
 * backend is attached, and after a restart of the host a lock file's pid may belong to another server of the same user.
 * @throws NinesError E_START_TIMEOUT when a process does not end even when killed (it hangs in the kernel).
 */
export async function clearLeftovers(layout: PostgresLayout, port: number, io: EngineIo): Promise<void> {
  const startedAt = performance.now();
  let left = await processesIn(layout.dataDir);
  if (left.length > 0) io.log(`waiting for ${left.length} processes of the last postmaster`);
  while (left.length > 0) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > LIMIT_MS) {
      throw new NinesError('E_START_TIMEOUT', `processes ${left.join(', ')} still work in ${layout.dataDir} and do not end when killed`);
    }
    if (waitedMs > GRACE_MS) left.forEach(kill);
    await delay(POLL_MS, undefined, { signal: io.signal });
    left = await processesIn(layout.dataDir);
  }
  const socketFile = join(layout.socketDir, `.s.PGSQL.${port}`);
  for (const file of [join(layout.dataDir, 'postmaster.pid'), socketFile, `${socketFile}.lock`]) await rm(file, { force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
