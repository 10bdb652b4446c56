import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataContext } from '../../testing/data-context.ts';
import { type PostgresLayout, postgresLayout } from '../layout.ts';
import { FOREIGN_HISTORY, historyFileName, isForeignHistory } from './history.ts';
import { checkFork, freeTimelines, placeTimelines } from './timelines.ts';

const FORK = 0x3000028;
/** Two led from where term 1 ended and were never heard of again; the fourth begins there, too. */
const TIMELINES = [
  { term: 1, node: 'replica_0', parent: 0, fork: 0 },
  { term: 2, node: 'replica_1', parent: 1, fork: FORK },
  { term: 3, node: 'replica_2', parent: 1, fork: FORK },
  { term: 4, node: 'replica_0', parent: 1, fork: FORK },
  { term: 5, node: 'replica_0', parent: 4, fork: FORK + 100 },
];

describe('timelines in pg_wal', () => {
  let layout: PostgresLayout;
  let walDir: string;
  beforeEach(() => {
    const dataDir = mkdtempSync(join(tmpdir(), 'nines-timelines-'));
    layout = { ...postgresLayout(dataContext({ engine: 'postgres', ordinal: 0 })), dataDir };
    walDir = join(dataDir, 'pg_wal');
    mkdirSync(walDir);
  });
  afterEach(() => rmSync(layout.dataDir, { recursive: true, force: true }));

  const write = (timeline: number, text: string) => writeFileSync(join(walDir, historyFileName(timeline)), text);
  const read = (timeline: number) => readFileSync(join(walDir, historyFileName(timeline)), 'utf8');

  it('are all taken below the term, and the term itself is free', async () => {
    expect(await placeTimelines(layout, TIMELINES, 4)).toEqual([]);
    expect(readdirSync(walDir).toSorted()).toEqual(['00000002.history', '00000003.history']);
    expect([2, 3].map(read).every(isForeignHistory)).toBe(true);
  });

  it('have their true history where the term descends from them', async () => {
    await placeTimelines(layout, TIMELINES, 5);
    expect(read(4)).toBe('1\t0/3000028\tpromoted by Nines\n');
    write(4, '1\t0/3000028\tas PostgreSQL wrote it\n');
    expect(await placeTimelines(layout, TIMELINES, 5)).toEqual([]);
    expect(read(4)).toContain('as PostgreSQL wrote it');
  });

  it('are reported when the server may have taken to one that is not on the way', async () => {
    write(2, '1\t0/3000028\tno recovery target specified\n');
    expect(await placeTimelines(layout, TIMELINES, 4)).toEqual([2]);
    expect(isForeignHistory(read(2))).toBe(true);
    expect(await placeTimelines(layout, TIMELINES, 4)).toEqual([]);
  });

  it('have the number of the term free, though a promotion that ended before its first record took it', async () => {
    write(4, '1\t0/3000028\tas PostgreSQL wrote it\n');
    expect(await placeTimelines(layout, TIMELINES, 4)).toEqual([4]);
    expect(readdirSync(walDir).toSorted()).toEqual(['00000002.history', '00000003.history']);
    expect(await placeTimelines(layout, TIMELINES, 4)).toEqual([]);
  });

  it('are looked up by name up to the log’s own: a failover that read them all would take longer with each one before it', async () => {
    for (const timeline of [2, 3, 4]) mkdirSync(join(walDir, historyFileName(timeline)));
    await expect(placeTimelines(layout, TIMELINES, 5)).resolves.toEqual([]);
    await expect(placeTimelines(layout, TIMELINES, 4)).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('are freed before a start only above the last real one: below it standbys ask for each of them', async () => {
    for (const timeline of [2, 3, 5, 6]) write(timeline, FOREIGN_HISTORY);
    write(4, '1\t0/3000028\tno recovery target specified\n');
    await freeTimelines(layout);
    expect(readdirSync(walDir).toSorted()).toEqual(['00000002.history', '00000003.history', '00000004.history']);
    await freeTimelines({ ...layout, dataDir: join(layout.dataDir, 'not-there') });
  });

  it('are refused when one began elsewhere than the record says', async () => {
    write(4, '1\t0/3000028\tx\n');
    await checkFork(layout, TIMELINES, 4);
    // The same fork, over a timeline on which nothing was written.
    write(4, '1\t0/3000028\tx\n\n2\t0/3000028\tx\n');
    await checkFork(layout, TIMELINES, 4);
    for (const text of ['1\t0/3000029\tx\n', '2\t0/3000028\tx\n', '']) {
      write(4, text);
      await expect(checkFork(layout, TIMELINES, 4)).rejects.toMatchObject({ code: 'E_ORDER_FAILED' });
    }
  });
});
