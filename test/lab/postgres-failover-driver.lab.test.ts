/** The failover driver over real PostgreSQL and a real etcd: from the first data to a primary that dies and comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FailoverAgents, GROUP } from './failover-agents.ts';
import { FailoverWriter } from './failover-writer.ts';
import { eventually } from './etcd-cluster.ts';
import { describeLab } from './require-root.ts';

const say = (text: string): void => void process.stderr.write(`failover driver: ${text}\n`);

describeLab('the failover driver', () => {
  let agents: FailoverAgents;
  let writer: FailoverWriter;

  const rows = async (): Promise<Set<number>> => {
    const client = agents.client(agents.leader() ?? '', 10_000);
    await client.connect();
    const { rows: found } = await client.query<{ number: number }>('select number from written');
    await client.end();
    return new Set(found.map(({ number }) => number));
  };
  const lost = async (): Promise<number[]> => {
    // Of those acknowledged before the question: the writer goes on.
    const acknowledged = [...writer.acknowledged];
    const found = await rows();
    return acknowledged.filter((number) => !found.has(number));
  };
  const passed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      throw new Error(
        `${what}: ${String(error)}\n${agents.story()}\n${agents.agents.map(({ groups }) => groups.decisions(GROUP, 0)).join('\n')}`,
        {
          cause: error,
        },
      );
    }
  };

  beforeAll(async () => {
    agents = await FailoverAgents.start('127.0.33', 61);
    writer = new FailoverWriter(agents);
  });

  afterAll(async () => {
    await writer?.stop();
    await agents?.end();
  });

  it('makes the first data, copies it, and has everybody vote', async () => {
    await passed('bootstrap', async () => {
      const openMs = await eventually('the first leader is open', 30_000, () => agents.leader() !== null);
      expect(agents.leader()).toBe('replica_0');
      say(`first leader open after ${openMs} ms, all vote after ${await agents.whole(30_000)} ms more`);
      await eventually('all units are ready', 5_000, () => agents.agents.every((agent) => agent.unit().ready));
    });
    const client = agents.client('replica_0', 10_000);
    await client.connect();
    await client.query('create table written (number int primary key)');
    await client.end();
    writer.start();
    await eventually('writes are acknowledged', 5_000, () => writer.acknowledged.length > 20);
    writer.takeGapMs();
  });

  it('replaces a primary whose postmaster is killed, and has it back as a voter', async () => {
    await passed('kill', async () => {
      const before = agents.leader() ?? '';
      process.kill(agents.postmaster(before), 'SIGKILL');
      const openMs = await eventually('another leads', 10_000, () => agents.leader() !== before && agents.leader() !== null);
      const count = writer.acknowledged.length;
      await eventually('writes go on', 5_000, () => writer.acknowledged.length > count + 20);
      const gapMs = writer.takeGapMs();
      say(
        `postmaster killed: another open after ${openMs} ms, longest write gap ${gapMs} ms, whole after ${await agents.whole(20_000)} ms more`,
      );
      expect(gapMs).toBeLessThan(8_000);
      expect(await lost()).toEqual([]);
    });
  });

  it('switches over without losing a write', async () => {
    await passed('switchover', async () => {
      const before = agents.leader() ?? '';
      const answer = await agents.agentOf(before).groups.command(GROUP, 'switchover', { to: null });
      expect(answer).toMatchObject({ accepted: true });
      const openMs = await eventually('another leads', 10_000, () => agents.leader() !== before && agents.leader() !== null);
      const count = writer.acknowledged.length;
      await eventually('writes go on', 5_000, () => writer.acknowledged.length > count + 20);
      say(
        `switchover: another open after ${openMs} ms, longest write gap ${writer.takeGapMs()} ms, whole after ${await agents.whole(20_000)} ms`,
      );
      expect(await lost()).toEqual([]);
    });
  });

  it('hands a running primary to the next agent without a pause', async () => {
    await passed('adoption', async () => {
      const before = agents.leader() ?? '';
      const pid = agents.postmaster(before);
      const term = agents.agentOf(before).groups.view(GROUP)?.term;
      writer.takeGapMs();
      agents.agentOf(before).close();
      agents.agentOf(before).start();
      await eventually('the next agent leads with the same server', 10_000, () => {
        const agent = agents.agentOf(before);
        return agent.groups.view(GROUP)?.proven === true && agent.unit().ready;
      });
      expect(agents.postmaster(before)).toBe(pid);
      expect(agents.agentOf(before).groups.view(GROUP)).toMatchObject({ term, leader: { node: before } });
      say(`agent of the leader replaced: longest write gap ${writer.takeGapMs()} ms, whole after ${await agents.whole(10_000)} ms`);
    });
  });

  it('while paused, a primary that dies comes back itself', async () => {
    await passed('pause', async () => {
      const before = agents.leader() ?? '';
      const term = agents.agentOf(before).groups.view(GROUP)?.term ?? 0;
      expect(await agents.agentOf(before).groups.command(GROUP, 'pause', {})).toMatchObject({ accepted: true });
      await eventually('everybody knows', 5_000, () => agents.agents.every(({ groups }) => groups.view(GROUP)?.paused === true));
      process.kill(agents.postmaster(before), 'SIGKILL');
      const openMs = await eventually('the same leads in a new term', 20_000, () => {
        const view = agents.agentOf(before).groups.view(GROUP);
        return view?.leader?.node === before && view.term > term && view.proven;
      });
      await agents.agentOf(before).groups.command(GROUP, 'resume', {});
      const count = writer.acknowledged.length;
      await eventually('writes go on', 5_000, () => writer.acknowledged.length > count + 20);
      say(
        `paused and killed: back after ${openMs} ms, longest write gap ${writer.takeGapMs()} ms, whole after ${await agents.whole(20_000)} ms`,
      );
      expect(await lost()).toEqual([]);
    });
  });

  it('restarts a standby in its place, and a primary after it has handed over', async () => {
    await passed('restart', async () => {
      const before = agents.leader() ?? '';
      const standby = ['replica_0', 'replica_1', 'replica_2'].find((node) => node !== before) ?? '';
      for (const node of [standby, before]) {
        const pid = agents.postmaster(node);
        writer.takeGapMs();
        agents.restart(node);
        const restartedMs = await eventually('another process is ready', 20_000, () => {
          const { pid: now, ready, restartCount } = agents.agentOf(node).unit();
          return now !== null && now !== pid && ready && restartCount === 1;
        });
        await agents.whole(20_000);
        say(
          `${node === before ? 'primary' : 'standby'} restarted: ready after ${restartedMs} ms, longest write gap ${writer.takeGapMs()} ms`,
        );
      }
      expect(agents.leader()).not.toBe(before);
      expect(await lost()).toEqual([]);
    });
  });

  it('makes a member anew that an operator names, after it has left the voters', async () => {
    await passed('reinit', async () => {
      const leader = agents.leader() ?? '';
      const standby = ['replica_0', 'replica_1', 'replica_2'].find((node) => node !== leader) ?? '';
      const pid = agents.postmaster(standby);
      expect(await agents.agentOf(leader).groups.command(GROUP, 'reinit', {})).toMatchObject({ accepted: false });
      expect(await agents.agentOf(standby).groups.command(GROUP, 'reinit', {})).toMatchObject({ accepted: true });
      const anewMs = await eventually('it is made anew and votes', 30_000, () => agents.agentOf(standby).unit().pid !== pid);
      await agents.whole(20_000);
      say(`reinit: another copy after ${anewMs} ms`);
      expect(agents.leader()).toBe(leader);
    });
  });

  it('goes on while etcd is away, and decides nothing', async () => {
    await passed('etcd away', async () => {
      const before = agents.leader() ?? '';
      const { epoch } = agents.agentOf(before).groups.view(GROUP) ?? {};
      await Promise.all(agents.etcd.units.map((unit) => unit.stop()));
      writer.takeGapMs();
      await delay(2_500); // Longer than any proof lasts.
      const count = writer.acknowledged.length;
      await eventually('writes go on', 5_000, () => writer.acknowledged.length > count + 20);
      const gapMs = writer.takeGapMs();
      expect(gapMs).toBeLessThan(3_000);
      expect(agents.agents.map(({ groups }) => groups.view(GROUP))).toEqual(
        agents.agents.map(() => expect.objectContaining({ epoch, leader: expect.objectContaining({ node: before }) })),
      );
      await Promise.all(agents.etcd.units.map((unit) => unit.restart()));
      say(`etcd away for 2.5 s: longest write gap ${gapMs} ms, whole after ${await agents.whole(20_000)} ms`);
    });
  });

  it('costs little at rest', async () => {
    await writer.stop();
    const before = process.cpuUsage();
    await delay(3_000);
    const { user, system } = process.cpuUsage(before);
    say(`three agents at rest: ${((user + system) / 30_000).toFixed(1)} % of a CPU`);
  });

  it('does not notice that the agent of a leader at rest is away for a second, and replaces one whose agent stays away', async () => {
    await passed('agent away', async () => {
      // WAL that moves holds an election up anyway.
      await writer.stop();
      const before = agents.leader() ?? '';
      const [other = ''] = ['replica_0', 'replica_1', 'replica_2'].filter((node) => node !== before);
      const { epoch, term } = agents.agentOf(other).groups.view(GROUP) ?? {};
      const pid = agents.postmaster(before);
      agents.agentOf(before).close();
      await delay(1_200);
      agents.agentOf(before).start();
      await eventually('the next agent leads', 10_000, () => agents.agentOf(before).groups.view(GROUP)?.proven === true);
      await delay(1_000);
      expect(agents.agentOf(other).groups.view(GROUP)).toMatchObject({ epoch, term, leader: { node: before } });
      expect(agents.postmaster(before)).toBe(pid);
      agents.agentOf(before).close();
      const openMs = await eventually('another leads', 10_000, () => {
        const leader = agents.agentOf(other).groups.view(GROUP)?.leader?.node;
        return leader !== undefined && leader !== before;
      });
      agents.agentOf(before).start();
      say(`agent of a leader at rest away: another open after ${openMs} ms, whole after ${await agents.whole(20_000)} ms more`);
      expect(openMs).toBeGreaterThan(2_500);
      expect(openMs).toBeLessThan(10_000);
    });
  });

  it('leads by force with what one member has, and is whole when the others come back', async () => {
    await passed('force', async () => {
      const leader = agents.leader() ?? '';
      const [first = '', survivor = ''] = ['replica_0', 'replica_1', 'replica_2'].filter((node) => node !== leader);
      for (const node of [leader, first]) {
        const pid = agents.postmaster(node);
        agents.agentOf(node).close();
        process.kill(pid, 'SIGKILL');
      }
      const { groups, host } = agents.agentOf(survivor);
      await delay(1_000);
      expect(groups.view(GROUP)?.leader?.node, 'one of two voters elects nobody').not.toBe(survivor);
      expect(await groups.command(GROUP, 'failover', { to: host })).toMatchObject({ accepted: false });
      expect(await groups.command(GROUP, 'failover', { to: host, allowDataLoss: true })).toMatchObject({ accepted: true });
      const openMs = await eventually('it leads', 40_000, () => groups.view(GROUP)?.leader?.node === survivor);
      expect(groups.view(GROUP)?.lone).toBe(true);
      for (const node of [leader, first]) agents.agentOf(node).start();
      say(`failover by force: open alone after ${openMs} ms, whole ${await agents.whole(60_000)} ms after the others came back`);
    });
  });

  it('leaves its decisions behind, and they are the same when they are taken again', async () => {
    await delay(200); // Lines are written within 100 ms.
    for (const { host, steps, mismatch } of agents.replays()) {
      expect({ host, mismatch }).toEqual({ host, mismatch: null });
      expect(steps).toBeGreaterThan(10);
    }
  });
});
