/** PostgreSQL's failover on a lab of three zones, under writes through the gateway: every way in which hosts and processes go. */
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cut, everyoneBut, execOnHost, type Fault, freezeProcess, killProcess, powerLoss } from '../../packages/nines/src/lab/index.ts';
import type { LabGroup } from '../../bench/soak/group.ts';
import { FailoverTrials } from './failover-trial.ts';
import { describeLab } from './require-root.ts';

/** On a machine that does other things too; what the bench measures on a quiet one is far below. */
const FAILOVER_MS = 8_000;
const ETCD_AWAY_MS = 20_000;
const DISK_FULL_MS = 12_000;
const FILLER = '/var/lib/nines/filler';
const LEFT_TO_WRITE_BYTES = 8 * 1024 * 1024;
const NONE = { least: 0, most: 0 };
/** A machine without idle CPU may suspect once more. */
const SOME = { least: 1, most: 3 };

const standbysOf = (group: LabGroup, leader: string): [string, string] => {
  const [first = '', second = ''] = group.hosts.filter((host) => host !== leader);
  return [first, second];
};

/** Every process of that host's PostgreSQL; a session may end meanwhile. The postmaster comes first: then none is born. */
async function freezeServer(group: LabGroup, host: string, signal: AbortSignal): Promise<Fault[]> {
  const frozen: Fault[] = [];
  for (const { pid } of await group.postgres(host)) {
    try {
      frozen.push(await freezeProcess(group.lab, host, pid, { signal }));
    } catch (error) {
      if (frozen.length === 0 || (error as { code?: unknown }).code !== 'E_USAGE') throw error;
    }
  }
  return frozen;
}

/** Room for little is left to dd: on a slow disk it writes no gigabytes. */
async function fillDisk(group: LabGroup, host: string, signal: AbortSignal): Promise<void> {
  const run = (...argv: string[]) => execOnHost(group.lab, host, argv, { signal, timeoutMs: 60_000 });
  const { stdout } = await run('/usr/bin/stat', '--file-system', '--format=%a %S', dirname(FILLER));
  const [blocks = 0, blockBytes = 0] = stdout.trim().split(' ').map(Number);
  await run('/usr/bin/fallocate', '--length', String(Math.max(1, blocks * blockBytes - LEFT_TO_WRITE_BYTES)), FILLER);
  const { stderr } = await run('/usr/bin/dd', 'if=/dev/zero', `of=${FILLER}`, 'bs=1M', 'oflag=append', 'conv=notrunc');
  expect(stderr).toContain('No space left on device');
}

