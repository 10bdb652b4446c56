/** Where a log ends: said before a promotion, compared with the fork that PostgreSQL itself writes down. */
import { existsSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replaceFile } from '../../packages/nines/src/engines/durable-file.ts';
import { clone } from '../../packages/nines/src/engines/postgres/clone.ts';
import { initialise } from '../../packages/nines/src/engines/postgres/initialise.ts';
import { formatLsn, parseLsn } from '../../packages/nines/src/engines/postgres/lsn.ts';
import { historyFile, walDir } from '../../packages/nines/src/engines/postgres/primary/timelines.ts';
import { endOfLog } from '../../packages/nines/src/engines/postgres/standby/end-of-log.ts';
import { fence } from '../../packages/nines/src/engines/postgres/standby/fence.ts';
import { readControlData } from '../../packages/nines/src/engines/postgres/standby/log/control-data.ts';
import { segmentFileName } from '../../packages/nines/src/engines/postgres/standby/log/position.ts';
import { rebuild } from '../../packages/nines/src/engines/postgres/standby/rebuild.ts';
import { startFenced } from '../../packages/nines/src/engines/postgres/standby/start-fenced.ts';
import { stopAtOnce } from '../../packages/nines/src/engines/postgres/standby/stop-at-once.ts';
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
const PAGE_BYTES = 8192;
/** What a walsender sends at once, at most. */
const FIRST_MESSAGE_BYTES = 128 * 1024;
/** A segment of which only so much came. */
const begin = (whole: Buffer, bytes: number): Buffer => Buffer.concat([whole.subarray(0, bytes), Buffer.alloc(SEGMENT_BYTES - bytes)]);

