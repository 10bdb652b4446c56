/** The primary side of a PostgreSQL member, on real servers, with the processes that matter frozen at the moments that matter. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readDurable } from '../../packages/nines/src/engines/postgres/durable/failover-file.ts';
import { endSessions, setAdmission } from '../../packages/nines/src/engines/postgres/primary/admission.ts';
import { FOREIGN_HISTORY, historyFileName, parseHistory } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { serverChildren } from '../../packages/nines/src/engines/postgres/primary/server-children.ts';
import { getReady } from '../../packages/nines/src/engines/postgres/standby/get-ready.ts';
import { startFenced } from '../../packages/nines/src/engines/postgres/standby/start-fenced.ts';
import { LONE } from '../../packages/nines/src/failover/record.ts';
import { eventually } from './data-engine-cluster.ts';
import { anyOf, Story, type StoryMember } from './postgres-story.ts';
import { describeLab } from './require-root.ts';

const soon = (ms = 20_000) => AbortSignal.timeout(ms);

describeLab('a primary', () => {
  let story: Story;
  let [a, b, c] = [] as unknown as Story['members'];
  const frozen: number[] = [];

  const processOf = ({ m }: StoryMember, role: string): number => {
    const found = serverChildren(m.server.pid ?? 0).find(({ title }) => title.includes(`${m.group.name}/${m.member.replicaName}: ${role}`));
    if (found === undefined) throw new Error(`${m.member.replicaName} has no ${role}`);
    return found.pid;
  };
  const freeze = (pid: number) => {
    process.kill(pid, 'SIGSTOP');
    frozen.push(pid);
  };
  const thaw = () => {
    for (const pid of frozen.splice(0)) process.kill(pid, 'SIGCONT');
  };
  const pulses = (who: StoryMember, deadlineMs: number) =>
    who.control.pulse(deadlineMs).then(
      () => true,
      () => false,
    );
  const waiting = async ({ m }: StoryMember) => {
    const [row] = await m.sql<{ waiting: number }>("select count(*)::int as waiting from pg_stat_activity where wait_event = 'SyncRep'");
    return row!.waiting;
  };
  /** When the query that waits began; undefined: none does. */
  const waitingSince = async ({ m }: StoryMember) =>
    (await m.sql<{ since: string }>("select query_start::text as since from pg_stat_activity where wait_event = 'SyncRep'"))[0]?.since;
  const observed = async (who: StoryMember, command: Parameters<StoryMember['control']['execute']>[0]) => {
    const event = await who.control.execute(command, soon());
    if (event.kind !== 'failed') throw new Error(`${command.kind} did not fail: ${JSON.stringify(event)}`);
    return event.postgres;
  };
  /** By the leader's word: a receiver that was frozen calls itself streaming when its walsender is long gone. */
  const streaming = (leader: StoryMember, ...followers: StoryMember[]) =>
    eventually('they stream', 10_000, async () => {
      const { standbys, flushLsn } = await leader.control.look(1_000);
      return followers.every(({ node }) => standbys.some((each) => each.node === node && each.counted && each.flushLsn >= (flushLsn ?? 0)));
    });

  beforeAll(async () => {
    story = await Story.begin('primary', '127.0.32');
    [a, b, c] = story.members;
    await story.found();
  });
  afterEach(thaw);
  afterAll(async () => {
    thaw();
    await story?.end();
  });

  it('has a setting after lone only when a commit was seen waiting', async () => {
    const checkpointer = processOf(a, 'checkpointer');
    freeze(checkpointer);
    const reloaded = a.control.execute({ kind: 'reload', setting: anyOf(1, b) }, soon());
    await eventually('the new setting is shown', 5_000, async () => {
      const [row] = await a.m.sql<{ names: string }>("select current_setting('synchronous_standby_names') as names");
      return row?.names === 'ANY 1 ("nobody")';
    });
    // Shown, and not in force: what a reload that trusted the sight of it would have missed.
    expect(await waiting(a)).toBe(0);
    thaw();
    expect(await reloaded).toEqual({ kind: 'reloaded', setting: anyOf(1, b) });
    await story.order(a, { kind: 'prove', setting: anyOf(1, b) }, 'proved');
    await eventually('nobody waits any more', 3_000, async () => (await waiting(a)) === 0);
    await story.setting(a, anyOf(1, b, c));
  });

  it('finds on a standby the slots that it will need when it leads, which keep no log meanwhile', async () => {
    type Slot = { name: string; reserved: boolean };
    const slots = ({ m }: StoryMember) =>
      m.sql<Slot>('select slot_name as name, restart_lsn is not null as reserved from pg_replication_slots order by 1');
    // It may have made its own already.
    await b.m.sql(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'replica_2';
      select pg_create_physical_replication_slot('replica_2', true)`);
    await getReady(b.m, soon());
    const ready = [
      { name: 'replica_0', reserved: false },
      { name: 'replica_2', reserved: false },
    ];
    expect(await slots(b)).toEqual(ready);
    await getReady(b.m, soon());
    expect(await slots(b)).toEqual(ready);
  });

  it('proves nothing while a walsender does not show that it has the setting', async () => {
    const walsender = processOf(a, 'walsender replica_2');
    freeze(walsender);
    await story.order(a, { kind: 'reload', setting: anyOf(1, b) }, 'reloaded');
    expect(await observed(a, { kind: 'prove', setting: anyOf(1, b) })).toEqual({
      mode: 'primary',
      term: story.term,
      setting: anyOf(1, b),
      proven: false,
      admitting: true,
    });
    thaw();
    await story.order(a, { kind: 'prove', setting: anyOf(1, b) }, 'proved');
    await streaming(a, b, c);
  });

  it('lets a walsender go whose standby is frozen, and proves by the others', async () => {
    freeze(processOf(c, 'walreceiver'));
    await story.setting(a, anyOf(1, b, c));
    thaw();
    await streaming(a, b, c);
    freeze(processOf(c, 'walreceiver'));
    await story.order(a, { kind: 'reload', setting: anyOf(2, b, c) }, 'reloaded');
    expect(await observed(a, { kind: 'prove', setting: anyOf(2, b, c) })).toMatchObject({ mode: 'primary', proven: false });
    thaw();
    await streaming(a, b, c);
    await story.order(a, { kind: 'prove', setting: anyOf(2, b, c) }, 'proved');
    await story.setting(a, anyOf(1, b, c));
  });

  it('pulses by the quorum only, one write at a time, and takes a cancelled wait for no proof', async () => {
    expect(await pulses(a, 5_000)).toBe(true);
    const receivers = [processOf(b, 'walreceiver'), processOf(c, 'walreceiver')];
    receivers.forEach(freeze);
    for (let round = 0; round < 3; round += 1) expect(await pulses(a, 100)).toBe(false);
    await eventually('one waits', 5_000, async () => {
      const count = await waiting(a);
      expect(count).toBeLessThan(2);
      return count === 1;
    });
    const first = await waitingSince(a);
    const late = a.control.pulse(20_000).then(
      () => 'acknowledged',
      (error: Error) => error.message,
    );
    await a.m.sql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    // The cancelled one is answered as committed; the next one waits in its place.
    await eventually('the next one waits', 15_000, async () => {
      const since = await waitingSince(a);
      return since !== undefined && since !== first;
    });
    await a.m.sql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    expect(await late).toContain('cancelled');
    thaw();
    await streaming(a, b, c);
    await eventually('it pulses again', 15_000, () => pulses(a, 500));
  });

  it('goes on leading when the successor is not there, or a client does not let go', async () => {
    const client = await story.application(a);
    await client.query('begin');
    expect(await observed(a, { kind: 'shutDown', to: b.node })).toMatchObject({ mode: 'primary', admitting: true });
    await client.query('create table kept (id int)');
    await client.query('commit');
    await b.control.execute({ kind: 'fence', epoch: 2 }, soon());
    expect(await observed(a, { kind: 'shutDown', to: b.node })).toMatchObject({ mode: 'primary', admitting: true });
    const again = await story.application(a);
    expect((await again.query('select from kept')).rowCount).toBe(0);
    await story.follow(b, a);
  });

  it('bars who is there, who comes, and who came before and has not said his name', async () => {
    const session = await story.application(b);
    const ended = new Promise((resolve) => session.once('end', resolve));
    const silent: Socket = connect({ host: b.m.member.address, port: b.m.member.port });
    await new Promise((resolve) => silent.once('connect', resolve));
    await eventually('it has a process', 3_000, async () => unnamed(b) === 1);
    const closed = new Promise((resolve) => silent.once('close', resolve));
    await setAdmission(b.m, false, soon());
    await endSessions(b.m, soon());
    expect(unnamed(b)).toBe(0);
    await Promise.all([ended, closed]);
    await expect(story.application(b)).rejects.toThrow(/pg_hba/);
    await setAdmission(b.m, true, soon());
  });
  const unnamed = ({ m }: StoryMember) => serverChildren(m.server.pid ?? 0).filter(({ title }) => title.includes(m.layout.dataDir)).length;

  it('is promoted with its setting in force, however slow the checkpointer, and to its own timeline beside those of others', async () => {
    await story.order(c, { kind: 'demote' }, 'demoted');
    await a.m.kill('SIGKILL');
    const log = await story.rest(b, 3);
    await story.rest(c, 3);
    // Somebody took a term, perhaps two, and was never heard of again; each log would begin where this one ends.
    story.takeTerm(c, log);
    story.takeTerm(a, log);
    story.takeTerm(b, log);
    freeze(processOf(b, 'checkpointer'));
    await story.promote(b, anyOf(1, c));
    expect((await readDurable(b.m)).taint).toBe(story.term);
    expect(await pulses(b, 300)).toBe(false);
    thaw();
    const history = readFileSync(join(b.m.layout.dataDir, 'pg_wal', historyFileName(story.term)), 'utf8');
    expect(parseHistory(history).at(-1)).toEqual({ parent: log.term, fork: log.lsn });
    await story.follow(c, b);
    await streaming(b, c);
    await story.order(b, { kind: 'prove', setting: anyOf(1, c) }, 'proved');
    await story.order(b, { kind: 'admit' }, 'admitted');
    expect(await pulses(b, 5_000)).toBe(true);
  });

  it('forgets a timeline that it was about to take for its own future', async () => {
    await b.m.kill('SIGKILL');
    const log = await story.rest(c, 4);
    // The true history of a leader that died: it begins further on than this log ends.
    story.timelines.push({ term: story.term + 1, node: b.node, parent: log.term, fork: log.lsn + 4096 });
    const walDir = join(c.m.layout.dataDir, 'pg_wal');
    const before = readFileSync(join(walDir, historyFileName(log.term)), 'utf8');
    const fork = (log.lsn + 4096).toString(16).toUpperCase();
    writeFileSync(join(walDir, historyFileName(story.term)), `${before}\n${log.term}\t0/${fork}\tno recovery target specified\n`);
    await eventually('its server has made that its own future', 5_000, async () =>
      readFileSync(c.m.logFile, 'utf8').includes(`new target timeline is ${story.term}\n`),
    );
    story.takeTerm(c, log);
    await story.promote(c, LONE);
    const history = readFileSync(join(walDir, historyFileName(story.term)), 'utf8');
    expect(parseHistory(history).at(-1)).toEqual({ parent: log.term, fork: log.lsn });
  });

  it('starts again although numbers of timelines were taken for a promotion that never came', async () => {
    await c.m.kill('SIGKILL');
    const walDir = join(c.m.layout.dataDir, 'pg_wal');
    for (const timeline of [story.term + 1, story.term + 2]) writeFileSync(join(walDir, historyFileName(timeline)), FOREIGN_HISTORY);
    await startFenced(c.m, soon());
    expect((await c.control.look(1_000)).role).toBe('standby');
  });
});
