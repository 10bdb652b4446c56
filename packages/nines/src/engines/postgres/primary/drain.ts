/** Before a clean stop: the application's sessions end between transactions, and standbys that lag are let go. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { Queries } from '../standby/query.ts';
import { walsenders, writeRecord } from './walsenders.ts';

const POLL_MS = 3;
/** A standby that streams reports within a millisecond or two; a frozen one would hold up the stop for `wal_sender_timeout`. */
const PATIENCE_MS = 50;

/**
 * New sessions are barred already. Each that is here is ended when it has no transaction open: whoever waits for the quorum goes
 * on waiting, and its client is told the truth.
 * @throws NinesError E_ORDER_FAILED when one is still busy after `limitMs`.
 */
export async function drainSessions(connection: Queries, limitMs: number, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const [left] = await connection.query<{ sessions: number }>(
      `select count(*)::int as sessions, count(case when state = 'idle' then pg_terminate_backend(pid) end)
       from pg_stat_activity where usename = 'app' and pid <> pg_backend_pid()`,
    );
    if (left?.sessions === 0) return;
    if (performance.now() - startedAt > limitMs) {
      throw new NinesError('E_ORDER_FAILED', `${left?.sessions} sessions are still in a transaction after ${limitMs} ms`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/**
 * Ends every walsender but `target` whose standby has not flushed all that is written by now.
 * @throws NinesError E_ORDER_FAILED when `target` (an application name) is not there, or has not flushed it in time either.
 */
export async function dropLaggards(connection: Queries, target: string, signal: AbortSignal): Promise<void> {
  const lsn = await writeRecord(connection, 'drain');
  const startedAt = performance.now();
  for (;;) {
    const lagging = (await walsenders(connection)).filter(({ flushLsn }) => flushLsn < lsn);
    if (lagging.length === 0) break;
    if (performance.now() - startedAt > PATIENCE_MS) {
      if (lagging.some(({ name }) => name === target)) throw new NinesError('E_ORDER_FAILED', `${target} does not keep up`);
      for (const { pid } of lagging) await connection.query('select pg_terminate_backend($1)', [pid]);
      break;
    }
    await delay(POLL_MS, undefined, { signal });
  }
  const streaming = (await walsenders(connection)).some(({ name, state }) => name === target && state === 'streaming');
  if (!streaming) throw new NinesError('E_ORDER_FAILED', `${target} does not stream`);
}
