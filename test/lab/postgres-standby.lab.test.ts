/** The standby side of a PostgreSQL member: starts, fences, followings, rebuilds and boots, on real servers. */
import { readFileSync } from 'node:fs';
import { copyFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clone } from '../../packages/nines/src/engines/postgres/clone.ts';
import { hasData } from '../../packages/nines/src/engines/postgres/data-directory.ts';
import { readDurable, writeDurable } from '../../packages/nines/src/engines/postgres/durable/failover-file.ts';
import { initialise } from '../../packages/nines/src/engines/postgres/initialise.ts';
import { processesIn } from '../../packages/nines/src/engines/postgres/leftovers.ts';
import { historyFileName } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { Lookout } from '../../packages/nines/src/engines/postgres/primary/look.ts';
import { boot } from '../../packages/nines/src/engines/postgres/standby/boot.ts';
import { endOfLog } from '../../packages/nines/src/engines/postgres/standby/end-of-log.ts';
import { fence } from '../../packages/nines/src/engines/postgres/standby/fence.ts';
import { follow } from '../../packages/nines/src/engines/postgres/standby/follow.ts';
import { signalIfThere, startupProcess } from '../../packages/nines/src/engines/postgres/primary/server-children.ts';
import { keepNudging } from '../../packages/nines/src/engines/postgres/standby/nudge.ts';
import { rebuild } from '../../packages/nines/src/engines/postgres/standby/rebuild.ts';
import { receiveNothing, receivers } from '../../packages/nines/src/engines/postgres/standby/receivers.ts';
import { startFenced } from '../../packages/nines/src/engines/postgres/standby/start-fenced.ts';
import { stopAtOnce } from '../../packages/nines/src/engines/postgres/standby/stop-at-once.ts';
import { eventually } from './data-engine-cluster.ts';
import {
  flushedOn,
  follows,
  nodeOf,
  postgresMembers,
  promoteByHand,
  receivedOn,
  soon,
  tailOf,
  type TestMember,
  type TestMembers,
  timed,
  wishFor,
} from './postgres-members.ts';
import { describeLab } from './require-root.ts';

const show = (text: string) => process.stderr.write(`PostgreSQL standby: ${text}\n`);

