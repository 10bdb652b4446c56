/** What dead leaders leave in pg_wal of those who outlive them: halves of records, histories of lines that their log is not on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replaceFile } from '../../packages/nines/src/engines/durable-file.ts';
import { clone } from '../../packages/nines/src/engines/postgres/clone.ts';
import { initialise } from '../../packages/nines/src/engines/postgres/initialise.ts';
import { historyFile, walDir } from '../../packages/nines/src/engines/postgres/primary/timelines.ts';
import { endOfLog } from '../../packages/nines/src/engines/postgres/standby/end-of-log.ts';
import { fence } from '../../packages/nines/src/engines/postgres/standby/fence.ts';
import { segmentFileName } from '../../packages/nines/src/engines/postgres/standby/log/position.ts';
import { startFenced } from '../../packages/nines/src/engines/postgres/standby/start-fenced.ts';
import { stopAtOnce } from '../../packages/nines/src/engines/postgres/standby/stop-at-once.ts';
import { eventually } from './data-engine-cluster.ts';
import {
  flushedOn,
  follows,
  nodeOf,
  postgresMembers,
  promoteByHand,
  quietly,
  receivedOn,
  replayedOn,
  soon,
  type TestMember,
  type TestMembers,
  wishFor,
} from './postgres-members.ts';
import { describeLab } from './require-root.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;

describeLab('what dead leaders leave behind', () => {
  let stage: TestMembers;
  let a: TestMember;
  let b: TestMember;
  let c: TestMember;

  const message = (m: TestMember, bytes: number) => m.sql(`select pg_logical_emit_message(false, 'p', repeat('z', ${bytes}))`);
  const fill = (m: TestMember, rows: number) => m.sql(`insert into notes select g, repeat('x', 500) from generate_series(1, ${rows}) g`);
  const notes = async (m: TestMember) => (await m.sql<{ count: string }>('select count(*) from notes'))[0]?.count;
  const catchesUp = async (m: TestMember, leader: TestMember, term: number) => {
    await follows(m, wishFor(leader, term));
    await replayedOn(m, await flushedOn(leader));
  };

  beforeAll(async () => {
    stage = await postgresMembers('127.0.40');
    [a, b, c] = stage.members;
    await initialise(a, soon());
    await startFenced(a, soon());
    await promoteByHand(a);
    await a.sql('create table notes (id int, note text)');
    for (const m of [b, c]) {
      await clone(m, nodeOf(a), soon());
      await startFenced(m, soon());
      await catchesUp(m, a, 2);
    }
  });
  afterAll(async () => {
    await stage?.end();
  });

  it('half a record up to the end of its segment: the next leader’s log comes without a gap', async () => {
    await fill(a, 100);
    const at = (await flushedOn(a)) % SEGMENT_BYTES;
    await message(a, SEGMENT_BYTES - at - 40_000);
    const log = await quietly(a, async () => {
      await fill(a, 5);
      for (const m of [b, c]) await receivedOn(m, await flushedOn(a));
      const [fenced] = [await fence(b, 2, soon()), await fence(c, 2, soon())];
      for (const m of [b, c]) await stopAtOnce(m, soon());
      await message(a, 100_000);
      return fenced.log!;
    });
    const offset = log.lsn % SEGMENT_BYTES;
    expect(SEGMENT_BYTES - offset).toBeLessThan(60_000);
    const segment = Math.floor(log.lsn / SEGMENT_BYTES);
    // The leader flushed up to the border in the middle of it, sent that, and died.
    await eventually('it is flushed up to the border', 15_000, async () => (await flushedOn(a)) >= (segment + 1) * SEGMENT_BYTES);
    const file = (m: TestMember, timeline: number, number = segment) =>
      join(walDir(m.layout), segmentFileName({ timeline, segment: number }, SEGMENT_BYTES));
    for (const m of [b, c]) {
      const block = [`if=${file(a, 2)}`, `of=${file(m, 2)}`, `skip=${offset}`, `seek=${offset}`, `count=${SEGMENT_BYTES - offset}`];
      await a.io.run(['/bin/dd', ...block, 'iflag=skip_bytes,count_bytes', 'oflag=seek_bytes', 'bs=64k', 'conv=notrunc', 'status=none']);
    }
    await a.kill('SIGKILL');
    for (const m of [b, c]) {
      await startFenced(m, soon());
      expect(await endOfLog(m, soon())).toEqual(log);
    }
    expect(await promoteByHand(c)).toEqual({ timeline: 3, fork: log });
    await fill(c, 300);
    expect((await flushedOn(c)) / SEGMENT_BYTES).toBeGreaterThan(segment + 1);
    await catchesUp(b, c, 3);
    expect(await notes(b)).toBe(await notes(c));
    expect(existsSync(file(b, 3))).toBe(true);
  });

  it('a history that it fetched and is not on: it starts all the same', async () => {
    const before = `1\t0/1000000\tx\n2\t0/1000100\tx\n3\t0/1000200\tx\n`;
    await fence(b, 3, soon());
    const log = await endOfLog(b, soon());
    await stopAtOnce(b, soon());
    await replaceFile(historyFile(b.layout, 4), before, 0o600);
    await replaceFile(historyFile(b.layout, 5), `${before}4\t0/1000300\tx\n`, 0o600);
    await startFenced(b, soon());
    expect(b.said.at(-1)).toMatch(/not on timeline 5/);
    expect(await endOfLog(b, soon())).toEqual(log);
    await catchesUp(b, c, 3);
  });
});
