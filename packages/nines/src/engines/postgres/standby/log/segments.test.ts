import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseHistory } from './history.ts';
import {
  readWalFolder,
  recoveryHistory,
  segmentsToRead,
  sharedSegments,
  strangeHistories,
  withoutFiles,
  type WalFolder,
} from './segments.ts';

const SEGMENT_BYTES = 0x1000000;

function folder(segments: Record<number, number[]>, histories: Record<number, string>): WalFolder {
  return {
    timelinesOf: new Map(Object.entries(segments).map(([segment, timelines]) => [Number(segment), timelines])),
    histories: new Map([1, ...Object.keys(histories).map(Number)].map((each) => [each, parseHistory(each, histories[each] ?? '')])),
  };
}

const TWO = '1\t0/3000100\tx\n';

describe('segmentsToRead', () => {
  it('takes the newest timeline that had begun, from one segment to the next without a gap', () => {
    const wal = folder({ 2: [1], 3: [1, 2], 4: [1, 2], 6: [2] }, { 2: TWO });
    expect(segmentsToRead(wal, wal.histories.get(2)!, 0x2000050, SEGMENT_BYTES)).toEqual([
      { timeline: 1, segment: 2 },
      { timeline: 2, segment: 3 },
      { timeline: 2, segment: 4 },
    ]);
    expect(segmentsToRead(wal, wal.histories.get(1)!, 0x3000000, SEGMENT_BYTES).map(({ timeline }) => timeline)).toEqual([1, 1]);
  });

  it('never goes back to an older timeline, and knows nothing of those outside the history', () => {
    const wal = folder({ 3: [2], 4: [1], 5: [9] }, { 2: TWO });
    expect(segmentsToRead(wal, wal.histories.get(2)!, 0x3000000, SEGMENT_BYTES)).toEqual([{ timeline: 2, segment: 3 }]);
    expect(segmentsToRead(wal, wal.histories.get(2)!, 0x5000000, SEGMENT_BYTES)).toEqual([]);
  });
});

describe('sharedSegments', () => {
  const shared = (segments: Record<number, number[]>, from = 0x2000050, histories: Record<number, string> = { 2: TWO }) => {
    const wal = folder(segments, histories);
    return sharedSegments(wal, [...wal.histories.values()].at(-1)!, from, SEGMENT_BYTES);
  };
  const three = { timeline: 2, segment: 3, fork: 0x3000100 };

  it('are those in which a timeline begins and an older one is there, whatever files follow', () => {
    expect(shared({ 2: [1], 3: [1, 2] })).toEqual([three]);
    expect(shared({ 2: [1], 3: [1, 2] }, 0x3000150)).toEqual([three]);
    // A recycled file of the old timeline, made ahead; a file of the new one that came without the one before.
    expect(shared({ 2: [1], 3: [1, 2], 4: [1] })).toEqual([three]);
    expect(shared({ 2: [1], 3: [1, 2], 4: [2] })).toEqual([three]);
  });

  it('are several when several timelines begin in one segment', () => {
    const histories = { 2: TWO, 3: `${TWO}2\t0/3000200\tx\n` };
    expect(shared({ 3: [1, 2, 3] }, 0x3000000, histories)).toEqual([three, { timeline: 3, segment: 3, fork: 0x3000200 }]);
    expect(shared({ 3: [1, 3] }, 0x3000000, histories)).toEqual([{ timeline: 3, segment: 3, fork: 0x3000200 }]);
  });

  it('are none when only one timeline has it, or all that is needed lies behind it', () => {
    expect(shared({ 2: [1], 3: [2] })).toEqual([]);
    expect(shared({ 2: [1, 2], 3: [1] })).toEqual([]);
    expect(shared({ 2: [1], 3: [1, 2], 4: [2] }, 0x4000000)).toEqual([]);
    expect(shared({})).toEqual([]);
  });

  it('are read from another file without some', () => {
    const wal = withoutFiles(folder({ 2: [1], 3: [1, 2], 4: [2] }, { 2: TWO }), 3, (timeline) => timeline === 2);
    expect(segmentsToRead(wal, wal.histories.get(2)!, 0x2000000, SEGMENT_BYTES).map(({ timeline }) => timeline)).toEqual([1, 1, 2]);
  });
});

describe('recoveryHistory', () => {
  it('is the newest one that goes on from the known record', () => {
    const wal = folder({}, { 2: TWO, 3: '1\t0/3000100\tx\n2\t0/4000000\tx\n' });
    expect(recoveryHistory(wal, { timeline: 1, lsn: 0x2000000 })).toBe(wal.histories.get(3));
    // Behind the fork: this log went on where the others left it.
    expect(recoveryHistory(wal, { timeline: 1, lsn: 0x3000100 })).toBe(wal.histories.get(1));
  });

  it('passes over numbers that are only kept taken, stops at the first that is missing, and may be none', () => {
    const wal = folder({}, { 2: TWO, 3: '# kept taken\n', 5: '1\t0/3000100\tx\n' });
    expect(recoveryHistory(wal, { timeline: 1, lsn: 0x2000000 })).toBe(wal.histories.get(2));
    expect(recoveryHistory(wal, { timeline: 4, lsn: 0x2000000 })).toBeNull();
    expect(recoveryHistory(wal, { timeline: 3, lsn: 0x2000000 })).toBeNull();
  });
});

it('a history is strange when the checkpoint is not on it, or what a standby needs', () => {
  const wal = folder({}, { 2: TWO, 3: '1\t0/3000100\tx\n2\t0/4000000\tx\n', 4: '# kept taken\n' });
  const none = { neededLsn: 0, neededTimeline: 0 };
  expect(strangeHistories(wal, { checkpointLsn: 0x3000080, timeline: 1, ...none })).toEqual([]);
  expect(strangeHistories(wal, { checkpointLsn: 0x3000100, timeline: 1, ...none })).toEqual([2, 3]);
  expect(strangeHistories(wal, { checkpointLsn: 0x4000000, timeline: 2, ...none })).toEqual([3]);
  const checkpoint = { checkpointLsn: 0x3000080, timeline: 1 };
  // It ends at the fork: all before it is the parent's.
  expect(strangeHistories(wal, { ...checkpoint, neededLsn: 0x3000100, neededTimeline: 1 })).toEqual([]);
  expect(strangeHistories(wal, { ...checkpoint, neededLsn: 0x3000108, neededTimeline: 1 })).toEqual([2, 3]);
  expect(strangeHistories(wal, { ...checkpoint, neededLsn: 0x4000008, neededTimeline: 2 })).toEqual([3]);
});

it('reads what is in the folder, and nothing else', async () => {
  const path = await mkdtemp(join(tmpdir(), 'nines-wal-'));
  try {
    for (const name of ['000000010000000000000002', '000000020000000000000002', '000000010000000000000001.partial', 'x']) {
      await writeFile(join(path, name), '');
    }
    // Those of timelines before the checkpoint's stay for ever: a look that read them all would take longer with each failover.
    await mkdir(join(path, '00000001.history'));
    await writeFile(join(path, '00000002.history'), TWO);
    const found = await readWalFolder(path, { segmentBytes: SEGMENT_BYTES, fromTimeline: 2 });
    expect([...found.timelinesOf.entries()].map(([segment, timelines]) => [segment, timelines.toSorted()])).toEqual([[2, [1, 2]]]);
    expect([...found.histories.keys()]).toEqual([1, 2]);
  } finally {
    await rm(path, { recursive: true });
  }
});
