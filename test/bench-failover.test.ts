/** What the failover bench makes of its measurements: the plan of runs, the figures, and where the time went. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestGap, lostWrites, missedGoals, phaseMedians, ratios, results } from '../bench/failover/figures.ts';
import { KeptCluster } from '../bench/failover/kept-cluster.ts';
import { labOwner, ownLabName } from '../bench/failover/labs.ts';
import { type Combination, combinationKey, missingRuns, SCENARIOS, type Selection } from '../bench/failover/matrix.ts';
import type { Milestone } from '../bench/failover/nines/milestones.ts';
import { LAST_PHASE, phases } from '../bench/failover/nines/phases.ts';
import { failoverOptions } from '../bench/failover/options.ts';
import { type ClusterPlan, haproxyConfig, hostSeed, patroniConfig } from '../bench/failover/patroni/render.ts';
import { lacking, type Member } from '../bench/failover/patroni/patroni.ts';
import { appendRun, forgetRuns, readRuns, type RunRecord } from '../bench/failover/run-log.ts';
import { type GatewayPlace, GATEWAYS, type RunningSystem, type System, type SystemName, SYSTEMS } from '../bench/failover/system.ts';

const ALL: Selection = failoverOptions({}, null).selection;

function run(more: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ system: 'nines', scenario: 'host-cut', gateway: 'off', at: '2026-01-01T00:00:00.000Z' },
    ...{ gapMs: 500, recovered: true, gapAfterUndoMs: 10, wholeAfterMs: 800, acked: 1000, failed: 8, lost: 0 },
    ...{ writesPerSecond: 700, loopLagMs: 3, phases: {} },
    ...more,
  };
}

describe('the plan of runs', () => {
  it('has ten runs of Nines and three of each peer, of every scenario with the gateway on and off', () => {
    const counts = new Map<string, number>();
    for (const one of missingRuns(ALL, [])) counts.set(combinationKey(one), (counts.get(combinationKey(one)) ?? 0) + 1);
    expect(counts.size).toBe(SCENARIOS.length * GATEWAYS.length * SYSTEMS.length);
    for (const [key, count] of counts) expect(count).toBe(key.startsWith('nines ') ? 10 : 3);
  });

  it('alternates: in a round each system makes all its runs, and another is first in each', () => {
    const plan = missingRuns(failoverOptions({}, 3).selection, []).map(({ system }) => system);
    const turns = plan.filter((system, at) => system !== plan[at - 1]);
    expect(turns.slice(0, 3).toSorted()).toEqual([...SYSTEMS].toSorted());
    expect(plan.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => plan[0]));
    expect(new Set([0, 36, 72].map((at) => plan[at])).size).toBe(3);
  });

  it('goes on where it stopped: what was done and what is missing are the whole plan', () => {
    const whole = missingRuns(ALL, []);
    const sorted = (runs: readonly Combination[]) => runs.map(combinationKey).sort();
    fc.assert(
      fc.property(fc.nat(whole.length), (count) => {
        const done = whole.slice(0, count);
        expect(missingRuns(ALL, done)).toEqual(whole.slice(count));
        expect(sorted([...done, ...missingRuns(ALL, done)])).toEqual(sorted(whole));
      }),
    );
  });

  it('asks for nothing when more was measured than wanted', () => {
    expect(missingRuns(failoverOptions({}, 1).selection, missingRuns(failoverOptions({}, 2).selection, []))).toEqual([]);
  });
});

describe('the options', () => {
  it('select systems, scenarios and gateways, also several in one word', () => {
    const { selection } = failoverOptions({ system: ['nines,patroni-tuned'], scenario: ['host-cut'], gateway: ['on'] }, 2);
    expect(missingRuns(selection, [])).toHaveLength(4);
  });

  it('refuse a word that they do not know', () => {
    expect(() => failoverOptions({ scenario: ['host-loss'] }, null)).toThrow(/host-cut.*not 'host-loss'/);
  });
});

describe('the log of runs', () => {
  const withFile = (use: (file: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'nines-bench-test-'));
    try {
      use(join(folder, 'runs.jsonl'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it('gives back what was appended', () =>
    withFile((file) => {
      expect(readRuns(file)).toEqual([]);
      appendRun(file, run());
      appendRun(file, run({ lost: 1 }));
      expect(readRuns(file)).toEqual([run(), run({ lost: 1 })]);
    }));

  it('drops a last line that was cut off, and goes on behind the others', () =>
    withFile((file) => {
      appendRun(file, run());
      appendFileSync(file, '{"system":"nin');
      expect(readRuns(file)).toEqual([run()]);
      appendRun(file, run({ lost: 2 }));
      expect(readRuns(file)).toEqual([run(), run({ lost: 2 })]);
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
    }));

  it('forgets the selected runs alone', () =>
    withFile((file) => {
      appendRun(file, run());
      appendRun(file, run({ scenario: 'switchover' }));
      forgetRuns(file, failoverOptions({ scenario: ['switchover'] }, null).selection);
      expect(readRuns(file)).toEqual([run()]);
    }));
});

describe('the longest gap', () => {
  it.each([
    ['between two acknowledgements', [10, 20, 95, 100], 75],
    ['that began before the window, from its beginning', [-50, 60, 100], 60],
    ['that is still going on at the end', [10, 30], 70],
    ['with nothing acknowledged at all', [], 100],
    ['not outside the window', [0, 50, 100, 500], 50],
  ])('is one %s', (_, ackedAtMs, expected) => {
    expect(longestGap(ackedAtMs, { fromMs: 0, toMs: 100 })).toBe(expected);
  });

  it('is the longest difference of neighbours, for any times', () => {
    const times = fc.array(fc.integer({ min: 0, max: 1000 })).map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(times, (ackedAtMs) => {
        const all = [0, ...ackedAtMs, 1000];
        const expected = Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? 0)));
        expect(longestGap(ackedAtMs, { fromMs: 0, toMs: 1000 })).toBe(expected);
      }),
    );
  });
});

it('a lost write is one that was acknowledged and is not there', () => {
  expect(lostWrites([1, 2, 3], new Set([1, 3, 4]))).toBe(1);
  expect(lostWrites([], new Set([1]))).toBe(0);
});

describe('the result', () => {
  const runs = [run({ gapMs: 400 }), run({ gapMs: 600 }), run({ gapMs: 500, lost: 2 }), run({ system: 'patroni-tuned', gapMs: 20_000 })];

  it('has one row for each combination, with its counts', () => {
    expect(results(runs)).toMatchObject([
      { system: 'nines', unit: 'ms', values: [400, 600, 500], min: 400, median: 500, max: 600, failed: 24, acked: 3000, lost: 2 },
      { system: 'patroni-tuned', values: [20_000], lost: 0 },
    ]);
  });

  it('quotes how many times faster Nines is', () => {
    expect(ratios(runs)).toMatchObject([{ peer: 'patroni-tuned', ratio: 40 }]);
    expect(ratios(runs.slice(3))).toEqual([]);
  });

  it('names every goal that was missed, of Nines alone', () => {
    expect(missedGoals(runs)).toEqual([expect.stringContaining('1 of 3 runs lost')]);
    expect(missedGoals([run({ gapMs: 701 })])).toEqual([expect.stringContaining('the goal is 700')]);
    expect(missedGoals([run({ recovered: false })])).toEqual([expect.stringContaining('did not come back')]);
    expect(missedGoals([run({ gapMs: 600 }), run({ system: 'patroni-tuned', gapMs: 20_000 })])).toEqual([
      expect.stringContaining('33.3 times'),
    ]);
    expect(missedGoals([run({ system: 'patroni-tuned', gapMs: 99_000, lost: 7 })])).toEqual([]);
  });
});

describe('where the time went', () => {
  const at = (atMs: number, host: string, name: string, more: Partial<Milestone> = {}): Milestone => ({
    ...{ atMs: 10_000 + atMs, host, name, reason: '', event: 'tick', commands: [] },
    ...more,
  });
  const election = [
    at(300, 'c1', 'agent', { reason: 'a1 is silent; pre-vote: nobody hears it', event: 'note' }),
    at(340, 'c1', 'open-epoch', { commands: ['swap'] }),
    at(345, 'a1', 'open-epoch', { commands: ['swap'] }),
    at(350, 'c1', 'ask', { commands: ['send', 'send'] }),
    at(380, 'c1', 'take', { commands: ['swap'] }),
    at(390, 'c1', 'promote', { commands: ['promote'] }),
    at(430, 'c1', 'nothing', { event: 'promoted' }),
    at(470, 'c1', 'open', { commands: ['swap'] }),
    at(480, 'c1', 'admit', { commands: ['admit'] }),
    at(490, 'c1', 'nothing', { event: 'admitted' }),
    at(700, 'c1', 'admit', { commands: ['admit'] }),
  ];

  it('of an election', () => {
    const lengths = phases(election, 10_000, 10_520);
    expect(lengths).toEqual({
      ...{ detect: 300, 'pre-vote': 40, 'open epoch': 10, promises: 30, 'take term': 10 },
      ...{ promote: 40, prove: 40, open: 10, admit: 10, [LAST_PHASE]: 30 },
    });
    expect(Object.values(lengths).reduce((sum, ms) => sum + ms, 0)).toBe(520);
  });

  it('of an election whose candidate found that another has the longest log', () => {
    const [candidate, winner] = [election.slice(0, 5), election.slice(5, 10)];
    const milestones = [...candidate, ...winner.map((one) => ({ ...one, host: 'b1' }))];
    expect(phases(milestones, 10_000, 10_520)).toEqual(phases(election, 10_000, 10_520));
  });

  it('of the last leader, when the one before it was admitted and lost too', () => {
    const first = election.slice(0, 10);
    const second = first.map((one) => ({ ...one, atMs: one.atMs + 1000, host: 'a1' }));
    expect(phases([...first, ...second], 10_000, 11_520)).toMatchObject({ detect: 300, promote: 40, [LAST_PHASE]: 30 });
  });

  it('of a switchover, whose first half is the old leader’s', () => {
    const switchover = [
      at(5, 'a1', 'shut-down', { commands: ['shutDown'] }),
      at(60, 'a1', 'hand-over', { event: 'wasShutDown', commands: ['swap'] }),
      ...election.slice(5, 10),
    ];
    expect(phases(switchover, 10_000, 10_520)).toMatchObject({ 'stop admitting': 5, 'shut down': 55, 'take term': 330, promote: 40 });
  });

  it('always adds up to the gap’s end, whatever was decided in which order', () => {
    const decisions = fc.array(
      fc.record({ index: fc.nat(election.length - 1), atMs: fc.integer({ min: 0, max: 900 }), host: fc.constantFrom('a1', 'c1') }),
    );
    fc.assert(
      fc.property(decisions, (all) => {
        const milestones = all.map(({ index, atMs, host }) => ({ ...(election[index] as Milestone), atMs: 10_000 + atMs, host }));
        const lengths = Object.values(phases(milestones, 10_000, 10_800));
        if (lengths.length === 0) return;
        expect(lengths.reduce((sum, ms) => sum + ms, 0)).toBe(800);
        expect(Math.min(...lengths)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is not told when nobody was admitted, or no write came', () => {
    expect(phases(election.slice(0, 5), 10_000, 10_520)).toEqual({});
    expect(phases(election, 10_000, null)).toEqual({});
  });

  it('in the middle of several runs', () => {
    expect(phaseMedians([1, 9, 5].map((ms) => run({ phases: { detect: ms } })))).toEqual(new Map([['detect', 5]]));
  });
});

describe('Patroni as it is compared with', () => {
  const plan: ClusterPlan = {
    hosts: { a1: '10.0.0.1', b1: '10.0.0.2', c1: '10.0.0.3' },
    gatewayAddress: '10.0.0.9',
    firstPrimary: 'b1',
    passwords: { superuser: 's', replication: 'r', rewind: 'w' },
    settings: { ttl: 20, loopWait: 1, retryTimeout: 3, primaryStartTimeout: 0, checkInterval: '200ms' },
  };

  it('has the settings of its manual for no lost write, and those of the plan', () => {
    expect(patroniConfig(plan, 'a1')).toMatchObject({
      bootstrap: { dcs: { ttl: 20, loop_wait: 1, retry_timeout: 3, primary_start_timeout: 0, synchronous_mode: true } },
    });
    const settings = { ...plan.settings, primaryStartTimeout: null };
    expect(JSON.stringify(patroniConfig({ ...plan, settings }, 'a1'))).not.toContain('primary_start_timeout');
  });

  it('cuts the sessions of a server that is marked down', () => {
    const config = haproxyConfig(plan, '10.0.0.1');
    expect(config).toContain('option httpchk GET /primary');
    expect(config).toContain('default-server inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions');
  });

  it('is whole with a leader, two standbys near it, and one that has every acknowledged write', () => {
    const leader: Member = { name: 'a1', role: 'leader', state: 'running' };
    const sync: Member = { name: 'b1', role: 'sync_standby', state: 'streaming', lag: 0 };
    const other: Member = { name: 'c1', role: 'replica', state: 'running', lag: 1000 };
    expect(lacking([leader, sync, other], 3)).toBeNull();
    expect(lacking([sync, other], 3)).toBe('no leader');
    expect(lacking([leader, sync], 3)).toBe('1 standbys');
    expect(lacking([leader, sync, { ...other, lag: 'unknown' }], 3)).toContain('c1');
    expect(lacking([leader, sync, { ...other, state: 'starting' }], 3)).toContain('starting');
    expect(lacking([leader, { ...sync, role: 'replica' }, other], 3)).toBe('no synchronous standby');
  });

  it('begins on the host that the scenario wants, with a gateway on the first two', () => {
    const processes = (host: string) => hostSeed(plan, host).processes.map(({ name }) => name);
    expect(processes('a1')).toEqual(['etcd', 'patroni', 'haproxy', 'keepalived']);
    expect(processes('c1')).toEqual(['etcd', 'patroni']);
    const waits = (host: string) => hostSeed(plan, host).processes.find(({ name }) => name === 'patroni')?.waitFor;
    expect(waits('b1')).toBeNull();
    expect(waits('a1')?.url).toBe('http://10.0.0.2:8008/primary');
  });
});

describe('the cluster that runs share', () => {
  function twin() {
    const log: string[] = [];
    const canPlace = { now: true };
    const system = (name: string): System => ({
      name: name as SystemName,
      versions: () => ({}),
      prepare: () => undefined,
      start: async ({ gateway }) => {
        log.push(`${name} starts ${gateway}`);
        const running: Partial<RunningSystem> = {
          place: async (to) => {
            log.push(`${name} places ${to}`);
            if (!canPlace.now) throw new Error('no');
          },
          stop: async () => {
            log.push(`${name} stops`);
          },
        };
        return running as RunningSystem;
      },
    });
    const systems = Object.fromEntries(SYSTEMS.map((name) => [name, system(name)])) as Record<SystemName, System>;
    const cluster = new KeptCluster({ systems, labName: 'x', signal: new AbortController().signal });
    return { log, canPlace, cluster };
  }
  const one = (system: SystemName, gateway: GatewayPlace): Combination => ({ system, gateway, scenario: 'host-cut' });

  it('is kept for the same system and goes before another one comes', async () => {
    const { log, cluster } = twin();
    await cluster.for(one('nines', 'off'));
    await cluster.for(one('nines', 'on'));
    await cluster.for(one('patroni-tuned', 'on'));
    await cluster.close();
    await cluster.close();
    expect(log).toEqual(['nines starts off', 'nines places on', 'nines stops', 'patroni-tuned starts on', 'patroni-tuned stops']);
  });

  it('is made anew when the primary cannot be had where it is wanted', async () => {
    const { log, canPlace, cluster } = twin();
    await cluster.for(one('nines', 'off'));
    canPlace.now = false;
    await cluster.for(one('nines', 'on'));
    expect(log).toEqual(['nines starts off', 'nines places on', 'nines stops', 'nines starts on']);
  });
});

it('a lab says which process it belongs to', async () => {
  expect(labOwner(await ownLabName())?.pid).toBe(process.pid);
  expect(labOwner('orders')).toBeNull();
});
