/** Tells the startup process to look for its leader now, and not after `wal_retrieve_retry_interval`. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from '../member.ts';
import { serverChildren } from '../primary/server-children.ts';

const EVERY_MS = 50;

/** Process id; null while there is none. */
export function startupProcess(m: Member): number | null {
  if (m.server.pid === null) return null;
  return serverChildren(m.server.pid).find(({ title }) => title.startsWith(titleOf(m)))?.pid ?? null;
}

/**
 * A SIGHUP ends its pause: it reads its settings, which are the same, and starts a receiver unless there is one. One that connects or
 * streams goes on.
 */
export function nudge(m: Member, startup: number | null): void {
  if (startup === null || !isStill(m, startup)) return;
  process.kill(startup, 'SIGHUP');
}

/** For a leader that comes up later than `follow` waited for it, or cut off who came while it was promoted. */
export async function keepNudging(m: Member, forMs: number, signal: AbortSignal): Promise<void> {
  const startup = startupProcess(m);
  const endsAt = performance.now() + forMs;
  while (performance.now() < endsAt) {
    nudge(m, startup);
    await delay(EVERY_MS, undefined, { signal });
  }
}

const titleOf = ({ group, member }: Member): string => `postgres: ${group.name}/${member.replicaName}: startup`;

function isStill(m: Member, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(titleOf(m));
  } catch {
    return false; // It has ended: it was promoted, or its server is gone.
  }
}
