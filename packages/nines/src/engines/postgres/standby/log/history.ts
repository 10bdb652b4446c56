/** Timeline history files: which timelines a timeline continues, and from where. Pure. */
import { formatLsn, parseLsn } from '../../lsn.ts';

/** A timeline's share of a log: from `begin` to before `end`. */
export interface HistoryEntry {
  timeline: number;
  begin: number;
  end: number;
}

/** Oldest first; the last one is the timeline itself and has no end. */
export type History = HistoryEntry[];

/** @param content of the timeline's history file; timeline 1 has none: ''. Null when it is not a history. */
export function parseHistory(timeline: number, content: string): History | null {
  const history: History = [];
  let begin = 0;
  for (const line of content.split('\n')) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, parent, lsn] = /^\s*(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s|$)/.exec(line) ?? [];
    if (parent === undefined || lsn === undefined) return null;
    const entry = { timeline: Number(parent), begin, end: parseLsn(lsn) };
    const before = history.at(-1);
    if (entry.timeline >= timeline || (before !== undefined && before.timeline >= entry.timeline)) return null;
    history.push(entry);
    begin = entry.end;
  }
  if (history.length === 0 && timeline !== 1) return null;
  return [...history, { timeline, begin, end: Number.POSITIVE_INFINITY }];
}

/** Timeline of a record by the position at which it *begins*: one that ends at a fork is still the parent's. */
export function timelineOfRecord(history: History, lsn: number): number | null {
  return history.find(({ begin, end }) => begin <= lsn && lsn < end)?.timeline ?? null;
}

/**
 * Timeline of the record that begins at `lsn` in a file of `fileTimeline`, one of those that `history` leads through. Not by that timeline's
 * own history file: it need not be here, or only keeps the number taken.
 */
export function termAt(history: History, fileTimeline: number, lsn: number): number {
  const own = history.find(({ timeline }) => timeline === fileTimeline);
  const term = own === undefined || lsn < own.begin ? timelineOfRecord(history, lsn) : fileTimeline;
  if (term === null) throw new Error(`no timeline of the history has ${formatLsn(lsn)}`);
  return term;
}
