/** What one page of the log says about the record behind a position: enough to know, without a walk, that there is none. Pure. */

export const PAGE_BYTES = 8192;
const PAGE_HEADER_BYTES = 24;
/** Of the first page of each segment. */
const LONG_PAGE_HEADER_BYTES = 40;
const RECORD_HEADER_BYTES = 24;
/** Flag of a page that begins inside a record. */
const CONTINUES = 1;

export function pageHeaderBytes(pageLsn: number, segmentBytes: number): number {
  return pageLsn % segmentBytes === 0 ? LONG_PAGE_HEADER_BYTES : PAGE_HEADER_BYTES;
}

/** A page names its own position. */
export function isPageOf(lsn: number, page: Buffer): boolean {
  return Number(page.readBigUInt64LE(8)) === lsn - (lsn % PAGE_BYTES);
}

/**
 * Everything before `lsn` is valid. Is it certain that no valid record begins there? By PostgreSQL's own rules: a page names its own
 * position; a record is at least as long as its header; it names the record before it. False is "perhaps".
 * @param page the whole page that `lsn` is on; null: its file does not exist.
 */
export function nothingBegins(lsn: number, page: Buffer | null, segmentBytes: number): boolean {
  if (page === null) return true;
  const pageLsn = lsn - (lsn % PAGE_BYTES);
  if (!isPageOf(lsn, page)) return lsn === pageLsn;
  const at = lsn - pageLsn;
  if (at === 0) return false;
  if (page.readUInt32LE(at) < RECORD_HEADER_BYTES) return true;
  const before = lastBegin(page, at, pageHeaderBytes(pageLsn, segmentBytes));
  if (before === null || at + 16 > PAGE_BYTES) return false;
  return Number(page.readBigUInt64LE(at + 8)) !== pageLsn + before;
}

/** Where the record that ends at `at` begins on this page; null when it began on an earlier one. */
function lastBegin(page: Buffer, at: number, headerBytes: number): number | null {
  const continues = (page.readUInt16LE(2) & CONTINUES) !== 0;
  let begin = headerBytes + (continues ? aligned(page.readUInt32LE(16)) : 0);
  let before: number | null = null;
  while (begin < at) {
    const bytes = page.readUInt32LE(begin);
    if (bytes < RECORD_HEADER_BYTES) return null;
    before = begin;
    begin += aligned(bytes);
  }
  return begin === at ? before : null;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