describeLab('the end of a log', () => {
  let stage: TestMembers;
  let leader: TestMember;
  let standby: TestMember;
  let term = 2;

  const fill = (m: TestMember, rows = 1) => m.sql(`insert into notes select g, repeat('x', 500) from generate_series(1, ${rows}) g`);
  /** The file of a timeline, the newest one if none is named, that holds this position. */
  const segmentAt = (m: TestMember, lsn: number, timeline = term) =>
    join(walDir(m.layout), segmentFileName({ timeline, segment: Math.floor(lsn / SEGMENT_BYTES) }, SEGMENT_BYTES));
  const streams = async () => {
    await follows(standby, wishFor(leader, term));
    await receivedOn(standby, await flushedOn(leader));
  };
  /** The standby is fenced, and its word about its log taken; then it is promoted and the old leader becomes its standby. */
  const saidAndForked = async () => {
    const { log } = await fence(standby, term, soon());
    // A server that starts says less than it has, the disk says the same.
    await stopAtOnce(standby, soon());
    expect(await endOfLog(standby, soon())).toEqual(log);
    await startFenced(standby, soon());
    expect(await endOfLog(standby, soon())).toEqual(log);
    const { timeline, fork } = await promoteByHand(standby);
    expect(timeline).toBe(term + 1);
    expect(log).toEqual(fork);
    term = timeline;
    if (leader.server.pid !== null) await stopAtOnce(leader, soon());
    await startFenced(leader, soon());
    await rebuild(leader, { leader: nodeOf(standby), term }, soon());
    [leader, standby] = [standby, leader];
    await streams();
    return fork;
  };
  /** Writes one record that ends exactly where a page begins that is `unit` bytes from the next such place; again when something came between. */
  const fillTo = async (unit: number): Promise<number> => {
    for (;;) {
      const [row] = await leader.sql<{ at: string }>('select pg_current_wal_insert_lsn()::text as at');
      const at = parseLsn(row!.at);
      const end = Math.ceil((at + 512) / unit) * unit;
      let room = 0;
      for (let page = Math.floor(at / PAGE_BYTES) * PAGE_BYTES; page < end; page += PAGE_BYTES) {
        const header = page % SEGMENT_BYTES === 0 ? 40 : 24;
        room += PAGE_BYTES - Math.max(header, at - page);
      }
      // Record header, head of long data, head of the message, prefix.
      const message = room - 24 - 5 - 24 - 2;
      const [made] = await leader.sql<{ end: string }>(`select pg_logical_emit_message(false, 'p', repeat('y', ${message}))::text as end`);
      if (parseLsn(made!.end) === end) return end;
    }
  };

  beforeAll(async () => {
    stage = await postgresMembers('127.0.31');
    [leader, standby] = stage.members;
    await initialise(leader, soon());
    await startFenced(leader, soon());
    await promoteByHand(leader);
    await leader.sql('create table notes (id int, note text)');
    await clone(standby, nodeOf(leader), soon());
    await startFenced(standby, soon());
    await streams();
  });
  afterAll(async () => {
    await stage?.end();
  });

  it('is in the middle of a segment, in a record of many pages, over several timelines', async () => {
    await fill(leader, 300);
    await leader.sql(`select pg_logical_emit_message(true, 'p', repeat('z', 300000))`);
    await streams();
    await saidAndForked();
    await fill(leader, 10);
    await streams();
    expect((await saidAndForked()).term).toBe(3);
    // Nothing but the start of the new term is in it.
    expect((await saidAndForked()).term).toBe(4);
  });

  it('is where the next segment begins, after a switch', async () => {
    await quietly(leader, async () => {
      await fill(leader, 3);
      await leader.sql('select pg_switch_wal()');
      await receivedOn(standby, await flushedOn(leader));
      const { log } = await fence(standby, term, soon());
      expect(log!.lsn % SEGMENT_BYTES).toBe(0);
    });
    await streams();
    await saidAndForked();
  });

  it('is where a page ends, and where a segment ends', async () => {
    for (const unit of [PAGE_BYTES, SEGMENT_BYTES]) {
      await quietly(leader, async () => {
        const end = await fillTo(unit);
        await receivedOn(standby, end);
        const { log } = await fence(standby, term, soon());
        expect(log).toEqual({ term, lsn: end });
      });
      await saidAndForked();
    }
  });

  it('is before what a recycled segment still holds from earlier', async () => {
    await fill(leader, 40_000);
    await fill(leader, 7);
    await receivedOn(standby, await flushedOn(leader));
    const { log } = await fence(standby, term, soon());
    await stopAtOnce(standby, soon());
    // A recycled file is an older one under a new name: all behind the end is the older one's.
    const behind = log!.lsn % SEGMENT_BYTES;
    const older = await readFile(segmentAt(standby, log!.lsn - SEGMENT_BYTES));
    expect(older.subarray(behind, behind + PAGE_BYTES).some((byte) => byte !== 0)).toBe(true);
    const handle = await open(segmentAt(standby, log!.lsn), 'r+');
    await handle.write(older, behind, SEGMENT_BYTES - behind, behind);
    await handle.close();
    await startFenced(standby, soon());
    expect(await saidAndForked()).toEqual(log);
  });

  it('is where half a record is missing', async () => {
    const log = await quietly(leader, async () => {
      await fill(leader, 5);
      await receivedOn(standby, await flushedOn(leader));
      const fenced = await fence(standby, term, soon());
      await stopAtOnce(standby, soon());
      await leader.sql(`select pg_logical_emit_message(true, 'p', repeat('z', 60000))`);
      return fenced.log!;
    });
    // The first page of that longer record came, the rest did not.
    const at = log.lsn % SEGMENT_BYTES;
    const bytes = PAGE_BYTES - (at % PAGE_BYTES);
    const block = [`if=${segmentAt(leader, log.lsn)}`, `of=${segmentAt(standby, log.lsn)}`, `skip=${at}`, `seek=${at}`, `count=${bytes}`];
    await leader.io.run(['/bin/dd', ...block, 'bs=1', 'conv=notrunc', 'status=none']);
    expect(await endOfLog(standby, soon())).toEqual(log);
    await startFenced(standby, soon());
    await saidAndForked();
  });

  it('of the target is the end of a leader that was stopped cleanly', async () => {
    await fill(leader, 30);
    await leader.kill('SIGINT');
    const { state } = await readControlData(leader.layout.dataDir, leader.io, soon());
    expect(state).toBe('shut down');
    const end = await endOfLog(leader, soon());
    await receivedOn(standby, end!.lsn);
    expect((await fence(standby, term, soon())).log).toEqual(end);
    await saidAndForked();
  });

  it.each(['inside a page', 'where a page ends'])(
    '%s is not hidden by the first part of its segment under the next timeline',
    async (where) => {
      await leader.sql('select pg_switch_wal()');
      await fill(leader, 600);
      // Behind the first message: a server that finds only that at its start lacks the record that it starts from, and never comes up.
      await leader.sql('checkpoint');
      await replayedOn(standby, await flushedOn(leader));
      await standby.sql('checkpoint');
      const { log } = await quietly(leader, async () => {
        await fill(leader, 10);
        const end = where === 'inside a page' ? await flushedOn(leader) : await fillTo(PAGE_BYTES);
        await receivedOn(standby, end);
        return await fence(standby, term, soon());
      });
      // A receiver of the next term was ended after its first message: PostgreSQL sends a new timeline from the begin of the segment on, and tries the newest timeline's file first.
      const [own, copy, next] = [
        segmentAt(standby, log!.lsn),
        segmentAt(standby, log!.lsn, term + 1),
        segmentAt(standby, log!.lsn + SEGMENT_BYTES),
      ];
      const before = await readFile(historyFile(standby.layout, term), 'utf8');
      const place = async (bytes: number) => {
        const whole = await readFile(own);
        await replaceFile(historyFile(standby.layout, term + 1), `${before}${term}\t${formatLsn(log!.lsn)}\tx\n`, 0o600);
        await writeFile(copy, begin(whole, bytes));
        // Made ahead under the old timeline's name, as checkpoints do.
        await writeFile(next, whole);
        await standby.io.run(['/bin/chown', '--reference', walDir(standby.layout), copy, next]);
      };
      expect(log!.lsn % SEGMENT_BYTES).toBeGreaterThan(FIRST_MESSAGE_BYTES);
      await place(FIRST_MESSAGE_BYTES);
      expect(await endOfLog(standby, soon())).toEqual(log);
      expect(existsSync(copy)).toBe(false);
      await stopAtOnce(standby, soon());
      await place(FIRST_MESSAGE_BYTES);
      expect(await endOfLog(standby, soon())).toEqual(log);
      await place(FIRST_MESSAGE_BYTES);
      await startFenced(standby, soon());
      expect(existsSync(copy)).toBe(false);
      expect(await endOfLog(standby, soon())).toEqual(log);
      // A whole copy stays.
      await place(log!.lsn % SEGMENT_BYTES);
      expect(await endOfLog(standby, soon())).toEqual(log);
      await stopAtOnce(standby, soon());
      expect(await endOfLog(standby, soon())).toEqual(log);
      expect(existsSync(copy)).toBe(true);
      // And one that has more than the file of the old timeline.
      const whole = await readFile(own);
      await writeFile(own, begin(whole, FIRST_MESSAGE_BYTES));
      expect(await endOfLog(standby, soon())).toEqual(log);
      expect(existsSync(copy)).toBe(true);
      await writeFile(own, whole);
      // A server that reads the copy instead would end when it is promoted: it reads its last record again. The number of nobody's timeline is passed over.
      await startFenced(standby, soon());
      await place(FIRST_MESSAGE_BYTES);
      expect((await fence(standby, term, soon())).log).toEqual(log);
      const { timeline, fork } = await promoteByHand(standby);
      expect({ timeline, fork }).toEqual({ timeline: term + 2, fork: log });
      await stopAtOnce(standby, soon());
      await startFenced(standby, soon());
      await rebuild(standby, { leader: nodeOf(leader), term }, soon());
      await streams();
    },
  );

  it('is not sure when the walk does not reach what was replayed', async () => {
    await fill(leader, 3);
    await receivedOn(standby, await flushedOn(leader));
    const { log } = await fence(standby, term, soon());
    expect(log!.lsn % PAGE_BYTES).not.toBe(0);
    const [row] = await leader.sql<{ name: string }>('select pg_walfile_name(pg_current_wal_flush_lsn()) as name');
    await standby.io.run(['/bin/mv', `${standby.layout.dataDir}/pg_wal/${row!.name}`, `${standby.layout.unitDir}/away`]);
    await writeFile(`${standby.layout.dataDir}/pg_wal/${row!.name}`, Buffer.alloc(SEGMENT_BYTES));
    expect(await endOfLog(standby, soon())).toBe(null);
    expect(standby.said.at(-1)).toMatch(/not sure/);
  });
});
