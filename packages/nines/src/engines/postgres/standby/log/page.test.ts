import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nothingBegins, PAGE_BYTES } from './page.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const PAGE_LSN = SEGMENT_BYTES + 5 * PAGE_BYTES;

/** A page with records of these lengths, one behind the other, after `rest` bytes of an earlier one. */
function pageOf(lengths: number[], rest: number): { page: Buffer; begins: number[]; end: number } {
  const page = Buffer.alloc(PAGE_BYTES);
  page.writeUInt16LE(rest > 0 ? 1 : 0, 2);
  page.writeBigUInt64LE(BigInt(PAGE_LSN), 8);
  page.writeUInt32LE(rest, 16);
  const begins: number[] = [];
  let at = 24 + Math.ceil(rest / 8) * 8;
  for (const length of lengths) {
    page.writeUInt32LE(length, at);
    page.writeBigUInt64LE(BigInt(PAGE_LSN + (begins.at(-1) ?? -100)), at + 8);
    begins.push(at);
    at += Math.ceil(length / 8) * 8;
  }
  return { page, begins, end: at };
}

const anyLengths = fc.array(fc.integer({ min: 24, max: 300 }), { minLength: 1, maxLength: 20 });

describe('behind the last record of a page', () => {
  it('nothing begins in empty space, wherever the records end', () => {
    fc.assert(
      fc.property(anyLengths, fc.nat(400), (lengths, rest) => {
        const { page, end } = pageOf(lengths, rest);
        expect(nothingBegins(PAGE_LSN + end, page, SEGMENT_BYTES)).toBe(true);
      }),
    );
  });

  it('perhaps something begins where a record names the one before it, and certainly nothing where it names another', () => {
    fc.assert(
      fc.property(anyLengths, fc.integer({ min: 24, max: 2 ** 20 }), fc.nat(400), (lengths, next, rest) => {
        const { page, begins, end } = pageOf(lengths, rest);
        page.writeUInt32LE(next, end);
        page.writeBigUInt64LE(BigInt(PAGE_LSN + begins.at(-1)!), end + 8);
        expect(nothingBegins(PAGE_LSN + end, page, SEGMENT_BYTES)).toBe(false);
        page.writeBigUInt64LE(BigInt(begins.at(-1)!), end + 8);
        expect(nothingBegins(PAGE_LSN + end, page, SEGMENT_BYTES)).toBe(true);
      }),
    );
  });

  it('is not judged where the record before began on another page, or the head does not fit', () => {
    const { page } = pageOf([], 200);
    page.writeUInt32LE(100, 224);
    expect(nothingBegins(PAGE_LSN + 224, page, SEGMENT_BYTES)).toBe(false);
    page.writeUInt32LE(100, PAGE_BYTES - 8);
    expect(nothingBegins(PAGE_LSN + PAGE_BYTES - 8, page, SEGMENT_BYTES)).toBe(false);
  });

  it('at the end of a page, the next page has to name its own position', () => {
    const next = Buffer.alloc(PAGE_BYTES);
    expect(nothingBegins(PAGE_LSN, null, SEGMENT_BYTES)).toBe(true);
    expect(nothingBegins(PAGE_LSN, next, SEGMENT_BYTES)).toBe(true);
    next.writeBigUInt64LE(BigInt(PAGE_LSN), 8);
    expect(nothingBegins(PAGE_LSN, next, SEGMENT_BYTES)).toBe(false);
  });

  it('a page that is not what was replayed proves nothing', () => {
    expect(nothingBegins(PAGE_LSN + 64, Buffer.alloc(PAGE_BYTES), SEGMENT_BYTES)).toBe(false);
  });
});
