/** Where a record of the log lies: in which file, around which page headers, and where it ends. Pure. */
import { PAGE_BYTES, pageHeaderBytes } from './page.ts';

const ALIGNMENT_BYTES = 8;
const HALF = 2 ** 32;

export interface SegmentName {
  timeline: number;
  /** Counted from the beginning of the log. */
  segment: number;
}

export function segmentFileName({ timeline, segment }: SegmentName, segmentBytes: number): string {
  const perFile = HALF / segmentBytes;
  return [timeline, Math.floor(segment / perFile), segment % perFile]
    .map((part) => part.toString(16).padStart(8, '0'))
    .join('')
    .toUpperCase();
}

/** Null for histories, partial segments and everything else in pg_wal. */
export function parseSegmentFileName(name: string, segmentBytes: number): SegmentName | null {
  const [, timeline, file, part] = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(name) ?? [];
  if (timeline === undefined || file === undefined || part === undefined) return null;
  return {
    timeline: Number.parseInt(timeline, 16),
    segment: Number.parseInt(file, 16) * (HALF / segmentBytes) + Number.parseInt(part, 16),
  };
}

/** A stretch of consecutive bytes without a page header inside. */
export interface Stretch {
  lsn: number;
  bytes: number;
}

/** Where `bytes` bytes of a record that begins at `lsn` lie: page headers are between them. */
export function stretchesOf(lsn: number, bytes: number, segmentBytes: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (let at = lsn, left = bytes; left > 0; ) {
    if (at % PAGE_BYTES === 0) at += pageHeaderBytes(at, segmentBytes);
    const taken = Math.min(left, PAGE_BYTES - (at % PAGE_BYTES));
    stretches.push({ lsn: at, bytes: taken });
    at += taken;
    left -= taken;
  }
  return stretches;
}

export interface RecordHead {
  /** Of the whole record, its header included. */
  totalBytes: number;
  /** Says that the rest of the segment is empty. */
  isSwitch: boolean;
}

/** Bytes of a record that tell its length and kind. */
export const RECORD_HEAD_BYTES = 18;

export function parseRecordHead(head: Buffer): RecordHead {
  const [info, manager] = [head.readUInt8(16), head.readUInt8(17)];
  return { totalBytes: head.readUInt32LE(0), isSwitch: manager === 0 && (info & 0xf0) === 0x40 };
}

/** Position behind a record: where the next one may begin, before a page header if one stands there. */
export function endOfRecord(lsn: number, { totalBytes, isSwitch }: RecordHead, segmentBytes: number): number {
  const last = stretchesOf(lsn, totalBytes, segmentBytes).at(-1) ?? { lsn, bytes: 0 };
  const end = roundUp(last.lsn + last.bytes, ALIGNMENT_BYTES);
  return isSwitch ? roundUp(end, segmentBytes) : end;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
