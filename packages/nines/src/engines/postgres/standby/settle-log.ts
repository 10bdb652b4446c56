/** What has to be true of pg_wal before a start: PostgreSQL comes up, and with all that this member ever confirmed. */
import type { Member } from '../member.ts';
import { disownTimeline, freeTimelines, walDir } from '../primary/timelines.ts';
import { readControlData } from './log/control-data.ts';
import { readWalFolder, recoveryHistory, strangeHistories } from './log/segments.ts';
import { uncover } from './uncover.ts';

/** No server runs. */
export async function settleLog(m: Member, signal: AbortSignal): Promise<void> {
  const control = await readControlData(m.layout.dataDir, m.io, signal);
  const { timeline, checkpointLsn, segmentBytes } = control;
  const folder = await readWalFolder(walDir(m.layout), { segmentBytes, fromTimeline: timeline });
  for (const strange of strangeHistories(folder, control)) {
    // Fetched by a receiver before it was refused; whoever follows that leader has to be copied anew.
    m.io.log(`this log is not on timeline ${strange}: its history is forgotten`);
    await disownTimeline(m.layout, strange);
    folder.histories.set(strange, null);
  }
  await freeTimelines(m.layout);
  const history = recoveryHistory(folder, { timeline, lsn: checkpointLsn });
  if (history !== null) await uncover(m, { ...control, folder, history }, signal);
}
