/** Copies under a newer timeline's name that have less of the log than the older file of the segment, which they hide. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../durable-file.ts';
import { formatLsn } from '../lsn.ts';
import type { Member } from '../member.ts';
import { walDir } from '../primary/timelines.ts';
import type { History } from './log/history.ts';
import { segmentFileName } from './log/position.ts';
import { segmentsToRead, type SharedSegment, sharedSegments, type WalFolder, withoutFiles } from './log/segments.ts';
import { lastRecord } from './log/walk.ts';

export interface WalSight {
  folder: WalFolder;
  /** Along which PostgreSQL recovers. */
  history: History;
  /** From where it recovers: begins a valid record. */
  redoLsn: number;
  segmentBytes: number;
}

/**
 * PostgreSQL reads the newest timeline's file of a segment. A server that reads a copy which was only begun comes up short of what it
 * confirmed, or never, or ends when it is promoted. Such a copy is taken away: all of it is in the older file. Nothing may be received meanwhile.
 * @returns the folder as it is then.
 */
export async function uncover(m: Member, sight: WalSight, signal: AbortSignal): Promise<WalFolder> {
  let folder = sight.folder;
  for (const shared of sharedSegments(folder, sight.history, sight.redoLsn, sight.segmentBytes)) {
    const { segment, timeline } = shared;
    const ends = await endsOf(m, { ...sight, folder }, shared, signal);
    if (ends === null || ends.copy >= shared.fork || ends.older <= ends.copy) continue;
    const name = segmentFileName(shared, sight.segmentBytes);
    m.io.log(`${name} ends at ${formatLsn(ends.copy)} and hides an older file that ends at ${formatLsn(ends.older)}: it is taken away`);
    await rm(join(walDir(m.layout), name));
    await syncDirectory(walDir(m.layout));
    folder = withoutFiles(folder, segment, (each) => each === timeline);
  }
  return folder;
}

/** How far the log is valid with the copy, and with the older file instead; null when they are the same up to the fork. */
async function endsOf(
  m: Member,
  sight: WalSight,
  shared: SharedSegment,
  signal: AbortSignal,
): Promise<{ copy: number; older: number } | null> {
  const { segment, timeline, fork } = shared;
  const { folder, segmentBytes } = sight;
  const timelines = folder.timelinesOf.get(segment) ?? [];
  const older = Math.max(...timelines.filter((each) => each < timeline));
  const bytes = fork - segment * segmentBytes;
  const [one, other] = await Promise.all(
    [timeline, older].map((each) => begin(m, segmentFileName({ timeline: each, segment }, segmentBytes), bytes)),
  );
  if (one?.equals(other ?? Buffer.alloc(0)) === true) return null;
  return {
    copy: await endWithin(m, { ...sight, folder: withoutFiles(folder, segment, (each) => each > timeline) }, segment, signal),
    older: await endWithin(m, { ...sight, folder: withoutFiles(folder, segment, (each) => each >= timeline) }, segment, signal),
  };
}

async function endWithin(
  m: Member,
  { folder, history, redoLsn, segmentBytes }: WalSight,
  last: number,
  signal: AbortSignal,
): Promise<number> {
  const segments = segmentsToRead(folder, history, redoLsn, segmentBytes).filter(({ segment }) => segment <= last);
  return (await lastRecord({ member: m, segments, segmentBytes, signal }, redoLsn))?.end ?? 0;
}

async function begin(m: Member, name: string, bytes: number): Promise<Buffer> {
  const handle = await open(join(walDir(m.layout), name), 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
