/** What has to be true of pg_wal before a start: PostgreSQL comes up, and with all that this member ever confirmed. */
import { replaceFile } from '../../durable-file.ts';
import type { Member } from '../member.ts';
import { FOREIGN_HISTORY } from '../primary/history.ts';
import { freeTimelines, historyFile, walDir } from '../primary/timelines.ts';
import { readControlData } from './log/control-data.ts';
import { readWalFolder, recoveryHistory, strangeHistories } from './log/segments.ts';
import { uncover } from './uncover.ts';

/** No server runs. */
export async function settleLog(m: Member, signal: AbortSignal): Promise<void> {
  const control = await readControlData(m.layout.dataDir, m.io, signal);
  const { timeline, checkpointLsn, segmentBytes } = control;
  // Fetched by a receiver before it was refused; whoever follows that leader has to be copied anew.
  for (const strange of strangeHistories(await readWalFolder(walDir(m.layout), segmentBytes), control)) {
    m.io.log(`this log is not on timeline ${strange}: its history is forgotten`);
    await replaceFile(historyFile(m.layout, strange), FOREIGN_HISTORY, 0o600);
  }
  await freeTimelines(m.layout);
  const folder = await readWalFolder(walDir(m.layout), segmentBytes);
  const history = recoveryHistory(folder, { timeline, lsn: checkpointLsn });
  if (history !== null) await uncover(m, { ...control, folder, history }, signal);
}
