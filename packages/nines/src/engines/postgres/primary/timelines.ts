/** The numbers of timelines in pg_wal: PostgreSQL takes the first free one when it is promoted, and it has to be the term. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../../../errors/errors.ts';
import type { Timeline } from '../../../failover/log.ts';
import { replaceFile, syncDirectory } from '../../durable-file.ts';
import type { PostgresLayout } from '../layout.ts';
import { together } from './together.ts';
import { FOREIGN_HISTORY, historyFileName, isForeignHistory, lineage, parseHistory, renderHistory, timelineOfHistory } from './history.ts';

/**
 * A history file for every recorded timeline below `term`. Only those that `term` descends from get their content: a server
 * that waits as a standby looks every 50 ms for a newer timeline that begins where it stands, and would make a dead
 * leader's its own. The number of `term` itself is free: a promotion that ended before its first record left its history here,
 * and PostgreSQL would take the next number.
 * @returns the timelines whose true histories had come here already, replaced or removed now: the server may have taken to one
 * of them, and forgets it only by a restart.
 */
export async function placeTimelines(layout: PostgresLayout, timelines: readonly Timeline[], term: number): Promise<number[]> {
  const ancestors = lineage(timelines, term).slice(0, -1);
  const logsOwn = ancestors.at(-1)?.term ?? 0;
  const placed = new Set(await readdir(walDir(layout)));
  const place = async (timeline: Timeline): Promise<number[]> => {
    const path = historyFile(layout, timeline.term);
    const isPlaced = placed.has(historyFileName(timeline.term));
    if (!isPlaced && ancestors.includes(timeline)) await replaceFile(path, renderHistory(timelines, timeline.term), 0o600);
    else if (!isPlaced) await disownTimeline(layout, timeline.term);
    else if (timeline.term > logsOwn && !isForeignHistory(await readFile(path, 'utf8'))) {
      await disownTimeline(layout, timeline.term);
      return [timeline.term];
    }
    return [];
  };
  // At once: one flush of the disk does for several that wait for it.
  const mistaken = (
    await together(
      ...timelines
        .slice(1)
        .filter((each) => each.term < term)
        .map(place),
    )
  ).flat();
  if (!placed.has(historyFileName(term))) return mistaken;
  await rm(historyFile(layout, term));
  await syncDirectory(walDir(layout));
  return [...mistaken, term];
}

/** Its number stays taken, and this log is not on it. */
export function disownTimeline(layout: PostgresLayout, timeline: number): Promise<void> {
  return replaceFile(historyFile(layout, timeline), FOREIGN_HISTORY, 0o600);
}

/**
 * Before each start: a number that is only kept taken, above all real ones, would be followed as the latest timeline, and the
 * server refuses to start on one that it does not descend from. Those below a real one stay: PostgreSQL stops looking at
 * the first number that is missing, and standbys that follow ask for all of them.
 */
export async function freeTimelines(layout: PostgresLayout): Promise<void> {
  const folder = walDir(layout);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const descending = names.filter((name) => timelineOfHistory(name) !== null).toSorted((left, right) => (left < right ? 1 : -1));
  let freed = 0;
  for (const name of descending) {
    if (!isForeignHistory(await readFile(join(folder, name), 'utf8'))) break;
    await rm(join(folder, name));
    freed += 1;
  }
  if (freed > 0) await syncDirectory(folder);
}

/** @throws NinesError E_ORDER_FAILED when the server's timeline did not begin where the record says. */
export async function checkFork(layout: PostgresLayout, timelines: readonly Timeline[], term: number): Promise<void> {
  const recorded = timelines.find((timeline) => timeline.term === term);
  const text = await readHistory(historyFile(layout, term));
  const found = text === null ? undefined : parseHistory(text).at(-1);
  if (recorded !== undefined && found !== undefined && found.parent === recorded.parent && found.fork === recorded.fork) return;
  throw new NinesError(
    'E_ORDER_FAILED',
    `timeline ${term} was to begin at ${recorded?.fork} of ${recorded?.parent}, and began at ${found?.fork} of ${found?.parent}`,
  );
}

export const walDir = (layout: PostgresLayout): string => join(layout.dataDir, 'pg_wal');
export const historyFile = (layout: PostgresLayout, timeline: number): string => join(walDir(layout), historyFileName(timeline));

async function readHistory(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
