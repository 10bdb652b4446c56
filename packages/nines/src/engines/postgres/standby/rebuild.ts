/** The own log went another way than the leader's: a copy of the leader takes its place, and until then the old one stays. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { LogEnd } from '../../../failover/log.ts';
import type { NodeName } from '../../../failover/record.ts';
import { copyLeader } from '../clone.ts';
import { putInPlace, settleDirectories } from '../data-directory.ts';
import { readDurable, writeDurable } from '../durable/failover-file.ts';
import { otherMember } from '../group.ts';
import { endingBy, type Member } from '../member.ts';
import { endOfLog } from './end-of-log.ts';
import { refuseUnlessStandby, rest } from './fence.ts';
import { readControlData } from './log/control-data.ts';
import { startFenced } from './start-fenced.ts';
import { stopAtOnce } from './stop-at-once.ts';

/** A copy takes the disk and the network for itself: clients come first to a leader that has just begun. */
const LATER_MS = 1_000;

/**
 * The old server runs on, fenced, until the copy is complete and synced. Interrupted anywhere, the next `boot` finds the old data or
 * the new, complete. The promise stays; the copy is not the log that was tainted.
 * @throws NinesError E_DATA_FOREIGN when `leader` is not the primary of `term` in this very database; then nothing has changed.
 */
export async function rebuild(
  member: Member,
  { leader, term }: { leader: NodeName; term: number },
  signal: AbortSignal,
): Promise<{ log: LogEnd; taint: number }> {
  const m = { ...member, io: endingBy(member.io, signal) };
  const source = otherMember(m.group, m.member, leader);
  refuseUnlessStandby(m);
  await rest(m, signal);
  await delay(LATER_MS, undefined, { signal });
  await settleDirectories(m, signal);
  const { systemId } = await readControlData(m.layout.dataDir, m.io, signal);
  await copyLeader(m, source, { systemId, term });
  await stopAtOnce(m, signal);
  await putInPlace(m);
  await writeDurable(m, { ...(await readDurable(m)), taint: 0 });
  await startFenced(m, signal);
  const log = await endOfLog(m, signal);
  if (log !== null) return { log, taint: 0 };
  throw new NinesError(
    'E_START_TIMEOUT',
    `the copy of ${source.unit.name} on ${source.unit.host} runs, but the end of its log is not sure`,
  );
}
