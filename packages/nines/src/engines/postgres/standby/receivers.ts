/** Whom walreceivers find, and the end of those that found somebody else. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import { replaceVolatileFile } from '../../durable-file.ts';
import type { Member } from '../member.ts';
import type { PostgresMember } from '../group.ts';
import { isRunning, serverChildren, signalIfThere, titleOf } from '../primary/server-children.ts';
import { type ReplicationPurpose, renderServiceFile } from '../replication.ts';

const POLL_MS = 1;
/** One that runs ends within 10 ms of the signal; one that is frozen never does. */
const LIMIT_MS = 1_000;

/** libpq reads the file at each connection: no receiver that connects from now on finds anybody else. Every start writes it first. */
export function showLeader(m: Member, leader: PostgresMember, purpose: ReplicationPurpose): void {
  const { caFile } = m.context.certificate('postgres');
  const source = { leader, standby: m.member, caFile, passwordFile: m.layout.passwordFile, purpose };
  replaceVolatileFile(m.layout.serviceFile, renderServiceFile(source), 0o600);
}

export function showNobody(m: Member): void {
  replaceVolatileFile(m.layout.serviceFile, renderServiceFile(null), 0o600);
}

/**
 * Nothing is received any more when it resolves. The file first, then the processes: one that is not called a walreceiver yet, or
 * is born later, reads the file later, and ends by itself.
 * @throws NinesError E_MEMBER_BUSY when one does not end (it is frozen, or hangs in the kernel), or the postmaster has ended.
 */
export async function receiveNothing(m: Member, signal: AbortSignal): Promise<void> {
  showNobody(m);
  const startedAt = performance.now();
  let left = receivers(m);
  // Never SIGKILL: the postmaster takes a killed child for a crash and ends everything.
  for (const pid of left) signalIfThere(pid, 'SIGTERM');
  while (left.length > 0) {
    if (performance.now() - startedAt > LIMIT_MS) {
      throw new NinesError('E_MEMBER_BUSY', `walreceiver ${left.join(', ')} of ${m.context.unit.name} does not end`);
    }
    await delay(POLL_MS, undefined, { signal });
    // Only those: a look at every process of the machine takes milliseconds.
    left = left.filter((pid) => titleOf(pid).startsWith(receiverTitle(m)));
  }
}

/**
 * Process ids. A receiver calls itself so from its first moment on, before it connects.
 * @throws NinesError E_MEMBER_BUSY when the postmaster has ended: a receiver may outlive it, and is nobody's child then.
 */
export function receivers(m: Member): number[] {
  const postmaster = m.server.pid;
  const found = postmaster === null ? [] : serverChildren(postmaster);
  // Asked afterwards, and not of the agent, which is told later.
  if (postmaster === null || !isRunning(postmaster)) {
    throw new NinesError('E_MEMBER_BUSY', `the postmaster of ${m.context.unit.name} has ended: whether a walreceiver is left is not known`);
  }
  return found.flatMap(({ pid, title }) => (title.startsWith(receiverTitle(m)) ? [pid] : []));
}

const receiverTitle = ({ group, member }: Member): string => `postgres: ${group.name}/${member.replicaName}: walreceiver`;
