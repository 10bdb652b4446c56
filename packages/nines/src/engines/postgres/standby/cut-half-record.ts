/** A record of which only the part up to the end of its segment came before its leader died. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn } from '../lsn.ts';
import type { Member } from '../member.ts';
import { walDir } from '../primary/timelines.ts';
import { halfRecord } from './end-of-log.ts';
import { startFenced } from './start-fenced.ts';
import { stopAtOnce } from './stop-at-once.ts';

/**
 * A server with such a half waits for the next segment, and asks a new leader for that one. It never gets the segment in which the new
 * timeline began, confirms what lies behind the gap, and ends when it comes to it. Without the half it asks for the segment in which its log ends.
 * Of the leader of the same term the rest is what is missing. No receiver may live.
 * @throws NinesError E_START_TIMEOUT when the server does not come up again.
 */
export async function cutHalfRecord(m: Member, term: number, signal: AbortSignal): Promise<void> {
  const half = await halfRecord(m, signal);
  if (half === null || half.term === term) return;
  m.io.log(`only the begin of a record came behind ${formatLsn(half.lsn)}: it is taken away, and the server is started again`);
  await stopAtOnce(m, signal);
  const file = await open(join(walDir(m.layout), half.file), 'r+');
  try {
    await file.write(Buffer.alloc(half.bytes), 0, half.bytes, half.offsetBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await startFenced(m, signal);
}
