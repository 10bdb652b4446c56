/** Where a log ends, and which logs are continuations of which: by timelines, never by length alone. */

/**
 * The end of a node's log: the timeline of its last valid record and the position behind that record, in bytes.
 * Positions stay below 2^53: nine petabytes of WAL.
 */
export interface LogEnd {
  term: number;
  lsn: number;
}

/** Term `term` was given to `node`, whose log ended at `fork` on timeline `parent`. */
export interface Timeline {
  term: number;
  node: string;
  parent: number;
  fork: number;
}

/** Greater is newer. A longer log of an older term may be full of what nobody acknowledged. */
export function compareLogs(left: LogEnd, right: LogEnd): number {
  return left.term - right.term || left.lsn - right.lsn;
}

/** Does a log that ends at `log` hold the record that ends at `point`? False when a timeline is not known, or begins on no earlier one. */
export function holds(timelines: readonly Timeline[], log: LogEnd, point: LogEnd): boolean {
  let { term, lsn } = log;
  while (term > point.term) {
    const timeline = timelines.find((each) => each.term === term);
    if (timeline === undefined || timeline.parent >= term) return false;
    lsn = Math.min(lsn, timeline.fork);
    term = timeline.parent;
  }
  return term === point.term && point.lsn <= lsn;
}

/** Can a node with this log follow the leader of `term` by streaming, without a rewind? */
export function isOnHistory(timelines: readonly Timeline[], term: number, log: LogEnd): boolean {
  return holds(timelines, { term, lsn: Number.POSITIVE_INFINITY }, log);
}
