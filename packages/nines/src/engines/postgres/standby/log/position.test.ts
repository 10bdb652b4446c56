import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_BYTES, pageHeaderBytes } from './page.ts';
import { endOfRecord, parseRecordHead, parseSegmentFileName, segmentFileName, stretchesOf } from './position.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Where a record may begin: aligned, and not inside a page header. */
const anyBegin = fc
  .integer({ min: 0, max: 2 ** 45 })
  .map((number) => number * 8)
  .filter((lsn) => lsn % PAGE_BYTES >= pageHeaderBytes(lsn - (lsn % PAGE_BYTES), SEGMENT_BYTES));
const anyLength = fc.integer({ min: 24, max: 40 * 1024 * 1024 });

describe('a record', () => {
  it('lies around the headers of pages, whole', () => {
    fc.assert(
      fc.property(anyBegin, fc.integer({ min: 24, max: 100_000 }), (lsn, bytes) => {
        const stretches = stretchesOf(lsn, bytes, SEGMENT_BYTES);
        expect(stretches.reduce((sum, stretch) => sum + stretch.bytes, 0)).toBe(bytes);
        for (const [at, stretch] of stretches.entries()) {
          const page = stretch.lsn - (stretch.lsn % PAGE_BYTES);
          expect(stretch.lsn - page).toBeGreaterThanOrEqual(pageHeaderBytes(page, SEGMENT_BYTES));
          expect(stretch.lsn - page + stretch.bytes).toBeLessThanOrEqual(PAGE_BYTES);
          if (at > 0) expect(stretch.lsn).toBe(page + pageHeaderBytes(page, SEGMENT_BYTES));
        }
      }),
    );
  });

  it('ends aligned, and a switch at the end of its segment', () => {
    fc.assert(
      fc.property(anyBegin, anyLength, (lsn, totalBytes) => {
        const end = endOfRecord(lsn, { totalBytes, isSwitch: false }, SEGMENT_BYTES);
        expect(end % 8).toBe(0);
        expect(end - lsn).toBeGreaterThanOrEqual(totalBytes);
        // Of the segment in which it ends: one that begins a few bytes before a border ends behind it.
        const switched = endOfRecord(lsn, { totalBytes: 24, isSwitch: true }, SEGMENT_BYTES);
        expect(switched % SEGMENT_BYTES).toBe(0);
        expect(switched - endOfRecord(lsn, { totalBytes: 24, isSwitch: false }, SEGMENT_BYTES)).toBeLessThan(SEGMENT_BYTES);
      }),
    );
    expect(endOfRecord(0x2000060, { totalBytes: 114, isSwitch: false }, SEGMENT_BYTES)).toBe(0x20000d8);
    expect(endOfRecord(0x2001fe0, { totalBytes: 32, isSwitch: false }, SEGMENT_BYTES)).toBe(0x2002000);
    expect(endOfRecord(0x2001fe0, { totalBytes: 33, isSwitch: false }, SEGMENT_BYTES)).toBe(0x2002020);
  });

  it('says by its head how long it is, and whether it is a switch', () => {
    const head = Buffer.alloc(24);
    head.writeUInt32LE(114, 0);
    head.writeUInt8(0x40, 16);
    expect(parseRecordHead(head)).toEqual({ totalBytes: 114, isSwitch: true });
    // Another resource manager's 0x40.
    head.writeUInt8(10, 17);
    expect(parseRecordHead(head).isSwitch).toBe(false);
  });
});

describe('the name of a segment', () => {
  it('is read back as it was written', () => {
    const anySegment = fc.record({ timeline: fc.integer({ min: 1, max: 2 ** 32 - 1 }), segment: fc.nat(2 ** 36) });
    fc.assert(
      fc.property(anySegment, fc.constantFrom(2 ** 20, SEGMENT_BYTES, 2 ** 30), (segment, bytes) => {
        fc.pre(segment.segment * bytes < 2 ** 53);
        expect(parseSegmentFileName(segmentFileName(segment, bytes), bytes)).toEqual(segment);
      }),
    );
    expect(segmentFileName({ timeline: 3, segment: 0x1ff }, SEGMENT_BYTES)).toBe('0000000300000001000000FF');
    for (const name of ['00000003.history', '0000000300000001000000FF.partial', 'archive_status']) {
      expect(parseSegmentFileName(name, SEGMENT_BYTES)).toBeNull();
    }
  });
});
