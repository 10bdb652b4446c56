/** Timeline history files, as PostgreSQL reads and writes them, from the timelines of the record. Pure. */
import type { Timeline } from '../../../failover/log.ts';
import { formatLsn, parseLsn } from '../lsn.ts';

/** First line of a file that only keeps a timeline's number taken: PostgreSQL skips it, and then the timeline is nobody's child. */
const FOREIGN_MARK = '# Nines: a timeline of another log; here only so that its number is not given out again';

export const FOREIGN_HISTORY = `${FOREIGN_MARK}\n`;

export function isForeignHistory(text: string): boolean {
  return text.startsWith(FOREIGN_MARK);
}

export function historyFileName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** Null for the name of any other file. */
export function timelineOfHistory(fileName: string): number | null {
  const [, digits] = /^([0-9A-F]{8})\.history$/.exec(fileName) ?? [];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

/** From the database's first timeline to `term`; both included. Only ever to an earlier one: it ends whatever the list says. */
export function lineage(timelines: readonly Timeline[], term: number): Timeline[] {
  const byTerm = new Map(timelines.map((timeline) => [timeline.term, timeline]));
  const line: Timeline[] = [];
  for (let own = byTerm.get(term); own !== undefined; own = own.parent < own.term ? byTerm.get(own.parent) : undefined) line.push(own);
  return line.toReversed();
}

/** The file of `term`: where each timeline on the way to it was left. */
export function renderHistory(timelines: readonly Timeline[], term: number): string {
  return lineage(timelines, term)
    .filter(({ parent }) => parent > 0)
    .map(({ parent, fork }) => `${parent}\t${formatLsn(fork)}\tpromoted by Nines\n`)
    .join('\n');
}

/** The switches, without timelines on which nothing was written: what was promoted twice at one place forked but once. */
export function parseHistory(text: string): { parent: number; fork: number }[] {
  const switches = text.split('\n').flatMap((line) => {
    const [, parent, fork] = /^\s*(\d+)\t(\S+)/.exec(line) ?? [];
    return parent === undefined || fork === undefined ? [] : [{ parent: Number(parent), fork: parseLsn(fork) }];
  });
  return switches.filter(({ fork }, at) => at === 0 || fork !== switches[at - 1]!.fork);
}
