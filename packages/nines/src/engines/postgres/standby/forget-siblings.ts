/** What a member has heard of leaders from whom the one that it is to follow does not descend. */
import { readdir, readFile } from 'node:fs/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { Timeline } from '../../../failover/log.ts';
import type { PostgresLayout } from '../layout.ts';
import type { Member } from '../member.ts';
import { isForeignHistory, lineage, timelineOfHistory } from '../primary/history.ts';
import { together } from '../primary/together.ts';
import { disownTimeline, historyFile, walDir } from '../primary/timelines.ts';
import { startFenced } from './start-fenced.ts';
import { stopAtOnce } from './stop-at-once.ts';

/**
 * A receiver fetches its leader's history when it connects, before anything of the log, and a server that waits makes the newest
 * timeline that begins where it stands its own future. When that leader dies, it refuses every other's: by that memory until it is
 * restarted, and by the file after a restart, too. Nothing when there is no such file; else the server is another, fenced one.
 * No receiver may live: it would fetch more.
 * @throws NinesError E_ORDER_FAILED when `timelines` has not `term`; E_START_TIMEOUT when the server does not come up again.
 */
export async function forgetSiblings(m: Member, { term, timelines }: Descent, signal: AbortSignal): Promise<void> {
  const siblings = await siblingHistories(m.layout, { term, timelines });
  if (siblings.length === 0) return;
  m.io.log(`the server may have taken another leader's timeline (${siblings.join(', ')}) for its own future: it is started again`);
  // First: were the agent to end between the two, a server without the file but with the memory would be held for a sound one.
  await stopAtOnce(m, signal);
  for (const timeline of siblings) await disownTimeline(m.layout, timeline);
  await startFenced(m, signal);
}

export interface Descent {
  term: number;
  /** Of the record: `term` and all before it. */
  timelines: readonly Timeline[];
}

/** Timelines whose true histories are in pg_wal and that `term` does not descend from, those of no recorded leader, too. */
export async function siblingHistories(layout: PostgresLayout, { term, timelines }: Descent): Promise<number[]> {
  const line = lineage(timelines, term);
  const descent = new Set(line.map((timeline) => timeline.term));
  const first = line[0]?.term;
  if (first === undefined)
    throw new NinesError('E_ORDER_FAILED', `no timeline is recorded for term ${term}: whom it descends from is not known`);
  const present = (await readdir(walDir(layout))).flatMap((name) => timelineOfHistory(name) ?? []);
  // Below the record's first one are those of the database that the group began with.
  const others = present.filter((timeline) => timeline >= first && !descent.has(timeline));
  const isTrue = async (timeline: number) => !isForeignHistory(await readFile(historyFile(layout, timeline), 'utf8'));
  const isSibling = await together(...others.map(isTrue));
  return others.filter((_, at) => isSibling[at]).toSorted((left, right) => left - right);
}
