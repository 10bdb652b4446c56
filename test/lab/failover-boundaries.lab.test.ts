/** What stands beside an election: names, changes of the voters, etcd set back, clients that give up, copies that are interrupted. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localConnection } from '../../packages/nines/src/engines/postgres/connection.ts';
import { TIMING } from '../../packages/nines/src/failover/timing.ts';
import { eventually } from './etcd-cluster.ts';
import { GROUP } from './failover-agents.ts';
import { Interleaving, LEADS_MS, NODES } from './failover-interleaving.ts';
import { describeLab } from './require-root.ts';

const RECEIVEWAL = '/usr/lib/postgresql/15/bin/pg_receivewal';

describeLab('beside an election', () => {
  let group: Interleaving;

  const context = (node: string) => group.agents.cluster.context('postgres', NODES.indexOf(node as (typeof NODES)[number]));

  /** As the superuser, on the member's own socket. */
  const ask = async <Row extends object>(node: string, text: string): Promise<Row[]> => {
    const connection = localConnection(context(node), 'postgres', 2_000);
    try {
      return await connection.query<Row>(text);
    } finally {
      connection.close();
    }
  };

  beforeAll(async () => {
    group = await Interleaving.start('127.0.39', 91);
  });

  afterAll(async () => {
    await group?.end();
  });

  it('a second receiver cannot stream in the name of a voter', async () => {
    await group.play('duplicate name', async ({ leader, others: [standby], view }) => {
      const own = context(leader);
      const { address } = own.spec.hosts[own.unit.host] ?? { address: '' };
      const login = `host=${address} port=5432 user=${standby} sslmode=require application_name=${standby}_t${view.term}`;
      const argv = ['-d', login, '-D', group.agents.cluster.folder, `--slot=${standby}`, '--no-loop', '--no-password'];
      const env = { PGPASSWORD: group.agents.cluster.secrets.postgres[`${GROUP}/${standby}`] ?? '' };
      const refused = await promisify(execFile)(RECEIVEWAL, argv, { env, timeout: 20_000 }).then(
        () => 'it streams',
        (error: { stderr?: string }) => error.stderr ?? '',
      );
      expect(refused).toContain(`replication slot "${standby}" is active`);
      // The walsender of the one that was refused takes a moment to end.
      await eventually('one streams in that name', LEADS_MS, async () => {
        const names = await ask<{ name: string }>(leader, 'select application_name as name from pg_stat_replication');
        return names.filter(({ name }) => name === `${standby}_t${view.term}`).length === 1;
      });
    });
  });

  it('an agent that freezes in the middle of a change of the voters goes on with it', async () => {
    await group.play('agent frozen in a change of the voters', async ({ leader, others: [standby] }) => {
      const reload = group.agents.gates.holdCommand(group.host(leader), 'reload');
      group.crash(standby);
      await reload.reached;
      expect((await group.record()).record.guards).toHaveLength(2);
      group.agent(leader).close();
      await delay(150);
      group.agent(leader).start();
      await eventually('one guard is left', LEADS_MS, async () => (await group.record()).record.guards.length === 1);
      await group.flows(LEADS_MS);
      group.revive(standby);
    });
  });

  it('a leader that dies in the middle of a change of the voters is replaced under both settings', async () => {
    await group.play('leader dies in a change of the voters', async ({ leader, others: [standby], view }) => {
      const reload = group.agents.gates.holdCommand(group.host(leader), 'reload');
      group.crash(standby);
      await reload.reached;
      group.crash(leader);
      await delay(1_000);
      expect((await group.record()).record.term, 'one of two voters of the old setting leads nobody').toBe(view.term);
      group.revive(standby);
      await group.anotherLeads(view);
      group.revive(leader);
    });
  });

  it('a client whose wait for standbys is cancelled is not told that its write is safe', async () => {
    await group.play('cancelled wait', async ({ leader, others }) => {
      try {
        for (const node of others) group.freezeServer(node);
        const waits = "select pid from pg_stat_activity where wait_event = 'SyncRep' and usename = 'app'";
        await eventually('a client waits', 5_000, async () => (await ask(leader, waits)).length > 0);
        const count = group.writer.acknowledged.length;
        await ask(leader, `select pg_cancel_backend(pid) from (${waits}) as waiting`);
        await delay(300);
        expect(group.writer.acknowledged.length).toBe(count);
      } finally {
        group.thawServers();
      }
    });
  });

  it('nobody reads from a primary that cannot prove that it leads', async () => {
    await group.play('stale read', async ({ leader, others }) => {
      const client = group.agents.client(leader, 3_000);
      await client.connect();
      let lastReadMs = performance.now();
      const reading = (async (): Promise<void> => {
        for (;;) {
          await client.query('select 1');
          lastReadMs = performance.now();
          await delay(5);
        }
      })().catch(() => undefined);
      const cutMs = performance.now();
      group.agents.cut.add(group.host(leader));
      group.agents.gates.withoutStore.add(group.host(leader));
      try {
        for (const node of others) group.freezeServer(node);
        await Promise.race([reading, delay(10_000)]);
        const readForMs = Math.round(lastReadMs - cutMs);
        process.stderr.write(`interleaving: stale read: the cut off primary answered for ${readForMs} ms\n`);
        expect(readForMs).toBeLessThan(TIMING.proofMs + 1_000);
        expect(group.agent(leader).groups.health(GROUP)?.proven ?? false).toBe(false);
      } finally {
        group.thawServers();
        void client.end().catch(() => undefined);
      }
    });
  });

  it('a copy that is interrupted is made again', async () => {
    await group.play('interrupted copy', async ({ others: [standby] }) => {
      const { paths } = context(standby);
      const building = join(paths.dataDir, 'units', `postgres-${GROUP}`, 'data.building');
      const pid = group.agents.postmaster(standby);
      expect(await group.agent(standby).groups.command(GROUP, 'reinit', {})).toMatchObject({ accepted: true });
      await eventually('the copy has begun', LEADS_MS, () => existsSync(building));
      group.agent(standby).close();
      expect(existsSync(join(paths.dataDir, 'units', `postgres-${GROUP}`, 'data', 'PG_VERSION')), 'the old data is in its place').toBe(
        true,
      );
      group.agent(standby).start();
      await group.agents.whole(LEADS_MS * 2);
      expect(existsSync(building)).toBe(false);
      expect(await group.agent(standby).groups.command(GROUP, 'reinit', {})).toMatchObject({ accepted: true });
      await eventually('the next one is complete', LEADS_MS, () => group.agents.agentOf(standby).unit().pid !== pid);
    });
  });

  it('a long query on a standby does not hold a promotion up', async () => {
    await group.play('slow replay', async ({ leader, others, view }) => {
      const readers = others.map((node) => localConnection(context(node), 'orders', 2_000, { queryTimeoutMs: 20_000 }));
      // Each holds a snapshot that what is replayed next conflicts with.
      const queries = readers.map((reader) => reader.query('select count(*), pg_sleep(15) from written').catch(() => undefined));
      await delay(200);
      await ask(leader, 'select 1');
      const connection = localConnection(context(leader), 'orders', 5_000);
      await connection.query('delete from written where number < 0');
      await connection.query('vacuum full written');
      connection.close();
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      const openMs = await group.anotherLeads(view);
      process.stderr.write(`interleaving: slow replay: another open after ${openMs} ms\n`);
      expect(openMs).toBeLessThan(8_000);
      for (const reader of readers) reader.close();
      await Promise.all(queries);
    });
  });

  it('a record that was set back to an older one is obeyed in nothing: the leader goes on, and nobody else leads', async () => {
    await group.play('etcd set back', async ({ leader, view }) => {
      const old = (await group.record()).record;
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      await group.anotherLeads(view);
      await group.agents.whole(LEADS_MS * 2);
      await group.flows(LEADS_MS);
      const present = (await group.record()).record;
      expect(present.epoch).toBeGreaterThan(old.epoch);
      const sinceMs = Date.now();
      group.writer.takeGapMs();
      await group.writeRecord(old);
      await delay(3_000);
      await group.flows(LEADS_MS);
      expect(group.writer.takeGapMs(), 'the leader goes on').toBeLessThan(3_000);
      expect((await group.record()).record).toEqual(old);
      for (const node of NODES) expect(group.agent(node).groups.decisions(GROUP, sinceMs)).toContain('etcd was set back');
      await group.writeRecord(present);
    });
  });

  it('leaves decisions behind that are the same when they are taken again', async () => {
    await delay(200); // Lines are written within 100 ms.
    for (const { host, mismatch } of group.agents.replays()) expect({ host, mismatch }).toEqual({ host, mismatch: null });
  });
});
