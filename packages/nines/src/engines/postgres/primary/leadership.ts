/** `synchronous_standby_names` as the server has it. */
import { setTimeout as delay } from 'node:timers/promises';
import { withConnection } from '../connection.ts';
import { writeLeadershipSettings } from '../leadership-settings.ts';
import type { Member } from '../member.ts';
import type { Queries } from '../standby/query.ts';
import { WRITTEN_TIMELINE } from './server-term.ts';

const POLL_MS = 1;
const TIMEOUT_MS = 1_000;

export interface LoadedNames {
  names: string;
  /** Timeline that the server writes on; null on a standby. */
  term: number | null;
}

/**
 * As this connection has it. That of a new one is the postmaster's: its handler has read the file and told its children to before
 * it let the connection in. An old one shows only that it has read the file itself.
 */
export async function loadedNames(connection: Queries): Promise<LoadedNames> {
  const [row] = await connection.query<LoadedNames>(
    `select current_setting('synchronous_standby_names') as names, case when pg_is_in_recovery() then null else ${WRITTEN_TIMELINE} end as term`,
  );
  return row ?? { names: '', term: null };
}

/** Loaded by the postmaster when it resolves. */
export async function loadNames(m: Member, names: string, signal: AbortSignal): Promise<void> {
  writeLeadershipSettings(m, { standbyNames: names, follows: false });
  m.server.kill('SIGHUP');
  await untilLoaded(m, names, signal);
}

export async function untilLoaded(m: Member, names: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    if ((await seeNames(m, signal)).names === names) return;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** By a new connection: as the postmaster has it. */
export async function seeNames(m: Member, signal: AbortSignal): Promise<LoadedNames> {
  const { pid } = m.server;
  const loaded = await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal }, loadedNames);
  m.knownNames.seen(loaded.names, pid);
  return loaded;
}
