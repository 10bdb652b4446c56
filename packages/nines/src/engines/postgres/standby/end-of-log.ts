/** Where the log of this member ends: what is on its disk, by its last valid record, not by what a server says of itself. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { LogEnd } from '../../../failover/log.ts';
import { formatLsn, parseLsn } from '../lsn.ts';
import type { Member } from '../member.ts';
import { walDir } from '../primary/timelines.ts';
import { readControlData } from './log/control-data.ts';
import { type History, termAt } from './log/history.ts';
import { isPageOf, nothingBegins, PAGE_BYTES } from './log/page.ts';
import { type SegmentName, segmentFileName } from './log/position.ts';
import { readWalFolder, recoveryHistory, segmentsToRead, sharedSegments, type WalFolder } from './log/segments.ts';
import { describe, lastRecord } from './log/walk.ts';
import { ask } from './query.ts';
import { uncover } from './uncover.ts';

/** A walk of this length lists in a millisecond; the log up to here was replayed, so it is valid. */
const REPLAYED_BYTES = 64 * 1024;
/** What came last is replayed within milliseconds; the tool that walks takes longer to start. */
const REPLAY_PATIENCE_MS = 25;
const POLL_MS = 2;

interface Known {
  /** Begins a valid record. */
  checkpointLsn: number;
  /** From where a start would replay, at or before it. */
  redoLsn: number;
  timeline: number;
  segmentBytes: number;
  /** Everything before it was replayed; null while no server runs. */
  replayedTo: number | null;
  /** A primary that ended in order: its last record is that checkpoint. */
  isShutDown: boolean;
}

/**
 * Of a member that receives nothing: the server is down, or a fenced standby. PostgreSQL would fork exactly there if it were promoted.
 * Null when it is not sure: a history is missing, or the walk does not reach what the server has replayed.
 * @throws NinesError E_MEMBER_BUSY for a primary, whose log moves.
 */