describeLab('PostgreSQL fails over', () => {
  let trials: FailoverTrials;

  beforeAll(async () => {
    trials = await FailoverTrials.start();
  });

  afterAll(async () => {
    await trials?.end();
  });

  it('when its postmaster crashes', async () => {
    await trials.run({
      name: 'postmaster crash',
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        const [postmaster] = await group.postgres(before.host);
        await killProcess(group.lab, before.host, postmaster?.pid ?? 0, { signal });
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('when it is told to switch over', async () => {
    await trials.run({
      name: 'switchover',
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        const [to] = standbysOf(group, before.host);
        await group.switchover(to, signal);
        await group.leads(signal, FAILOVER_MS, ({ host }) => host === to);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('when the host of the primary loses its power, and comes back', async () => {
    await trials.run({
      name: 'power loss of the primary',
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        await powerLoss(group.lab, before.host, { signal });
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('when the host of the primary is cut off, where nobody reads what is old, and is healed', async () => {
    await trials.run({
      name: "cut of the primary's host",
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        await cut(group.lab, { from: [before.host], to: everyoneBut(group.lab, [before.host]) }, { signal });
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
        // By now its proof is older than 1.5 s, whatever it knows of the others.
        await delay(2_000);
        expect(await group.ask(before.host, signal)).not.toMatchObject({ readsAs: 'primary' });
      },
    });
  });

  it.each([
    ['from-to', 'nobody hears the primary'],
    ['to-from', 'the primary hears nobody'],
  ] as const)('when packets pass in one direction only (%s: %s)', async (direction, what) => {
    await trials.run({
      name: what,
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        await cut(group.lab, { from: [before.host], to: everyoneBut(group.lab, [before.host]), direction }, { signal });
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('when the primary freezes while its agent lives', async () => {
    await trials.run({
      name: 'frozen primary',
      ...{ gapLimitMs: FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        const frozen = await freezeServer(group, before.host, signal);
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
        for (const { undo } of frozen) await undo();
      },
    });
  });

  it('when the agent of the primary freezes', async () => {
    await trials.run({
      name: 'frozen agent',
      ...{ gapLimitMs: 2 * FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        const agent = await group.process(before.host, 'agent');
        await freezeProcess(group.lab, before.host, agent.pid, { signal });
        await group.leads(signal, 2 * FAILOVER_MS, ({ term }) => term > before.term);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('not when the agent of the primary is killed and started again', async () => {
    await trials.run({
      name: 'killed agent',
      ...{ gapLimitMs: FAILOVER_MS, terms: { least: 0, most: 1 } },
      play: async ({ group, before, flows, signal }) => {
        const agent = await group.process(before.host, 'agent');
        await killProcess(group.lab, before.host, agent.pid, { signal });
        await delay(3_000);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('not when a standby is lost', async () => {
    await trials.run({
      name: 'lost standby',
      ...{ gapLimitMs: FAILOVER_MS, terms: NONE },
      play: async ({ group, before, flows, signal }) => {
        const [standby] = standbysOf(group, before.host);
        await powerLoss(group.lab, standby, { signal });
        await flows(FAILOVER_MS);
        await delay(2_000);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('when a standby is lost first, and then the primary', async () => {
    await trials.run({
      name: 'standby, then primary',
      ...{ gapLimitMs: 2 * FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        const [standby] = standbysOf(group, before.host);
        await powerLoss(group.lab, standby, { signal });
        // The dead voter leaves the set after a second; before that nobody may lead but the primary itself.
        await delay(3_000);
        const [postmaster] = await group.postgres(before.host);
        await killProcess(group.lab, before.host, postmaster?.pid ?? 0, { signal });
        await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        await flows(2 * FAILOVER_MS);
      },
    });
  });

  it('when the primary is lost first, and then a standby of its successor', async () => {
    await trials.run({
      name: 'primary, then standby',
      ...{ gapLimitMs: 3 * FAILOVER_MS, terms: SOME },
      play: async ({ group, before, flows, signal }) => {
        await powerLoss(group.lab, before.host, { signal });
        const winner = await group.leads(signal, FAILOVER_MS, ({ term }) => term > before.term);
        const survivor = group.hosts.find((host) => host !== before.host && host !== winner.host) ?? '';
        const [postmaster] = await group.postgres(survivor);
        await killProcess(group.lab, survivor, postmaster?.pid ?? 0, { signal });
        await flows(3 * FAILOVER_MS);
      },
    });
  });

  it('when two of three hosts lose their power: writes wait, and all comes back', async () => {
    await trials.run({
      name: 'two hosts off',
      ...{ gapLimitMs: 60_000, terms: { least: 0, most: 3 } },
      play: async ({ group, before, flowing, signal }) => {
        const [standby] = standbysOf(group, before.host);
        await powerLoss(group.lab, standby, { signal });
        await delay(2_000);
        await powerLoss(group.lab, before.host, { signal });
        await delay(3_000);
        expect(flowing(), 'one host of three acknowledges nothing').toBe(false);
      },
    });
  });

  it('not when etcd is down for 20 s, and then a standby is lost too', async () => {
    await trials.run({
      name: 'etcd down, then a standby lost',
      ...{ gapLimitMs: FAILOVER_MS, terms: NONE },
      play: async ({ group, before, flows, signal }) => {
        for (const host of group.hosts) {
          const etcd = await group.process(host, 'etcd');
          await freezeProcess(group.lab, host, etcd.pid, { signal });
        }
        await delay(ETCD_AWAY_MS / 2);
        const [standby] = standbysOf(group, before.host);
        await freezeServer(group, standby, signal);
        await delay(ETCD_AWAY_MS / 2);
        await flows(FAILOVER_MS);
      },
    });
  });

  it('at most once when the disk of the primary is full', async () => {
    await trials.run({
      name: 'disk full',
      ...{ gapLimitMs: DISK_FULL_MS + 2 * FAILOVER_MS, terms: { least: 0, most: 1 } },
      play: async ({ group, before, flows, signal }) => {
        try {
          await fillDisk(group, before.host, signal);
          // Whether writes fail there or another leads is up to where PostgreSQL needs room first.
          await delay(DISK_FULL_MS);
        } finally {
          const limits = { signal: AbortSignal.timeout(20_000), timeoutMs: 20_000 };
          await execOnHost(group.lab, before.host, ['/usr/bin/rm', '-f', FILLER], limits);
        }
        await flows(2 * FAILOVER_MS);
      },
    });
  });
});
