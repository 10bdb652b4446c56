/** Walks a log to its last valid record: pg_waldump through a folder of links that shows the segments as PostgreSQL reads them. */
import { mkdir, open, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../../../../errors/errors.ts';
import type { Member } from '../../member.ts';
import { WALDUMP_BINARY } from '../../layout.ts';
import { POSTGRES_USER } from '../../plan.ts';
import { formatLsn, parseLsn } from '../../lsn.ts';
import { endOfRecord, parseRecordHead, RECORD_HEAD_BYTES, type SegmentName, segmentFileName, stretchesOf } from './position.ts';

const TIMEOUT_MS = 60_000;

export interface Walk {
  member: Member;
  /** Consecutive. */
  segments: SegmentName[];
  segmentBytes: number;
  signal: AbortSignal;
}

export interface LastRecord {
  begin: number;
  end: number;
  /** Of the file that it begins in. */
  fileTimeline: number;
}

/** The last valid record at or after `from`; null when there is none. Rejects when the tool fails. */
export async function lastRecord(walk: Walk, from: number): Promise<LastRecord | null> {
  if (walk.segments.length === 0) return null;
  const view = await makeView(walk);
  try {
    const begin = await walkQuietly(walk, from);
    return begin === null ? null : await describe(walk, begin);
  } finally {
    await rm(view, { recursive: true, force: true });
  }
}

/**
 * pg_waldump reads one timeline's files. Under one timeline's names it reads what PostgreSQL would, through every switch. The
 * folder is ours, on tmpfs, and not the unit's: its user could put a link in our way.
 */
async function makeView({ member, segments, segmentBytes }: Walk): Promise<string> {
  const view = member.layout.walViewDir;
  await rm(view, { recursive: true, force: true });
  await mkdir(view, { mode: 0o755 });
  for (const segment of segments) {
    const file = join(member.layout.dataDir, 'pg_wal', segmentFileName(segment, segmentBytes));
    await symlink(file, join(view, viewName(segment.segment, segmentBytes)));
  }
  // Without a record to fail at, the tool would not say which one was the last: behind the last file stands an empty one.
  await writeFile(join(view, viewName(behind(segments), segmentBytes)), '');
  await truncate(join(view, viewName(behind(segments), segmentBytes)), segmentBytes);
  return view;
}

const behind = (segments: SegmentName[]): number => (segments.at(-1)?.segment ?? -1) + 1;

function viewName(segment: number, segmentBytes: number): string {
  return segmentFileName({ timeline: 1, segment }, segmentBytes);
}

/** Where the last valid record begins; null: no valid one was found at all. */
async function walkQuietly({ member, segments, segmentBytes, signal }: Walk, from: number): Promise<number | null> {
  const [first, last] = [Math.floor(from / segmentBytes), behind(segments)].map((segment) => viewName(segment, segmentBytes));
  const argv = [WALDUMP_BINARY, '--quiet', '-p', member.layout.walViewDir, '-s', formatLsn(from), first!, last!];
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const words = await member.io.run(argv, { user: POSTGRES_USER, cwd: member.layout.unitDir, env, timeoutMs: TIMEOUT_MS, signal }).then(
    ({ stderr }) => stderr,
    (error: unknown) => {
      const { stderr, exitCode } = error as { stderr?: string; exitCode?: number | null };
      if (stderr !== undefined && exitCode === 1) return stderr;
      throw error;
    },
  );
  const [, begin] = /error in WAL record at ([0-9A-F]+\/[0-9A-F]+): /i.exec(words) ?? [];
  if (begin !== undefined) return parseLsn(begin);
  if (/could not find a valid record after /.test(words)) return null;
  throw new NinesError('E_DATA_FOREIGN', `pg_waldump did not say where the log ends: ${words.trim()}`);
}

/** Of a valid record that begins there. */
export async function describe(walk: Walk, begin: number): Promise<LastRecord> {
  const { segments, segmentBytes } = walk;
  const head = parseRecordHead(await readLog(walk, begin, RECORD_HEAD_BYTES));
  const fileTimeline = segments[Math.floor(begin / segmentBytes) - segments[0]!.segment]!.timeline;
  return { begin, end: endOfRecord(begin, head, segmentBytes), fileTimeline };
}

async function readLog({ member, segments, segmentBytes }: Walk, lsn: number, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const stretch of stretchesOf(lsn, bytes, segmentBytes)) {
    const name = segments.find(({ segment }) => segment === Math.floor(stretch.lsn / segmentBytes));
    if (name === undefined) throw new Error(`the segment with ${formatLsn(stretch.lsn)} is not there`);
    const handle = await open(join(member.layout.dataDir, 'pg_wal', segmentFileName(name, segmentBytes)), 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(stretch.bytes), 0, stretch.bytes, stretch.lsn % segmentBytes);
      if (bytesRead !== stretch.bytes) throw new Error(`the segment with ${formatLsn(stretch.lsn)} is shorter than it should be`);
      parts.push(buffer);
    } finally {
      await handle.close();
    }
  }
  return Buffer.concat(parts);
}
