/** Single steps of a failover held, lost or cut off at the worst moment, over real PostgreSQL and a real etcd. */
import { chown, copyFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from './etcd-cluster.ts';
import { GROUP } from './failover-agents.ts';
import { Interleaving, LEADS_MS } from './failover-interleaving.ts';
import { describeLab } from './require-root.ts';

/** Longer than an election may be open before another voter opens the next one. */
const LONG_ELECTION_MS = 1_600;

describeLab('an election that is held up half-way', () => {
  let group: Interleaving;

  beforeAll(async () => {
    group = await Interleaving.start('127.0.38', 81);
  });

  afterAll(async () => {
    await group?.end();
  });

  it('a candidate frozen between the fence and the swap leads nobody when it goes on', async () => {
    await group.play('candidate frozen between fence and swap', async ({ leader, others, view }) => {
      const swaps = group.holdSwaps(others, 'promoting');
      group.crash(leader);
      const { node: candidate, gate } = await group.first(swaps);
      group.agents.cut.add(group.host(candidate));
      await delay(LONG_ELECTION_MS);
      expect((await group.record()).record.term, 'without its promise nobody else leads').toBe(view.term);
      gate.open();
      await delay(200);
      group.agents.cut.clear();
      await group.anotherLeads(view);
      await group.expectOneTermAnEpoch(view);
      group.revive(leader);
    });
  });

  it('of two candidates one opens its epoch', async () => {
    await group.play('two candidates', async ({ leader, others, view }) => {
      const swaps = group.holdSwaps(others, 'electing');
      group.crash(leader);
      await eventually('both want an epoch', LEADS_MS, () => [...swaps.values()].every((gate) => gate.isReached()));
      for (const gate of swaps.values()) gate.open();
      await group.anotherLeads(view);
      await group.expectOneTermAnEpoch(view);
      group.revive(leader);
    });
  });

  it('a swap that timed out and was applied gives out one term', async () => {
    await group.play('swap without an answer, applied', async ({ leader, others, view }) => {
      for (const node of others) group.agents.gates.loseAnswer(group.host(node), 'promoting', 'at once');
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      await group.anotherLeads(view);
      await group.expectOneTermAnEpoch(view);
    });
  });

  it('a swap that timed out and is applied late is refused by then', async () => {
    await group.play('swap without an answer, late', async ({ leader, others, view }) => {
      for (const node of others) group.agents.gates.loseAnswer(group.host(node), 'promoting', 'late');
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      await group.anotherLeads(view);
      const { term, leader: newLeader } = (await group.record()).record;
      expect(await group.agents.gates.happenLate()).toBe(0);
      // The former leader may have become a voter in between.
      expect((await group.record()).record).toMatchObject({ term, leader: newLeader });
    });
  });

  it('the winner dies between the swap and the promotion: whoever has what it began with leads', async () => {
    await group.play('winner dies before it is promoted', async ({ leader, others, view }) => {
      const promotions = group.holdCommands(others, 'promote');
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      const { node: winner } = await group.first(promotions);
      group.crash(winner);
      await group.anotherLeads({ ...view, term: view.term + 1 });
      expect(group.agents.leader()).not.toBe(winner);
      group.revive(winner);
    });
  });

  it('the winner dies after the promotion, before the anchor: its timeline goes on nowhere', async () => {
    await group.play('winner dies before its anchor', async ({ leader, others, view }) => {
      const proofs = group.holdCommands(others, 'prove');
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      const { node: winner } = await group.first(proofs);
      expect(group.durable(winner).taint, 'promoted, and not anchored').toBe(view.term + 1);
      group.crash(winner);
      await group.anotherLeads({ ...view, term: view.term + 1 });
      expect(group.agents.leader()).not.toBe(winner);
      group.revive(winner);
      await group.agents.whole(LEADS_MS * 2);
      expect(group.durable(winner).taint).toBe(0);
    });
  });

  it('a standby that has heard of the winner that died, and received nothing of it, follows the next one', async () => {
    await group.play('winner dies, heard of', async ({ leader, others, view }) => {
      const term = view.term + 1;
      const proofs = group.holdCommands(others, 'prove');
      const follows = group.holdCommands([leader, ...others], 'follow');
      const copies = group.holdCommands([leader], 'rebuild');
      process.kill(group.agents.postmaster(leader), 'SIGKILL');
      const { node: winner } = await group.first(proofs);
      const standby = others.find((node) => node !== winner) ?? '';
      await follows.get(standby)?.reached;
      // What its receiver would fetch first.
      const history = group.historyFile(standby, term);
      await copyFile(group.historyFile(winner, term), history);
      const { uid, gid } = await stat(dirname(history));
      await chown(history, uid, gid);
      await eventually('its server has made that its own future', 5_000, () =>
        group.serverLog(standby).includes(`new target timeline is ${term}\n`),
      );
      const swaps = group.holdSwaps([standby], 'promoting');
      group.crash(winner);
      for (const gate of [...follows.values(), ...copies.values()]) gate.open();
      await eventually('the former leader has the next term', LEADS_MS, async () => (await group.record()).record.term === term + 1);
      for (const gate of swaps.values()) gate.open();
      await group.anotherLeads({ ...view, term });
      expect(group.agents.leader()).toBe(leader);
      group.revive(winner);
    });
  });

  it('a fenced standby that crashes comes back fenced', async () => {
    await group.play('fenced standby crashes', async ({ leader, others, view }) => {
      const swaps = group.holdSwaps(others, 'promoting');
      group.agents.cut.add(group.host(leader));
      group.agents.gates.withoutStore.add(group.host(leader));
      const { node: candidate, gate } = await group.first(swaps);
      const { epoch } = (await group.record()).record;
      const count = group.writer.acknowledged.length;
      const voter = others.find((node) => node !== candidate) ?? '';
      expect(group.durable(voter).promise).toBe(epoch);
      group.crash(voter);
      group.revive(voter);
      await eventually('it is back', LEADS_MS, () => group.agent(voter).groups.health(GROUP)?.role === 'standby');
      await delay(500);
      expect(group.agent(voter).groups.health(GROUP)).toMatchObject({ streaming: false });
      expect(group.durable(voter).promise).toBeGreaterThanOrEqual(epoch);
      expect(await group.writes(leader), 'two fenced voters acknowledge nothing').toBe(false);
      expect(group.writer.acknowledged.length).toBe(count);
      gate.open();
      await group.anotherLeads(view);
    });
  });

  it('leaves decisions behind that are the same when they are taken again', async () => {
    await delay(200); // Lines are written within 100 ms.
    for (const { host, mismatch } of group.agents.replays()) expect({ host, mismatch }).toEqual({ host, mismatch: null });
  });
});
