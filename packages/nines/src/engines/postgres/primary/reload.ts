/** Another setting for a primary. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { VoterSet } from '../../../failover/record.ts';
import { type LocalConnection, localConnection, withConnection } from '../connection.ts';
import { NOBODY_ACKNOWLEDGES } from '../leadership-settings.ts';
import type { Member } from '../member.ts';
import { loadedNames, loadNames } from './leadership.ts';
import { standbyNames } from './names.ts';

const POLL_MS = 1;
const TIMEOUT_MS = 2_000;

/** Every connection has the setting when this resolves; not every walsender yet (see `prove`). */
export async function reload(m: Member, setting: VoterSet, signal: AbortSignal): Promise<void> {
  const before = await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal }, loadedNames);
  if (before.term === null) throw new NinesError('E_ORDER_FAILED', 'this server is no primary');
  const names = standbyNames(setting, before.term);
  if (names !== '' && (before.names === '' || before.names === NOBODY_ACKNOWLEDGES)) await arm(m, signal);
  await loadNames(m, names, signal);
}

/**
 * From a leader without voters to one with. The checkpointer alone makes commits wait at all, in its own time (reproduced: one
 * that was stopped let a commit through under `ANY 1` without a standby). So first a setting that nothing satisfies, until
 * somebody is seen waiting.
 */
async function arm(m: Member, signal: AbortSignal): Promise<void> {
  await loadNames(m, NOBODY_ACKNOWLEDGES, signal);
  const end = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal: end }, async (watch) => {
    // A client's, or that of an attempt before this one: each probe that waits keeps a connection of the server for itself.
    if (await isSomebodyWaiting(watch)) return;
    // Its last commit goes on waiting in the server when this connection is closed, until the quorum has it: nothing is cancelled.
    const probe = localConnection(m.context, 'postgres', TIMEOUT_MS, { synchronousCommit: 'on' });
    const commits = commitUntil(end, probe);
    try {
      while (!(await isSomebodyWaiting(watch))) await delay(POLL_MS, undefined, { signal: end });
    } finally {
      probe.close();
      await commits;
    }
  });
}

async function isSomebodyWaiting(watch: LocalConnection): Promise<boolean> {
  return (await watch.query("select from pg_stat_activity where wait_event = 'SyncRep'")).length > 0;
}

/** One after the other, as long as they go through. */
async function commitUntil(end: AbortSignal, probe: ReturnType<typeof localConnection>): Promise<void> {
  try {
    while (!end.aborted) {
      await probe.query("select pg_logical_emit_message(true, 'nines', 'armed')");
      await delay(POLL_MS, undefined, { signal: end });
    }
  } catch {
    // Closed while it waited: what it was for. That nobody was seen waiting is told by the other side.
  }
}
