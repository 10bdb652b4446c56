/** A fenced standby receives again: from one leader, under a name of one term. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresCommand } from '../../../failover/commands.ts';
import { otherMember } from '../group.ts';
import { NOBODY_ACKNOWLEDGES, writeLeadershipSettings } from '../leadership-settings.ts';
import type { Member } from '../member.ts';
import { cutHalfRecord } from './cut-half-record.ts';
import { refuseUnlessStandby } from './fence.ts';
import { forgetSiblings } from './forget-siblings.ts';
import { startupProcess } from '../primary/server-children.ts';
import { nudge } from './nudge.ts';
import { ask } from './query.ts';
import { receiveNothing, showLeader } from './receivers.ts';

type Wish = Omit<Extract<PostgresCommand, { kind: 'follow' }>, 'kind'>;

/** Nobody waits for the answer, and the new leader needs the machine more. */
const POLL_MS = 15;
const STREAM_LIMIT_MS = 150;

/**
 * Receivers of an earlier leader or term have ended before the new one is named, so none is counted under an old name. Resolves when
 * it streams, or after a moment without: the leader may not be there yet, the executor may be needed for a fence, and PostgreSQL goes on trying by itself.
 * @returns whether it streams.
 */
export async function follow(m: Member, wish: Wish, signal: AbortSignal): Promise<boolean> {
  refuseUnlessStandby(m);
  const leader = otherMember(m.group, m.member, wish.leader);
  await receiveNothing(m, signal);
  await forgetSiblings(m, wish, signal);
  await cutHalfRecord(m, wish.term, signal);
  writeLeadershipSettings(m, { standbyNames: NOBODY_ACKNOWLEDGES, follows: true });
  showLeader(m, leader, { kind: 'follow', term: wish.term, counted: wish.counted });
  m.server.kill('SIGHUP');
  const startup = m.server.pid === null ? undefined : startupProcess(m.server.pid);
  const startedAt = performance.now();
  while (performance.now() - startedAt < STREAM_LIMIT_MS) {
    await delay(POLL_MS, undefined, { signal });
    const [row] = await ask<{ streams: boolean }>(m, STREAMS, signal);
    if (row?.streams === true) return true;
    // A leader turns a receiver away that comes in the middle of its promotion.
    if (startup !== undefined) nudge(startup.pid);
  }
  return false;
}

const STREAMS = `select exists (select from pg_stat_wal_receiver where status = 'streaming') as "streams"`;
