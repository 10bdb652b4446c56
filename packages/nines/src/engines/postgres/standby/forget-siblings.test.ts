import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataContext } from '../../testing/data-context.ts';
import { type PostgresLayout, postgresLayout } from '../layout.ts';
import { FOREIGN_HISTORY, historyFileName } from '../primary/history.ts';
import { siblingHistories } from './forget-siblings.ts';

const FORK = 0x3000028;
/** The group began on a database of timeline 3. Five led from where term 4 ended and was never heard of again, and so did seven. */
const TIMELINES = [
  { term: 3, node: 'replica_0', parent: 0, fork: 0 },
  { term: 4, node: 'replica_1', parent: 3, fork: FORK },
  { term: 5, node: 'replica_2', parent: 4, fork: FORK + 100 },
  { term: 6, node: 'replica_0', parent: 4, fork: FORK + 100 },
  { term: 7, node: 'replica_1', parent: 6, fork: FORK + 200 },
  { term: 8, node: 'replica_0', parent: 6, fork: FORK + 200 },
];

describe('timelines that the leader’s does not descend from', () => {
  let layout: PostgresLayout;
  beforeEach(() => {
    layout = {
      ...postgresLayout(dataContext({ engine: 'postgres', ordinal: 0 })),
      dataDir: mkdtempSync(join(tmpdir(), 'nines-siblings-')),
    };
    mkdirSync(join(layout.dataDir, 'pg_wal'));
  });
  afterEach(() => rmSync(layout.dataDir, { recursive: true, force: true }));

  const write = (name: string, text: string) => writeFileSync(join(layout.dataDir, 'pg_wal', name), text);
  const places = (text: string, ...timelines: number[]) => timelines.forEach((timeline) => write(historyFileName(timeline), text));
  const siblings = (term: number) => siblingHistories(layout, { term, timelines: TIMELINES });

  it('are those with a true history beside the leader’s descent, wherever the own log stands', async () => {
    places('4\t0/30000F0\tno recovery target specified\n', 4, 5, 6, 7, 8);
    expect(await siblings(8)).toEqual([5, 7]);
    expect(await siblings(5)).toEqual([6, 7, 8]);
  });

  it('are not those whose number is only kept taken, nor other files', async () => {
    places(FOREIGN_HISTORY, 5, 7);
    for (const name of ['000000050000000000000003', '00000005.history.new', 'archive_status']) write(name, '');
    expect(await siblings(8)).toEqual([]);
  });

  it('are one that no record knows, too, but none of the time before the group', async () => {
    places('1\t0/1000028\tno recovery target specified\n', 2, 3, 9);
    expect(await siblings(8)).toEqual([9]);
  });

  it('cannot be told when the leader’s own is not recorded', async () => {
    places('1\t0/1000028\tno recovery target specified\n', 5);
    await expect(siblings(9)).rejects.toMatchObject({ code: 'E_ORDER_FAILED' });
  });
});
