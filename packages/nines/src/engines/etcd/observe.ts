import { openMember } from '../../store/member-client.ts';
import type { EngineIo, Observation, UnitContext } from '../engine.ts';
import { readTls } from './prepare.ts';
import { hostOf } from './render.ts';

/** A healthy member answers in a few ms; what takes longer than this is of no use to a caller. */
const STATUS_TIMEOUT_MS = 600;
const READ_TIMEOUT_MS = 600;
const CLIENT = 'etcd';

/** Ready: it knows a leader, the cluster agrees on a read through it, and it takes writes. */
export async function observeEtcd(context: UnitContext, io: EngineIo): Promise<Observation> {
  const { clientPort, peerPort } = context.spec.topology.etcd;
  const { address } = hostOf(context.spec, context.unit.host);
  const within = (timeoutMs: number) => AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]);
  const member = io.keep(CLIENT, () => openMember(`https://${address}:${clientPort}`, readTls(context)));
  let status: Awaited<ReturnType<typeof member.status>>;
  try {
    status = await member.status(within(STATUS_TIMEOUT_MS));
  } catch (error) {
    // A member that starts without a quorum serves its peers alone; to restart it would not help.
    const live = await member.answersPeers(peerPort, within(STATUS_TIMEOUT_MS));
    io.drop(CLIENT);
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ready: false,
      live,
      waitsForOthers: live,
      reason: live ? `waits for the other members: ${reason}` : `does not answer: ${reason}`,
    };
  }
  const role = status.leaderId === status.memberId ? 'leader' : 'follower';
  const details = {
    term: Number(status.raftTerm),
    databaseBytes: status.databaseBytes,
    databaseUsedBytes: status.databaseUsedBytes,
    memberId: status.memberId,
  };
  if (status.leaderId === '0')
    return { ready: false, live: true, waitsForOthers: true, role: 'follower', reason: 'knows no leader', details };
  if (status.errors.some((text) => text.includes('NOSPACE'))) {
    return { ready: false, live: true, role, reason: 'its database is full: it takes no writes', details };
  }
  try {
    await member.readLinearizable(within(READ_TIMEOUT_MS));
  } catch {
    return {
      ready: false,
      live: true,
      waitsForOthers: true,
      role,
      reason: `the cluster did not agree on a read within ${READ_TIMEOUT_MS} ms`,
      details,
    };
  }
  return { ready: true, live: true, role, reason: role === 'leader' ? 'leads and reads' : 'follows and reads', details };
}
