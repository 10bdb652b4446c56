/** What an agent or a server that ended half-way leaves behind, on a real server that is alone in its group. */
import { readFileSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NOBODY_ACKNOWLEDGES, writeLeadershipSettings } from '../../packages/nines/src/engines/postgres/leadership-settings.ts';
import { formatLsn } from '../../packages/nines/src/engines/postgres/lsn.ts';
import { isAdmitting, writeAdmission } from '../../packages/nines/src/engines/postgres/primary/admission.ts';
import { historyFileName, parseHistory } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { LONE } from '../../packages/nines/src/failover/record.ts';
import { eventually } from './data-engine-cluster.ts';
import { Story, type StoryMember } from './postgres-story.ts';
import { describeLab } from './require-root.ts';

const soon = (ms = 20_000) => AbortSignal.timeout(ms);

describeLab('a member that was left half-way', () => {
  let story: Story;
  let a: StoryMember;
  const history = (term: number) => join(a.m.layout.dataDir, 'pg_wal', historyFileName(term));
  const names = async () => (await a.m.sql<{ names: string }>("select current_setting('synchronous_standby_names') as names"))[0]?.names;

  beforeAll(async () => {
    story = await Story.begin('interrupted', '127.0.37');
    [a] = story.members;
    const { end } = await a.control.initialise(soon(60_000));
    story.timelines.push({ term: end.term, node: a.node, parent: 0, fork: 0 });
    await story.order(a, { kind: 'start' }, 'started');
  });
  afterAll(async () => {
    await story?.end();
  });

  it('is promoted to its term, though a promotion that ended before its first record had taken the number', async () => {
    const log = await story.rest(a, 1);
    story.takeTerm(a, log);
    writeFileSync(history(story.term), `${log.term}\t${formatLsn(log.lsn)}\tno recovery target specified\n`);
    await story.order(a, { kind: 'demote' }, 'demoted');
    expect(await story.rest(a, 1)).toEqual(log);
    await story.promote(a, LONE);
    expect(parseHistory(readFileSync(history(story.term), 'utf8')).at(-1)).toEqual({ parent: log.term, fork: log.lsn });
    await story.order(a, { kind: 'admit' }, 'admitted');
  });

  it('has no other setting than the one that was found, whoever tells the server to read its files', async () => {
    writeLeadershipSettings(a.m, { standbyNames: 'ANY 1 ("replica_1_t2")', follows: false });
    writeAdmission(a.m, false);
    const found = await a.control.boot(soon());
    expect(found.postgres).toMatchObject({ mode: 'primary', setting: LONE, admitting: true });
    await a.m.sql("alter system set log_min_duration_statement = '1h'");
    a.m.server.kill('SIGHUP');
    await eventually('the files were read', 5_000, async () => {
      const [row] = await a.m.sql<{ value: string }>("select current_setting('log_min_duration_statement') as value");
      return row?.value === '1h';
    });
    expect(await names()).toBe('');
    expect(await isAdmitting(a.m, soon())).toBe(true);
  });

  it('takes a commit that waits already for the proof that commits wait: none of its own stays behind', async () => {
    writeLeadershipSettings(a.m, { standbyNames: NOBODY_ACKNOWLEDGES, follows: false });
    a.m.server.kill('SIGHUP');
    const waiting = async () => (await a.m.sql("select from pg_stat_activity where wait_event = 'SyncRep'")).length;
    await eventually('a pulse waits', 5_000, async () => {
      await a.control.pulse(50).catch(() => undefined);
      return (await waiting()) === 1;
    });
    const setting = { acks: 1, voters: ['replica_1'] };
    await story.order(a, { kind: 'reload', setting }, 'reloaded');
    expect(await waiting()).toBe(1);
    await story.order(a, { kind: 'reload', setting: LONE }, 'reloaded');
    await eventually('nobody waits any more', 5_000, async () => (await waiting()) === 0);
    await story.order(a, { kind: 'reload', setting }, 'reloaded');
    expect(await waiting()).toBe(1);
  });

  it('is asked less and less often while the end of its log is not sure', async () => {
    await story.order(a, { kind: 'demote' }, 'demoted');
    await rename(history(story.term), `${history(story.term)}.away`);
    const startedAt = performance.now();
    for (let times = 0; times < 4; times += 1) {
      expect(await a.control.execute({ kind: 'fence', epoch: 2 }, soon())).toMatchObject({ kind: 'fenced', promise: 2, log: null });
    }
    expect(performance.now() - startedAt).toBeGreaterThan(350);
    await rename(`${history(story.term)}.away`, history(story.term));
    expect(await story.rest(a, 2)).toMatchObject({ term: story.term });
  });
});
