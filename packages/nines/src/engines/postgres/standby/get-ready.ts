/** What a standby has ready for the day when it leads. It changes nothing that anybody promised, and nobody waits for it. */
import { withConnection } from '../connection.ts';
import type { Member } from '../member.ts';
import { makeIdleSlots } from '../primary/slots.ts';

const TIMEOUT_MS = 5_000;

/**
 * Slots, and the cache of the application's catalogue: the first connection to a database after a start builds it, and after a
 * failover that would be those of all clients at once.
 */
export async function getReady(m: Member, signal: AbortSignal): Promise<void> {
  await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal }, (connection) => makeIdleSlots(connection, m));
  const { database } = m.group.settings;
  await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal, database }, (connection) =>
    connection.query('select from pg_class limit 1'),
  );
}
