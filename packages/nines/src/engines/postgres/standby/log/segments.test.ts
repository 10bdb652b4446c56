import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseHistory } from './history.ts';
import { begunCopy, readWalFolder, recoveryHistory, segmentsToRead, type WalFolder } from './segments.ts';

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

describe('begunCopy', () => {
  const begun = (segments: Record<number, number[]>, from = 0x2000050) => {
    const wal = folder(segments, { 2: TWO });
    return begunCopy(wal, wal.histories.get(2)!, from, SEGMENT_BYTES);
  };

  it('is the last file, of the segment in which its timeline begins, beside an older one', () => {
    expect(begun({ 2: [1], 3: [1, 2] })).toEqual({ timeline: 2, segment: 3, fork: 0x3000100 });
    expect(begun({ 2: [1], 3: [1, 2] }, 0x3000050)).toEqual({ timeline: 2, segment: 3, fork: 0x3000100 });
  });

  it('is none when nothing else has that segment, or the log went on behind it', () => {
    expect(begun({ 2: [1], 3: [2] })).toBeNull();
    expect(begun({ 2: [1], 3: [1] })).toBeNull();
    expect(begun({ 2: [1], 3: [1, 2], 4: [1, 2] })).toBeNull();
    expect(begun({})).toBeNull();
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

it('reads what is in the folder, and nothing else', async () => {
  const path = await mkdtemp(join(tmpdir(), 'nines-wal-'));
  try {
    for (const name of ['000000010000000000000002', '000000020000000000000002', '000000010000000000000001.partial', 'x']) {
      await writeFile(join(path, name), '');
    }
    await writeFile(join(path, '00000002.history'), TWO);
    const found = await readWalFolder(path, SEGMENT_BYTES);
    expect([...found.timelinesOf.entries()].map(([segment, timelines]) => [segment, timelines.toSorted()])).toEqual([[2, [1, 2]]]);
    expect([...found.histories.keys()]).toEqual([1, 2]);
  } finally {
    await rm(path, { recursive: true });
  }
});
