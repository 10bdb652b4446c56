/** A standby that has heard of a leader and received nothing of it, when that leader has died and another one leads. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServerProcess } from '../../packages/nines/src/engines/postgres/control.ts';
import { formatLsn } from '../../packages/nines/src/engines/postgres/lsn.ts';
import { FOREIGN_HISTORY, historyFileName, isForeignHistory } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { forgetSiblings } from '../../packages/nines/src/engines/postgres/standby/forget-siblings.ts';
import type { LogEnd } from '../../packages/nines/src/failover/log.ts';
import { LONE } from '../../packages/nines/src/failover/record.ts';
import { eventually } from './data-engine-cluster.ts';
import { flushedOn, quietly, receivedOn, soon, tailOf } from './postgres-members.ts';
import { Story, type StoryMember } from './postgres-story.ts';
import { describeLab } from './require-root.ts';

describeLab('a standby with the history of a dead leader', () => {
  let story: Story;
  /** Dies at the beginning of each test, and comes back as a standby at its end. */
  let a: StoryMember;
  let b: StoryMember;
  let c: StoryMember;

  const history = ({ m }: StoryMember, term: number) => join(m.layout.dataDir, 'pg_wal', historyFileName(term));
  const textOf = (who: StoryMember, term: number) => (existsSync(history(who, term)) ? readFileSync(history(who, term), 'utf8') : '');
  /** By what comes: a receiver that is refused again and again calls itself streaming each time. */
  const receives = async (who: StoryMember, leader: StoryMember) => {
    await leader.m.sql('create table if not exists notes (id int)');
    await leader.m.sql('insert into notes values (1)');
    const lsn = await flushedOn(leader.m);
    await receivedOn(who.m, lsn).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${tailOf(who.m)}`);
    });
  };
  const place = async (who: StoryMember, term: number, text: string) => {
    writeFileSync(history(who, term), text);
    const { uid, gid } = await stat(who.m.layout.dataDir);
    await chown(history(who, term), uid, gid);
  };
  /** What a receiver fetches when it connects, before anything of the log. */
  const fetched = (who: StoryMember, { term, lsn }: LogEnd, sibling: number) => {
    return place(who, sibling, `${textOf(who, term)}\n${term}\t${formatLsn(lsn)}\tno recovery target specified\n`);
  };
  const adopts = (who: StoryMember, term: number) =>
    eventually('the server has made it its own future', 5_000, async () =>
      readFileSync(who.m.logFile, 'utf8').includes(`new target timeline is ${term}\n`),
    );
  /** The leader is gone, everybody rests at one end, and somebody took a term there and was heard of no more. */
  const orphaned = async (): Promise<{ log: LogEnd; sibling: number }> => {
    await quietly(a.m, async () => {
      await receives(b, a);
      await receivedOn(c.m, await flushedOn(a.m));
      await a.m.kill('SIGKILL');
    });
    const epoch = story.term + 1;
    const log = await story.rest(b, epoch);
    expect(await story.rest(c, epoch)).toEqual(log);
    story.takeTerm(a, log);
    return { log, sibling: story.term };
  };
  const bLeads = async (log: LogEnd) => {
    story.takeTerm(b, log);
    await story.promote(b, LONE);
  };
  /** By a copy, as the log of a killed primary may go on elsewhere. */
  const comesBack = async () => {
    await story.order(a, { kind: 'start' }, 'started');
    await story.rest(a, story.term);
    await story.order(a, { kind: 'rebuild', leader: b.node, term: story.term }, 'rebuilt');
    await story.follow(a, b);
    await receives(a, b);
    [a, b] = [b, a];
  };

  beforeAll(async () => {
    story = await Story.begin('sibling', '127.0.36');
    [a, b, c] = story.members;
    await story.found();
    await receives(b, a);
    await receives(c, a);
  });
  afterAll(async () => {
    await story?.end();
  });

  it('forgets it, and streams from the next one', async () => {
    const { log, sibling } = await orphaned();
    await fetched(c, log, sibling);
    await adopts(c, sibling);
    await bLeads(log);
    await story.follow(c, b);
    await receives(c, b);
    expect(isForeignHistory(textOf(c, sibling)), 'as the leader has it').toBe(true);
    expect(c.m.said.at(-1)).toContain(`another leader's timeline (${sibling})`);
    await comesBack();
  });

  it('forgets it although the agent ended in the middle of that', async () => {
    const { log, sibling } = await orphaned();
    await fetched(c, log, sibling);
    await adopts(c, sibling);
    await bLeads(log);
    const { server } = c.m;
    const kill = (signal: NodeJS.Signals): never => {
      server.kill(signal);
      throw new Error('the agent ended');
    };
    const ending: ServerProcess = { pid: server.pid, spawn: (signal) => server.spawn(signal), gone: (signal) => server.gone(signal), kill };
    await expect(forgetSiblings({ ...c.m, server: ending }, story, soon())).rejects.toThrow('the agent ended');
    expect(isForeignHistory(textOf(c, sibling)), 'the next agent still sees what is wrong').toBe(false);
    await server.gone(soon());
    await story.order(c, { kind: 'start' }, 'started');
    await story.rest(c, story.term);
    await story.follow(c, b);
    await receives(c, b);
    await comesBack();
  });

  it('keeps its log and the number when the sibling began before the log’s own timeline', async () => {
    const older = story.timelines.find(({ term }) => isForeignHistory(textOf(c, term)));
    const { log } = await orphaned();
    expect(older?.term).toBeLessThan(log.term);
    await fetched(c, { term: older?.parent ?? 0, lsn: older?.fork ?? 0 }, older?.term ?? 0);
    await bLeads(log);
    const before = c.m.server.pid;
    await forgetSiblings(c.m, story, soon());
    expect(c.m.server.pid).not.toBe(before);
    expect(await story.rest(c, story.term)).toEqual(log);
    expect(isForeignHistory(textOf(c, older?.term ?? 0))).toBe(true);
    await story.follow(c, b);
    await receives(c, b);
    await comesBack();
  });

  it('is not started again for a number that is only kept taken, nor for the history of its leader', async () => {
    const { log, sibling } = await orphaned();
    await place(c, sibling, FOREIGN_HISTORY);
    await bLeads(log);
    await place(c, story.term, textOf(b, story.term));
    const before = c.m.server.pid;
    await story.follow(c, b);
    await receives(c, b);
    expect(c.m.server.pid).toBe(before);
  });
});
