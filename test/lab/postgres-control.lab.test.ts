/** Three members through a failover and a switchover, by the commands that the failover core gives, in its order. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDurable } from '../../packages/nines/src/engines/postgres/durable/failover-file.ts';
import { isOnHistory } from '../../packages/nines/src/failover/log.ts';
import { eventually, exposedSecrets } from './data-engine-cluster.ts';
import { anyOf, type ClientWishes, Story, type StoryMember } from './postgres-story.ts';
import { describeLab } from './require-root.ts';

describeLab('a PostgreSQL group, driven by the commands of the core', () => {
  let story: Story;
  let a: StoryMember;
  let b: StoryMember;
  let c: StoryMember;
  let acknowledged = 0;

  const write = async (leader: StoryMember, rows: number) => {
    const client = await story.application(leader);
    for (let row = 0; row < rows; row += 1) {
      await client.query('insert into notes values ($1)', [acknowledged + 1]);
      acknowledged += 1;
    }
    await client.end();
  };
  const rowsOn = async (leader: StoryMember) => {
    const client = await story.application(leader);
    const { rows } = await client.query<{ id: number }>('select id from notes order by id');
    await client.end();
    return rows.map(({ id }) => id);
  };
  const everything = () => Array.from({ length: acknowledged }, (_, at) => at + 1);

  beforeAll(async () => {
    story = await Story.begin('failover by hand', '127.0.32');
    [a, b, c] = story.members;
    await story.found();
    await story.setting(a, anyOf(1, b));
    await story.setting(a, anyOf(1, b, c));
    const client = await story.application(a);
    await client.query('create table notes (id int primary key)');
    await client.end();
  });
  afterAll(async () => {
    await story?.end();
  });

  it('lets each role do its own work only, from its own place only', async () => {
    const refused = (wishes: ClientWishes) => expect(story.application(a, wishes)).rejects.toThrow(/pg_hba/);
    await refused({ plain: true });
    await refused({ database: 'postgres' });
    await refused({ user: 'postgres' });
    await refused({ user: 'replica_1' });
    await refused({ from: '127.0.9.9' });
    const monitor = await story.application(a, { user: 'monitor' });
    await expect(monitor.query('select * from notes')).rejects.toThrow(/permission denied/);
    const standbys = 'select from pg_stat_replication where client_addr is not null';
    await eventually('it sees both standbys', 15_000, async () => (await monitor.query(standbys)).rowCount === 2);
    const client = await story.application(a);
    await expect(client.query('alter system set fsync = off')).rejects.toThrow(/permission denied/);
    await Promise.all([monitor.end(), client.end()]);
    const roles = await a.m.sql(
      "select rolname, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as powerful, rolreplication from pg_roles where rolname !~ '^pg_' order by 1",
    );
    expect(roles.map((row) => Object.values(row))).toEqual([
      ['app', false, false],
      ['monitor', false, false],
      ['postgres', true, true],
      ['replica_0', false, true],
      ['replica_1', false, true],
      ['replica_2', false, true],
    ]);
    let slots: { name: string; active: boolean }[] = [];
    await eventually('every slot is in use', 15_000, async () => {
      slots = await a.m.sql('select slot_name as name, active from pg_replication_slots order by 1');
      return slots.every(({ active }) => active);
    });
    expect(slots.map((row) => Object.values(row))).toEqual([
      ['replica_1', true],
      ['replica_2', true],
    ]);
  });

  it('keeps every acknowledged write when the primary is killed', async () => {
    await write(a, 20);
    expect((await a.control.pulse(10_000)).tookMs).toBeLessThan(10_000);
    await a.m.kill('SIGKILL');
    const startedAt = performance.now();
    const [ofB, ofC] = await Promise.all([story.rest(b, 2), story.rest(c, 2)]);
    const [winner, other, log] = ofB.lsn >= ofC.lsn ? [b, c, ofB] : [c, b, ofC];
    story.takeTerm(winner, log);
    await Promise.all([story.promote(winner, anyOf(1, other)), story.follow(other, winner)]);
    expect((await readDurable(winner.m)).taint).toBe(story.term);
    await expect(story.application(winner)).rejects.toThrow(/pg_hba/);
    await story.order(winner, { kind: 'prove', setting: anyOf(1, other) }, 'proved');
    await story.order(winner, { kind: 'clearTaint' }, 'taintCleared');
    await story.order(winner, { kind: 'admit' }, 'admitted');
    await write(winner, 1);
    process.stderr.write(`failover by hand: first acknowledged write ${Math.round(performance.now() - startedAt)} ms after the kill\n`);
    expect(await rowsOn(winner)).toEqual(everything());

    await story.order(a, { kind: 'start' }, 'started');
    const former = await story.rest(a, 2);
    if (!isOnHistory(story.timelines, story.term, former)) {
      await story.order(a, { kind: 'rebuild', leader: winner.node, term: story.term }, 'rebuilt');
    }
    await story.follow(a, winner);
    await story.setting(winner, anyOf(1, a, other));
    [a, b, c] = [winner, other, a];
  });

  it('hands over without a loss, a fence or a rewind', async () => {
    await write(a, 20);
    const startedAt = performance.now();
    const { log } = await story.order(a, { kind: 'shutDown', to: b.node }, 'wasShutDown');
    const end = await story.rest(b, 3);
    expect(end).toEqual(log);
    story.takeTerm(b, log);
    await Promise.all([story.promote(b, anyOf(1, c)), story.follow(c, b)]);
    await story.order(b, { kind: 'prove', setting: anyOf(1, c) }, 'proved');
    await story.order(b, { kind: 'clearTaint' }, 'taintCleared');
    await story.order(b, { kind: 'admit' }, 'admitted');
    await write(b, 1);
    process.stderr.write(`switchover by hand: first acknowledged write after ${Math.round(performance.now() - startedAt)} ms\n`);
    expect(await rowsOn(b)).toEqual(everything());

    await story.order(a, { kind: 'start' }, 'started');
    expect(isOnHistory(story.timelines, story.term, await story.rest(a, 3))).toBe(true);
    await story.follow(a, b);
    await eventually('the former leader streams', 5_000, async () => (await a.control.look(1_000)).streaming);
    await story.setting(b, anyOf(1, a, c));
    await write(b, 5);
    const sight = await b.control.look(1_000);
    expect(sight).toMatchObject({ answers: true, role: 'primary', term: story.term });
    expect(sight.standbys.map(({ node, counted }) => [node, counted]).toSorted()).toEqual(
      [a, c].map(({ node }) => [node, true]).toSorted(),
    );
  });

  it('has shown no password in a log or in the argv of any process', () => {
    const logFiles = story.members.map(({ m }) => m.logFile);
    expect(exposedSecrets(story.stage.cluster, logFiles)).toEqual([]);
    for (const file of logFiles) expect(readFileSync(file, 'utf8')).not.toContain('SCRAM-SHA-256$');
  });
});