export async function endOfLog(m: Member, signal: AbortSignal): Promise<LogEnd | null> {
  const startedAt = performance.now();
  for (;;) {
    const known = m.server.pid === null ? await askControlFile(m, signal) : await askServer(m, signal);
    const isPatient = known.replayedTo !== null && performance.now() - startedAt < REPLAY_PATIENCE_MS;
    const found = await endByKnown(m, known, isPatient, signal);
    if (found !== 'perhaps more') return found;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Behind the end of a log, up to the end of a file of pg_wal. */
export interface HalfRecord {
  /** Of the log before it. */
  term: number;
  lsn: number;
  file: string;
  offsetBytes: number;
  bytes: number;
}

/**
 * The begin of a record that goes on in the next segment, behind the end of the log of a fenced standby. Null: there is none for certain,
 * or where the log ends is not sure.
 */
export async function halfRecord(m: Member, signal: AbortSignal): Promise<HalfRecord | null> {
  const known = await askServer(m, signal);
  const { folder, history } = await look(m, known);
  if (history === null) return null;
  const sight = { m, known, folder, history, signal };
  // One look, and nothing else in nearly every case: the leader that is to be followed waits for it.
  if ((await lastPageBehind(sight, known.replayedTo ?? 0)) === null || (await replayedEnd(sight)) !== null) return null;
  const log = await endOfLog(m, signal);
  const behind = log === null ? null : await lastPageBehind(sight, log.lsn);
  return log === null || behind === null ? null : { ...log, ...behind };
}

/** The rest of the file that this position lies in, if all its pages were written: they come in order. */
async function lastPageBehind(
  { m, known: { segmentBytes }, folder, history }: Sight,
  lsn: number,
): Promise<Pick<HalfRecord, 'file' | 'offsetBytes' | 'bytes'> | null> {
  const [segment] = segmentsToRead(folder, history, lsn, segmentBytes);
  const offsetBytes = lsn % segmentBytes;
  const bytes = segmentBytes - offsetBytes;
  const lastLsn = lsn + bytes - 1;
  if (segment === undefined || !isPageOf(lastLsn, await readPage(m, segment, lastLsn, segmentBytes))) return null;
  return { file: segmentFileName(segment, segmentBytes), offsetBytes, bytes };
}

async function askControlFile(m: Member, signal: AbortSignal): Promise<Known> {
  const { state, ...control } = await readControlData(m.layout.dataDir, m.io, signal);
  return { ...control, replayedTo: null, isShutDown: state === 'shut down' };
}

/** @param isPatient the server is still replaying, it may be: a moment later no walk is needed. */
async function endByKnown(m: Member, known: Known, isPatient: boolean, signal: AbortSignal): Promise<LogEnd | null | 'perhaps more'> {
  const { folder, history } = await look(m, known);
  const sight: Sight = { m, known, folder, history: history ?? [], signal };
  try {
    if (history === null) throw new Error(`no history leads on from timeline ${known.timeline}`);
    const simple = known.isShutDown ? await shutDownEnd(sight) : await replayedEnd(sight);
    if (simple === null && isPatient) return 'perhaps more';
    return simple ?? (await walkedEnd({ ...sight, folder: await uncover(m, { ...known, folder, history }, signal) }));
  } catch (error) {
    signal.throwIfAborted();
    m.io.log(`the end of the log is not sure: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function look(m: Member, { timeline, checkpointLsn, segmentBytes }: Known): Promise<{ folder: WalFolder; history: History | null }> {
  const folder = await readWalFolder(walDir(m.layout), { segmentBytes, fromTimeline: timeline });
  return { folder, history: recoveryHistory(folder, { timeline, lsn: checkpointLsn }) };
}

interface Sight {
  m: Member;
  known: Known;
  folder: WalFolder;
  history: History;
  signal: AbortSignal;
}

/** All was replayed, and it is certain that nothing follows: no tool has to be started. Null: perhaps something does. */
async function replayedEnd({ m, known: { replayedTo, segmentBytes }, folder, history }: Sight): Promise<LogEnd | null> {
  if (replayedTo === null) return null;
  // A byte before: the position itself may be the first of a segment that is not there.
  const segments = segmentsToRead(folder, history, replayedTo - 1, segmentBytes);
  const [file] = segments;
  const next = segments.find(({ segment }) => segment === Math.floor(replayedTo / segmentBytes));
  if (file === undefined) return null;
  // A copy that was only begun is no proof that nothing follows.
  const mayBeBegun = sharedSegments(folder, history, replayedTo - 1, segmentBytes).some(({ segment }) => segment === file.segment);
  if (mayBeBegun && !isPageOf(replayedTo - 1, await readPage(m, file, replayedTo - 1, segmentBytes))) return null;
  const page = next === undefined ? null : await readPage(m, next, replayedTo, segmentBytes);
  return nothingBegins(replayedTo, page, segmentBytes) ? { term: termAt(history, file.timeline, replayedTo - 1), lsn: replayedTo } : null;
}

/** Behind the checkpoint of an ordered end, if it is certain that nothing follows it there. */
async function shutDownEnd({ m, known: { checkpointLsn, segmentBytes }, folder, history, signal }: Sight): Promise<LogEnd | null> {
  const segments = segmentsToRead(folder, history, checkpointLsn, segmentBytes);
  const { begin, end, fileTimeline } = await describe({ member: m, segments, segmentBytes, signal }, checkpointLsn);
  const file = segments.find(({ segment }) => segment === Math.floor(end / segmentBytes));
  const page = file === undefined ? null : await readPage(m, file, end, segmentBytes);
  return nothingBegins(end, page, segmentBytes) ? { term: termAt(history, fileTimeline, begin), lsn: end } : null;
}

async function walkedEnd({ m, known, folder, history, signal }: Sight): Promise<LogEnd> {
  const { checkpointLsn, segmentBytes, replayedTo } = known;
  // A record longer than the stretch may begin before it: then once more, from the checkpoint.
  const starts = [Math.max(checkpointLsn, (replayedTo ?? 0) - REPLAYED_BYTES), checkpointLsn];
  for (const from of new Set(starts)) {
    const segments = segmentsToRead(folder, history, from, segmentBytes);
    const last = await lastRecord({ member: m, segments, segmentBytes, signal }, from);
    if (last === null) continue;
    if (replayedTo !== null && last.end < replayedTo) {
      throw new Error(`the walk ended at ${formatLsn(last.end)}, but ${formatLsn(replayedTo)} was replayed`);
    }
    return { term: termAt(history, last.fileTimeline, last.begin), lsn: last.end };
  }
  throw new Error(`no valid record was found from ${formatLsn(checkpointLsn)} on`);
}

async function readPage({ layout }: Member, segment: SegmentName, lsn: number, segmentBytes: number): Promise<Buffer> {
  const handle = await open(join(walDir(layout), segmentFileName(segment, segmentBytes)), 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, (lsn - (lsn % PAGE_BYTES)) % segmentBytes);
    if (bytesRead !== PAGE_BYTES) throw new Error(`the segment with ${formatLsn(lsn)} is shorter than it should be`);
    return buffer;
  } finally {
    await handle.close();
  }
}

async function askServer(m: Member, signal: AbortSignal): Promise<Known> {
  const [answer] = await ask<{
    standby: boolean;
    checkpoint: string;
    redo: string;
    timeline: number;
    segmentBytes: number;
    replayed: string | null;
  }>(
    m,
    `select pg_is_in_recovery() as "standby", checkpoint_lsn::text as "checkpoint", redo_lsn::text as "redo", timeline_id as "timeline",
      (select setting::int from pg_settings where name = 'wal_segment_size') as "segmentBytes", pg_last_wal_replay_lsn()::text as "replayed"
      from pg_control_checkpoint()`,
    signal,
  );
  if (answer === undefined)
    throw new NinesError('E_UNREACHABLE', `${m.context.unit.name} answered nothing to the question where its log ends`);
  if (!answer.standby) throw new NinesError('E_MEMBER_BUSY', `${m.context.unit.name} is a running primary: its log has no end`);
  return {
    checkpointLsn: parseLsn(answer.checkpoint),
    redoLsn: parseLsn(answer.redo),
    timeline: answer.timeline,
    segmentBytes: answer.segmentBytes,
    replayedTo: answer.replayed === null ? null : parseLsn(answer.replayed),
    isShutDown: false,
  };
}
