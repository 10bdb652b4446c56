/** Tells the startup process to look for its leader now, and not after `wal_retrieve_retry_interval`. */
import { setTimeout as delay } from 'node:timers/promises';
import { isStartup, signalIfThere, titleOf } from '../primary/server-children.ts';

const EVERY_MS = 50;

/**
 * A SIGHUP ends its pause: it reads its settings, which are the same, and starts a receiver unless there is one. One that connects or
 * streams goes on.
 */
export function nudge(startup: number): void {
  // Once promoted it is gone, and its number may be another's.
  if (isStartup({ title: titleOf(startup) })) signalIfThere(startup, 'SIGHUP');
}

/** For a leader that comes up later than `follow` waited for it, or cut off who came while it was promoted. */
export async function keepNudging(startup: number, forMs: number, signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + forMs;
  while (performance.now() < endsAt) {
    nudge(startup);
    await delay(EVERY_MS, undefined, { signal });
  }
}
