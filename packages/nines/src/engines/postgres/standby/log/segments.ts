/** Which file of pg_wal PostgreSQL reads for each segment of the log, when several timelines have one. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyFileName, timelineOfHistory } from '../../primary/history.ts';
import { together } from '../../primary/together.ts';
import type { ControlData } from './control-data.ts';
import { type History, parseHistory, timelineOfRecord } from './history.ts';
import { parseSegmentFileName, type SegmentName } from './position.ts';

export interface WalFolder {
  /** Timelines that have a segment file, by segment. */
  timelinesOf: Map<number, number[]>;
  /** By timeline, from the one on that was asked for; null: its history file is no history. */
  histories: Map<number, History | null>;
}

/**
 * @param fromTimeline of the checkpoint: what can come next is in the histories from there on. Older ones stay in pg_wal for ever, and
 * a failover that read them all would take longer with each one before it.
 */
export async function readWalFolder(folder: string, { segmentBytes, fromTimeline }: WalFolderWish): Promise<WalFolder> {
  const names = await readdir(folder);
  const timelinesOf = new Map<number, number[]>();
  for (const name of names) {
    const found = parseSegmentFileName(name, segmentBytes);
    if (found !== null) timelinesOf.set(found.segment, [...(timelinesOf.get(found.segment) ?? []), found.timeline]);
  }
  const read = async (timeline: number): Promise<[number, History | null]> => [
    timeline,
    parseHistory(timeline, await readFile(join(folder, historyFileName(timeline)), 'utf8')),
  ];
  const timelines = names.flatMap((name) => timelineOfHistory(name) ?? []).filter((timeline) => timeline >= fromTimeline);
  return { timelinesOf, histories: new Map([[1, parseHistory(1, '')], ...(await together(...timelines.map(read)))]) };
}

export interface WalFolderWish {
  segmentBytes: number;
  fromTimeline: number;
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
 * Newer timelines on which this log is not. PostgreSQL takes the newest number for its future and does not start when what it has is not
 * on that line. Pure.
 */
export function strangeHistories(
  { histories }: WalFolder,
  control: Pick<ControlData, 'checkpointLsn' | 'timeline' | 'neededLsn' | 'neededTimeline'>,
): number[] {
  const { checkpointLsn, timeline, neededLsn, neededTimeline } = control;
  const isOwn = (history: History): boolean =>
    timelineOfRecord(history, checkpointLsn) === timeline &&
    (neededLsn === 0 || timelineOfRecord(history, neededLsn - 1) === neededTimeline);
  return [...histories]
    .flatMap(([each, history]) => (each > timeline && history !== null && !isOwn(history) ? [each] : []))
    .toSorted((a, b) => a - b);
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

/** A segment in which a timeline begins, of which an older timeline has a file, too. */
export interface SharedSegment {
  segment: number;
  timeline: number;
  /** Where it begins, in this segment. */
  fork: number;
}

/**
 * Segments that PostgreSQL may read from a copy that was only begun: a receiver is sent a new timeline from the begin of the segment
 * on in which it forked, and until the copy has come to the fork, it may have less of the log than the older timeline's file. By
 * timeline; only those that hold something at or behind `from`. Pure.
 */
export function sharedSegments(folder: WalFolder, history: History, from: number, segmentBytes: number): SharedSegment[] {
  return history.slice(1).flatMap(({ timeline, begin }) => {
    const segment = Math.floor(begin / segmentBytes);
    const timelines = folder.timelinesOf.get(segment) ?? [];
    const isShared =
      timelines.includes(timeline) && history.some((older) => older.timeline < timeline && timelines.includes(older.timeline));
    return isShared && segment >= Math.floor(from / segmentBytes) ? [{ segment, timeline, fork: begin }] : [];
  });
}

/** As it would be without the files that these timelines have of one segment. Pure. */
export function withoutFiles({ timelinesOf, histories }: WalFolder, segment: number, without: (timeline: number) => boolean): WalFolder {
  const left = (timelinesOf.get(segment) ?? []).filter((timeline) => !without(timeline));
  return { timelinesOf: new Map(timelinesOf).set(segment, left), histories };
}
