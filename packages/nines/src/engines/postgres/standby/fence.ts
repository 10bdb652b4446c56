/** A promise to acknowledge nothing more, and where the own log ends when nothing more comes in. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NinesError } from '../../../errors/errors.ts';
import type { LogEnd } from '../../../failover/log.ts';
import { readDurable, writeDurable } from '../durable/failover-file.ts';
import { NOBODY_ACKNOWLEDGES, writeLeadershipSettings } from '../leadership-settings.ts';
import type { Member } from '../member.ts';
import { endOfLog } from './end-of-log.ts';
import { receiveNothing } from './receivers.ts';
import { startFenced } from './start-fenced.ts';
import { stopAtOnce } from './stop-at-once.ts';

export interface Fenced {
  promise: number;
  /** Null when its end is not sure. */
  log: LogEnd | null;
}

/**
 * The durable promise is `epoch`, or what it was if that is greater; then no walreceiver lives that was there before.
 * @throws NinesError E_MEMBER_BUSY when no standby runs: a primary is stopped first, and never fenced.
 */
export async function fence(m: Member, epoch: number, signal: AbortSignal): Promise<Fenced> {
  refuseUnlessStandby(m);
  const before = await readDurable(m);
  const promise = Math.max(before.promise, epoch);
  await writeDurable(m, { ...before, promise });
  await rest(m, signal);
  return { promise, log: await endOfLog(m, signal) };
}

/** Nothing is received any more; a receiver that does not end takes its server with it, and one that may be left over is looked for. */
export async function rest(m: Member, signal: AbortSignal): Promise<void> {
  try {
    await receiveNothing(m, signal);
  } catch (error) {
    signal.throwIfAborted();
    m.io.log(`${String(error)}: the server is started anew`);
    await stopAtOnce(m, signal);
    await startFenced(m, signal);
    return;
  }
  // Else the server would start one receiver after the other, each to find nobody.
  writeLeadershipSettings(m, { standbyNames: NOBODY_ACKNOWLEDGES, follows: false });
  m.server.kill('SIGHUP');
}

/** PostgreSQL removes the file before the first record of a promotion; nothing but a start makes it. */
export function refuseUnlessStandby({ server, layout, context }: Member): void {
  if (server.pid !== null && existsSync(join(layout.dataDir, 'standby.signal'))) return;
  throw new NinesError('E_MEMBER_BUSY', `${context.unit.name} is no standby now`);
}
