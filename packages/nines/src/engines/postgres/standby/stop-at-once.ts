/** The end of a server that must not go on: nothing is written back, nobody is asked, its log is what is on disk. */
import { setTimeout as delay } from 'node:timers/promises';
import { clearLeftovers, killProcessesIn } from '../leftovers.ts';
import type { Member } from '../member.ts';
import { hangUp } from './query.ts';

/** An immediate stop takes some milliseconds; a frozen process does not answer it at all. */
const GRACE_MS = 250;
const POLL_MS = 2;

/** No process of this server lives when it resolves. Nothing when none runs. */
export async function stopAtOnce(m: Member, signal: AbortSignal): Promise<void> {
  hangUp(m);
  m.server.kill('SIGQUIT');
  const startedAt = performance.now();
  while (m.server.pid !== null) {
    if (performance.now() - startedAt > GRACE_MS) {
      m.server.kill('SIGKILL');
      await killProcessesIn(m.layout.dataDir);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  await clearLeftovers(m.layout, m.member.port, { ...m.io, signal });
}
