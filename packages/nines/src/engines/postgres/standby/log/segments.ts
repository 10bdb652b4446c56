/** Which file of pg_wal PostgreSQL reads for each segment of the log, when several timelines have one. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timelineOfHistory } from '../../primary/history.ts';
import { type History, parseHistory, timelineOfRecord } from './history.ts';
import { parseSegmentFileName, type SegmentName } from './position.ts';

export interface WalFolder {
  /** Timelines that have a segment file, by segment. */
  timelinesOf: Map<number, number[]>;
  /** By timeline; null: its history file is no history. */
  histories: Map<number, History | null>;
}

export async function readWalFolder(folder: string, segmentBytes: number): Promise<WalFolder> {
  const names = await readdir(folder);
  const timelinesOf = new Map<number, number[]>();
  for (const name of names) {
    const found = parseSegmentFileName(name, segmentBytes);
    if (found !== null) timelinesOf.set(found.segment, [...(timelinesOf.get(found.segment) ?? []), found.timeline]);
  }
  const histories = new Map<number, History | null>([[1, parseHistory(1, '')]]);
  for (const name of names) {
    const timeline = timelineOfHistory(name);
    if (timeline !== null) histories.set(timeline, parseHistory(timeline, await readFile(join(folder, name), 'utf8')));
  }
  return { timelinesOf, histories };
}

/**
 * The history along which PostgreSQL recovers (`recovery_target_timeline = latest`): timelines are tried by number from the known
 * record's until one has no file, and the newest counts if it continues the log at that record. Pure.
 * @param known where a valid record begins, and its timeline. Null when not even its own history is there.
 */
export function recoveryHistory({ histories }: WalFolder, known: { timeline: number; lsn: number }): History | null {
  let newest = known.timeline;
  while (histories.has(newest + 1)) newest += 1;
  for (let timeline = newest; timeline >= known.timeline; timeline -= 1) {
    const history = histories.get(timeline) ?? null;
    if (history !== null && timelineOfRecord(history, known.lsn) === known.timeline) return history;
  }
  return null;
}

/**
 * From the segment that holds `from` on, without a gap: of each segment the file of the newest timeline that had begun by then, and
 * never an older one than before. Pure.
 */
export function segmentsToRead({ timelinesOf }: WalFolder, history: History, from: number, segmentBytes: number): SegmentName[] {
  const chosen: SegmentName[] = [];
  for (let segment = Math.floor(from / segmentBytes); ; segment += 1) {
    const eligible = history.filter(
      ({ timeline, begin }) => Math.floor(begin / segmentBytes) <= segment && timeline >= (chosen.at(-1)?.timeline ?? 0),
    );
    const found = eligible.findLast(({ timeline }) => timelinesOf.get(segment)?.includes(timeline));
    if (found === undefined) return chosen;
    chosen.push({ timeline: found.timeline, segment });
  }
}

export interface BegunCopy extends SegmentName {
  /** Where its timeline begins, in this segment. */
  fork: number;
}

/**
 * The last file to be read, when its timeline begins in that segment and an older timeline's file of it is there, too. A receiver
 * is sent a new timeline from the begin of the segment on: until the copy has come to the fork, it may have less of the log than
 * the older file, which PostgreSQL does not look at any more (it takes the newest timeline's). Pure.
 */
export function begunCopy(folder: WalFolder, history: History, from: number, segmentBytes: number): BegunCopy | null {
  const last = segmentsToRead(folder, history, from, segmentBytes).at(-1);
  const fork = history.find(({ timeline }) => timeline === last?.timeline)?.begin ?? 0;
  if (last === undefined || Math.floor(fork / segmentBytes) !== last.segment) return null;
  const older = segmentsToRead(withoutFile(folder, last), history, from, segmentBytes).at(-1);
  return older?.segment === last.segment ? { ...last, fork } : null;
}

/** Pure. */
export function withoutFile({ timelinesOf, histories }: WalFolder, { timeline, segment }: SegmentName): WalFolder {
  const left = (timelinesOf.get(segment) ?? []).filter((each) => each !== timeline);
  return { timelinesOf: new Map(timelinesOf).set(segment, left), histories };
}