describeLab('a standby', () => {
  let stage: TestMembers;
  let a: TestMember;
  let b: TestMember;
  let c: TestMember;

  const fill = (m: TestMember, rows = 1) => m.sql(`insert into notes select g, repeat('x', 500) from generate_series(1, ${rows}) g`);
  const namesOn = async (m: TestMember) =>
    (await m.sql<{ name: string }>("select application_name as name from pg_stat_replication where state = 'streaming' order by 1")).map(
      ({ name }) => name,
    );
  /** Never two at once: the old one is gone before the new one is named. */
  const streamsAs = async (name: string) => {
    await eventually(`it streams as ${name}`, 15_000, async () => {
      const names = await namesOn(a);
      expect(names.length).toBeLessThan(2);
      return names[0] === name;
    });
  };
  /** The leader writes a little by itself, also between the last look and the fence. */
  const endsBetween = async (before: number, lsn: number, leader: TestMember) => {
    expect(lsn).toBeGreaterThanOrEqual(before);
    expect(lsn).toBeLessThanOrEqual(await flushedOn(leader));
  };
  const rows = async (m: TestMember) => (await m.sql<{ rows: number }>('select count(*)::int as rows from notes'))[0]?.rows;

  beforeAll(async () => {
    stage = await postgresMembers('127.0.31');
    [a, b, c] = stage.members;
    expect(await hasData(a)).toBe(false);
    const made = await timed(() => initialise(a, soon()));
    expect(a.server.pid).toBe(null);
    expect(await initialise(a, soon())).toEqual(made.result);
    await startFenced(a, soon());
    expect(await promoteByHand(a)).toEqual({ timeline: 2, fork: made.result.end });
    await a.sql('create table notes (id int, note text)');
    for (const m of [b, c]) {
      const cloned = await timed(() => clone(m, nodeOf(a), soon()));
      const up = await timed(() => startFenced(m, soon()));
      show(`clone ${cloned.ms} ms, first start ${up.ms} ms`);
    }
  });
  afterAll(async () => {
    await stage?.end();
  });

  it('receives nothing after a start, and under the name of the term once it follows', async () => {
    expect(receivers(b)).toEqual([]);
    expect(
      await b.sql("select current_setting('synchronous_standby_names') as names, current_setting('primary_conninfo') as source"),
    ).toEqual([{ names: 'ANY 1 ("nobody")', source: '' }]);
    const followed = await timed(() => follows(b, wishFor(a, 2, false)));
    await streamsAs('replica_1_f2');
    const counted = await timed(() => follows(b, wishFor(a, 2)));
    await streamsAs('replica_1_t2');
    show(`follow: streams after ${followed.ms} ms; under another name after ${counted.ms} ms`);
    await expect(follow(b, wishFor(b, 2), soon())).rejects.toMatchObject({ code: 'E_CONFIG_INVALID' });
  });

  it('promises durably, and nothing comes in any more; the promise never falls', async () => {
    await follows(b, wishFor(a, 2));
    await fill(a, 100);
    const before = await flushedOn(a);
    await receivedOn(b, before);
    const fenced = await timed(() => fence(b, 7, soon()));
    show(`fence ${fenced.ms} ms`);
    expect(fenced.result).toEqual({ promise: 7, log: { term: 2, lsn: expect.any(Number) } });
    await endsBetween(before, fenced.result.log!.lsn, a);
    await fill(a, 100);
    expect(receivers(b)).toEqual([]);
    expect((await fence(b, 3, soon())).promise).toBe(7);
    expect(await readDurable(b)).toEqual({ promise: 7, taint: 0 });
    expect(await endOfLog(b, soon())).toEqual(fenced.result.log);
    await expect(fence(a, 8, soon())).rejects.toMatchObject({ code: 'E_MEMBER_BUSY' });
    expect((await readDurable(a)).promise).toBe(0);
  });

  it('a receiver that the server starts by itself finds nobody: the service file is the fence', async () => {
    await follows(b, wishFor(a, 2));
    const before = receivers(b);
    await receiveNothing(b, soon());
    expect(before.length).toBe(1);
    expect(receivers(b)).not.toContain(before[0]);
    // The server still believes that it follows, and starts one receiver after the other.
    await eventually('it has tried', 5_000, async () => /definition of service "leader" not found/.test(tailOf(b)));
    await eventually('the leader has lost it', 5_000, async () => (await namesOn(a)).length === 0);
    await fill(a, 10);
    expect((await fence(b, 7, soon())).log?.lsn).toBeLessThan(await flushedOn(a));
  });

  it('tries again at once when its first receiver is turned away', async () => {
    await fence(b, 7, soon());
    await b.sql("alter system set wal_retrieve_retry_interval = '1h'");
    try {
      let first: number | undefined;
      const following = follow(b, wishFor(a, 2), soon());
      const ended = following.then(() => true);
      while (first === undefined && !(await Promise.race([ended, delay(1)]))) {
        [first] = receivers(b);
        if (first !== undefined) signalIfThere(first, 'SIGTERM');
      }
      await following;
      // A machine that stands still just then may take longer than `follow` looks: what comes after it goes on.
      await keepNudging(startupProcess(b.server.pid!)!.pid, 2_000, soon());
      await streamsAs('replica_1_t2');
      expect(receivers(b)).not.toContain(first);
    } finally {
      await b.sql('alter system reset wal_retrieve_retry_interval');
      b.server.kill('SIGHUP');
    }
  });

  it('fences with a receiver that does not end: its server goes with it', async () => {
    await follows(b, wishFor(a, 2));
    const [receiver] = receivers(b);
    process.kill(receiver!, 'SIGSTOP');
    const fenced = await timed(() => fence(b, 8, soon()));
    show(`fence over a frozen receiver ${fenced.ms} ms`);
    expect(fenced.result).toMatchObject({ promise: 8, log: { term: 2 } });
    expect(await processesIn(b.layout.dataDir)).not.toContain(receiver);
    await eventually('the leader has lost it', 5_000, async () => (await namesOn(a)).length === 0);
  });

  it('an agent that starts keeps a standby that follows as it is', async () => {
    await follows(b, wishFor(a, 2));
    const before = receivers(b);
    expect((await boot(b, soon())).postgres).toEqual({
      mode: 'standby',
      following: { leader: nodeOf(a), term: 2, counted: true },
      log: null,
    });
    expect(receivers(b)).toEqual(before);
    const found = await boot(a, soon());
    expect(found.postgres).toEqual({ mode: 'primary', term: 2, setting: { acks: 1, voters: ['nobody'] }, proven: false, admitting: true });
    expect((await boot(b, soon())).systemId).toBe(found.systemId);
  });

  it('an agent that starts keeps a server that is not heard for a moment', async () => {
    await follows(b, wishFor(a, 2));
    const before = b.server.pid;
    b.server.kill('SIGSTOP');
    const thaw = setTimeout(() => b.server.kill('SIGCONT'), 1_500);
    const booted = await timed(() => boot(b, soon()));
    clearTimeout(thaw);
    show(`boot over a server that stood still for 1.5 s ${booted.ms} ms`);
    expect(booted.result.postgres).toEqual({ mode: 'standby', following: { leader: nodeOf(a), term: 2, counted: true }, log: null });
    expect(b.server.pid).toBe(before);
    expect(booted.ms).toBeGreaterThan(1_000);
  });

  it('an agent that starts ends a receiver that is not the one its files ask for', async () => {
    const service = readFileSync(b.layout.serviceFile, 'utf8');
    await writeFile(b.layout.serviceFile, service.replace('_t2', '_t3'));
    expect((await boot(b, soon())).postgres).toEqual({ mode: 'standby', following: null, log: await endOfLog(b, soon()) });
    // One that the server had begun to start finds nobody, and ends.
    await eventually('nobody receives', 5_000, async () => receivers(b).length === 0);
    await follows(b, wishFor(a, 2));
  });

  it('an agent that starts stops a standby whose promotion may be on its way, and a server that does not answer', async () => {
    const { promise } = await readDurable(b);
    await writeDurable(b, { promise, taint: 3 });
    const before = b.server.pid;
    expect(await boot(b, soon())).toMatchObject({ taint: 3, postgres: { mode: 'standby', following: null, log: { term: 2 } } });
    expect(b.server.pid).not.toBe(before);
    await writeDurable(b, { promise, taint: 0 });
    b.server.kill('SIGSTOP');
    expect((await boot(b, soon())).postgres).toEqual({ mode: 'down' });
    expect(b.server.pid).toBe(null);
    await startFenced(b, soon());
  });

  it('a promise that cannot be read is an error, never none', async () => {
    const content = readFileSync(b.layout.failoverFile, 'utf8');
    for (const damaged of ['', '{', '{"promise":-1,"taint":0}', '{"taint":0}']) {
      await writeFile(b.layout.failoverFile, damaged);
      await expect(boot(b, soon())).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
      await expect(fence(b, 9, soon())).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
    }
    await rm(b.layout.failoverFile);
    await expect(boot(b, soon())).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
    await writeFile(b.layout.failoverFile, content);
  });

  it('a primary that was killed comes up as a standby at the end of its log, on its own timeline, without slots', async () => {
    await fill(a, 300);
    const flushed = await flushedOn(a);
    await a.kill('SIGKILL');
    const killed = await timed(() => startFenced(a, soon()));
    expect(await a.sql('select pg_is_in_recovery() as standby, (select count(*)::int from pg_replication_slots) as slots')).toEqual([
      { standby: true, slots: 0 },
    ]);
    const log = await endOfLog(a, soon());
    expect(log).toMatchObject({ term: 2 });
    expect(log!.lsn).toBeGreaterThanOrEqual(flushed);
    await stopAtOnce(a, soon());
    const stopped = await timed(() => startFenced(a, soon()));
    expect(await endOfLog(a, soon())).toEqual(log);
    await a.kill('SIGINT');
    expect(await endOfLog(a, soon())).toEqual(log);
    const clean = await timed(() => startFenced(a, soon()));
    expect(await endOfLog(a, soon())).toEqual(log);
    show(
      `start fenced after kill -9 of a primary ${killed.ms} ms, after an immediate stop ${stopped.ms} ms, after a clean stop ${clean.ms} ms`,
    );
  });

  it('is rebuilt from the leader of the term alone, and stays what it was when that fails', async () => {
    expect((await promoteByHand(b)).timeline).toBe(3);
    await fill(b, 50);
    await writeDurable(a, { promise: 5, taint: 2 });
    const log = await endOfLog(a, soon());
    await expect(rebuild(a, { leader: nodeOf(c), term: 3 }, soon())).rejects.toThrow();
    await expect(rebuild(a, { leader: nodeOf(b), term: 4 }, soon())).rejects.toMatchObject({ code: 'E_DATA_FOREIGN' });
    expect(await endOfLog(a, soon())).toEqual(log);
    expect(await boot(a, soon())).toMatchObject({ promise: 5, taint: 2 });
    const rebuilt = await timed(() => rebuild(a, { leader: nodeOf(b), term: 3 }, soon()));
    show(`rebuild ${rebuilt.ms} ms`);
    expect(rebuilt.result).toMatchObject({ taint: 0, log: { term: 3 } });
    expect(await readDurable(a)).toEqual({ promise: 5, taint: 0 });
    await follows(a, wishFor(b, 3));
    await receivedOn(a, await flushedOn(b));
    await eventually('all rows are there', 5_000, async () => (await rows(a)) === (await rows(b)));
    await eventually('it alone streams, under its name', 15_000, async () => (await namesOn(b)).join() === 'replica_0_t3');
  });

  it('has the old or the new data, complete, wherever an exchange was interrupted', async () => {
    const { dataDir, buildingDir, discardedDir } = c.layout;
    const marked = (folder: string) => join(folder, 'nines.json');
    await stopAtOnce(c, soon());
    // Before the first rename, with a copy that is not complete: the old one.
    await c.io.run(['/bin/cp', '-a', dataDir, buildingDir]);
    await rm(marked(buildingDir));
    expect(await hasData(c)).toBe(true);
    // Between the renames: the new one.
    await c.io.run(['/bin/cp', '-a', dataDir, buildingDir]);
    await writeFile(join(buildingDir, 'is-new'), '');
    await rename(dataDir, discardedDir);
    expect(await hasData(c)).toBe(true);
    expect(readFileSync(join(dataDir, 'is-new'), 'utf8')).toBe('');
    // A copy without its mark was not complete: the old one comes back.
    await c.io.run(['/bin/cp', '-a', dataDir, buildingDir]);
    await rm(marked(buildingDir));
    await rm(join(buildingDir, 'PG_VERSION'));
    await rename(dataDir, discardedDir);
    expect(await hasData(c)).toBe(true);
    expect(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8')).toBe('15\n');
    await startFenced(c, soon());
  });

  it('says the term of its last record, whatever history files it has already', async () => {
    const lagging = await endOfLog(c, soon());
    expect(lagging).toMatchObject({ term: 2 });
    const history = historyFileName(3);
    await copyFile(join(b.layout.dataDir, 'pg_wal', history), join(c.layout.dataDir, 'pg_wal', history));
    await c.io.run(['/bin/chown', 'postgres', join(c.layout.dataDir, 'pg_wal', history)]);
    expect(await endOfLog(c, soon())).toEqual(lagging);
    await stopAtOnce(c, soon());
    expect(await endOfLog(c, soon())).toEqual(lagging);
    await startFenced(c, soon());
    await follows(c, wishFor(b, 3));
    const before = await flushedOn(b);
    await receivedOn(c, before);
    const { log } = await fence(c, 1, soon());
    expect(log).toEqual({ term: 3, lsn: expect.any(Number) });
    await endsBetween(before, log!.lsn, b);
  });

  it('is empty and clones again when its data is gone; the promise stays', async () => {
    await stopAtOnce(c, soon());
    await writeDurable(c, { promise: 6, taint: 3 });
    await c.io.run(['/bin/rm', '-rf', c.layout.dataDir]);
    expect(await hasData(c)).toBe(false);
    await clone(c, nodeOf(b), soon());
    expect(await readDurable(c)).toEqual({ promise: 6, taint: 0 });
    await expect(clone(c, nodeOf(b), soon())).rejects.toMatchObject({ code: 'E_MEMBER_BUSY' });
    await startFenced(c, soon());
  });

  it('receives nothing when its next log is gone, and a copy of the leader brings it back, slot and all', async () => {
    const slot = async () =>
      (await b.sql<{ status: string }>("select wal_status as status from pg_replication_slots where slot_name = 'replica_0'"))[0]?.status;
    await fence(a, 7, soon());
    await b.sql("alter system set max_slot_wal_keep_size = '16MB'");
    await b.sql('alter system set wal_keep_size = 0');
    await b.sql('select pg_reload_conf()');
    for (let segments = 0; segments < 6; segments += 1) {
      await fill(b);
      await b.sql('select pg_switch_wal()');
    }
    await eventually('the slot is lost', 10_000, async () => {
      await b.sql('checkpoint');
      return (await slot()) === 'lost';
    });
    await follow(a, wishFor(b, 3), soon());
    const lookout = new Lookout(a);
    const { flushLsn } = await lookout.look(10_000);
    const named: boolean[] = [];
    for (let looks = 0; looks < 40; looks += 1) {
      await fill(b);
      const sight = await lookout.look(10_000);
      expect(sight).toMatchObject({ answers: true, role: 'standby', flushLsn });
      named.push(sight.streaming);
      await delay(25);
    }
    lookout.close();
    show(`a receiver whose next log is gone called itself streaming in ${named.filter(Boolean).length} of ${named.length} looks`);
    await rebuild(a, { leader: nodeOf(b), term: 3 }, soon());
    await follows(a, wishFor(b, 3));
    await receivedOn(a, await flushedOn(b));
    expect(await slot()).toBe('reserved');
    await b.sql('alter system reset all');
    await b.sql('select pg_reload_conf()');
  });
});
