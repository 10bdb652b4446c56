/** The only way in which PostgreSQL starts: as a standby that follows nobody, whatever its files said before. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import { settleData } from '../data-directory.ts';
import { NOBODY_ACKNOWLEDGES, writeLeadershipSettings } from '../leadership-settings.ts';
import { clearLeftovers } from '../leftovers.ts';
import { parseLsn } from '../lsn.ts';
import type { Member } from '../member.ts';
import { writeAdmission } from '../primary/admission.ts';
import { startupProcess } from '../primary/server-children.ts';
import { endOfLog } from './end-of-log.ts';
import { ask, hangUp } from './query.ts';
import { showNobody } from './receivers.ts';
import { letsSessionsIn } from './server-status.ts';
import { settleLog } from './settle-log.ts';
import { Stall } from './stall.ts';
import { stopAtOnce } from './stop-at-once.ts';

const POLL_MS = 3;
/** A server that does not say that it is ready is asked all the same, this often. */
const ASK_ANYWAY_MS = 250;
/** Crash recovery replays up to max_wal_size before it lets anybody in: it has all the time that it needs, as long as it goes from segment to segment. */
const STALL_LIMIT_MS = 60_000;
/** Most starts are over by then: a look at what it replays is one at every process of the machine. */
const LONG_START_MS = 5_000;
/** A long log of its own may still be replayed behind it. */
const REPLAY_LIMIT_MS = 2_000;

/**
 * Resolves when it accepts connections and, if that takes less than two seconds, has replayed all of its log. Stops what it
 * started when it rejects.
 * @throws NinesError E_START_TIMEOUT when it does not come up; E_MEMBER_BUSY when one runs already.
 */
export async function startFenced(m: Member, signal: AbortSignal): Promise<void> {
  if (m.server.pid !== null) throw new NinesError('E_MEMBER_BUSY', `${m.context.unit.name} runs already`);
  hangUp(m);
  await clearLeftovers(m.layout, m.member.port, { ...m.io, signal });
  showNobody(m);
  writeLeadershipSettings(m, { standbyNames: NOBODY_ACKNOWLEDGES, follows: false });
  // A standby lets the application read; who promotes it bars it first.
  writeAdmission(m, true);
  await settleLog(m, signal);
  await settleData(m.layout.dataDir);
  signal.throwIfAborted();
  await m.server.spawn(signal);
  try {
    await answers(m, signal);
    await dropSlots(m, signal);
    await replayed(m, signal);
  } catch (error) {
    await stopAtOnce(m, AbortSignal.timeout(10_000));
    throw error;
  }
}

async function answers(m: Member, signal: AbortSignal): Promise<void> {
  let refusal = 'it does not say that it is ready';
  const startedAt = performance.now();
  const stall = new Stall(startedAt);
  let askedAt = startedAt;
  for (;;) {
    // Its own word is enough to ask, and without it it is asked now and then: a refusal costs it a process, just when it replays its log.
    const nowMs = performance.now();
    const isOverdue = nowMs - askedAt > ASK_ANYWAY_MS;
    if (isOverdue || (await letsSessionsIn(m.layout.dataDir, m.server.pid))) {
      askedAt = nowMs;
      const answer = await ask(m, 'select', signal).then(
        () => null,
        (error: unknown) => String(error),
      );
      if (answer === null) return;
      refusal = answer;
    }
    signal.throwIfAborted();
    if (m.server.pid === null) throw new NinesError('E_START_TIMEOUT', `${m.context.unit.name} ended while it started: see its log`);
    const isLong = isOverdue && nowMs - startedAt > LONG_START_MS;
    if (isLong && stall.lastsMs(nowMs, startupProcess(m.server.pid)?.title ?? '') > STALL_LIMIT_MS) {
      throw new NinesError('E_START_TIMEOUT', `${m.context.unit.name} let nobody in, and did nothing for ${STALL_LIMIT_MS} ms: ${refusal}`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** From an earlier life as primary: nobody moves them any more, and they would hold the log for ever. */
async function dropSlots(m: Member, signal: AbortSignal): Promise<void> {
  await ask(m, 'select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active', signal);
}

async function replayed(m: Member, signal: AbortSignal): Promise<void> {
  const end = await endOfLog(m, signal);
  const startedAt = performance.now();
  for (;;) {
    const [row] = await ask<{ replayed: string | null }>(m, 'select pg_last_wal_replay_lsn()::text as "replayed"', signal);
    if (end !== null && parseLsn(row?.replayed ?? '0/0') >= end.lsn) return;
    if (performance.now() - startedAt > REPLAY_LIMIT_MS) return m.io.log('is up, and still replays its own log');
    await delay(POLL_MS, undefined, { signal });
  }
}
