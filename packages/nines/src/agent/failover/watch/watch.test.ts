/** Who is suspected and who is not, in groups of agents under a simulated clock. */
import { describe, expect, it } from 'vitest';
import { TIMING } from '../../../failover/timing.ts';
import { LONE } from '../../../failover/record.ts';
import { bootState } from '../../../failover/state.ts';
import { epochOpened, opened, refuted } from '../../../failover/transitions.ts';
import { seeded, SimulatedGroup } from './testing/simulated-group.ts';

const WARM_MS = 3_000;
const { heartbeatMs, suspicionFloorMs, suspicionCeilingMs, movingWalMs, proofMs, electionMs, turnMs } = TIMING;
/** From the last heartbeat: patience, a tick of each, and the answers. */
const DETECTED_MS = heartbeatMs + suspicionFloorMs + 100;

function warm(seed = 1, conditions: ConstructorParameters<typeof SimulatedGroup>[0] = {}): SimulatedGroup {
  const group = new SimulatedGroup({ random: seeded(seed), ...conditions });
  group.run(WARM_MS);
  expect(group.suspicions).toEqual([]);
  return group;
}

const suspected = (group: SimulatedGroup): boolean => group.suspicions.length > 0;

/** Milliseconds until somebody suspects; null: nobody within `withinMs`. */
function untilSuspected(group: SimulatedGroup, withinMs: number): number | null {
  const startMs = group.nowMs;
  group.suspicions.length = 0;
  group.run(withinMs, () => suspected(group));
  return suspected(group) ? group.nowMs - startMs : null;
}

describe('a leader that is well', () => {
  it('is never suspected: heartbeats late by up to 120 ms, stalls of 100 ms, 1,000 timelines', () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const random = seeded(seed);
      const group = new SimulatedGroup({ random, delayMs: 20, jitterMs: Math.max(0, 120 - heartbeatMs) });
      for (let at = 0; at < 10; at++) {
        group.run(random() * 200);
        group.freeze(`n${1 + Math.floor(random() * 3)}`, random() * 100);
      }
      group.run(300);
      expect(group.suspicions, `seed ${seed}`).toEqual([]);
    }
  });

  it('is not suspected by an agent that stood still for seconds and wakes up', () => {
    for (let seed = 0; seed < 100; seed++) {
      const group = warm(seed);
      group.freeze('n2', 5_000);
      group.run(8_000);
      expect(group.suspicions, `seed ${seed}`).toEqual([]);
    }
  });

  it('is not replaced because one link is bad: who hears it saw it acknowledge', () => {
    const group = warm();
    group.cut.add('n1>n2');
    expect(untilSuspected(group, 20_000)).toBeNull();
    expect(group.node('n2').watch.explain()).toMatch(/n1 is silent .*the others did not agree/);
  });

  it('is not suspected by an agent that has just started and is not connected yet', () => {
    const group = warm();
    group.boot('n2');
    group.run(1_000);
    group.boot('n2');
    group.cut.add('n1>n2');
    group.run(1_000);
    expect(group.node('n2').watch.content()).toBe(true);
    for (const from of ['n1', 'n3']) group.cut.add(`${from}>n2`);
    expect(untilSuspected(group, suspicionCeilingMs - 100)).toBeNull();
    group.cut.clear();
    expect(untilSuspected(group, 3_000)).toBeNull();
  });

  it('is suspected late by an agent that hears nobody at all', () => {
    const group = warm();
    group.isolate('n2');
    const afterMs = untilSuspected(group, 10_000);
    expect(group.suspicions[0]?.node).toBe('n2');
    expect(afterMs).toBeGreaterThan(suspicionCeilingMs);
  });

  it('is not suspected when one heartbeat and then the next but one is lost', () => {
    const group = warm();
    for (let at = 0; at < 20; at++) {
      group.cut.add('n1>n2').add('n1>n3');
      group.run(heartbeatMs);
      group.cut.clear();
      group.run(heartbeatMs * 1.5);
    }
    expect(group.suspicions).toEqual([]);
  });

  it('is not suspected while it hands over', () => {
    const group = warm();
    Object.assign(group.node('n1').heartbeat, { role: 'handed', healthy: false });
    group.node('n1').acknowledges = false;
    expect(untilSuspected(group, TIMING.promotionMs - 500)).toBeNull();
    expect(untilSuspected(group, 1_500)).not.toBeNull();
  });
});

describe('a new leader', () => {
  it('has time to be promoted, and is fit the moment its term is open', () => {
    const group = warm();
    group.freeze('n1');
    group.run(1_000);
    group.takeOver('n2');
    group.suspicions.length = 0;
    expect(untilSuspected(group, TIMING.promotionMs - 100)).toBeNull();
    // The record comes before the heartbeat that says that it is a primary.
    group.writeRecord({ ...opened(group.record), guards: [{ acks: 1, voters: ['n3'] }] });
    expect(untilSuspected(group, suspicionFloorMs - 100)).toBeNull();
    group.node('n2').heartbeat.role = 'primary';
    expect(untilSuspected(group, 3_000)).toBeNull();
  });

  it('is suspected when it is not promoted in time though its agent lives', () => {
    const group = warm();
    group.freeze('n1');
    group.run(1_000);
    group.takeOver('n2');
    const afterMs = untilSuspected(group, 20_000);
    expect(afterMs).toBeGreaterThan(TIMING.promotionMs - 100);
    expect(afterMs).toBeLessThan(TIMING.promotionMs + 600);
  });
});

describe('a leader that is gone', () => {
  it('is suspected soon: host lost, 1,000 timelines', () => {
    const times: number[] = [];
    for (let seed = 0; seed < 1_000; seed++) {
      const group = new SimulatedGroup({ random: seeded(seed), delayMs: 5, jitterMs: 15 });
      group.node('n1').writes = seed % 2 === 0;
      group.run(1_000 + (seed % 100));
      group.isolate('n1');
      times.push(untilSuspected(group, 5_000) ?? Number.POSITIVE_INFINITY);
    }
    times.sort((left, right) => left - right);
    const at = (share: number): number => Math.round(times[Math.floor(share * (times.length - 1))] ?? 0);
    process.stdout.write(`host lost -> suspected: p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)} ms\n`);
    expect(at(1)).toBeLessThanOrEqual(DETECTED_MS);
  });

  it('is suspected soon by who had a bad link to it before, and was refused', () => {
    const group = warm();
    group.cut.add('n1>n2');
    expect(untilSuspected(group, 20_000)).toBeNull();
    group.isolate('n1');
    expect(untilSuspected(group, 5_000)).toBeLessThanOrEqual(DETECTED_MS);
    expect(group.suspicions[0]?.node).toBe('n2');
  });

  it('is suspected by one voter first, in turn', () => {
    const group = warm();
    group.isolate('n1');
    group.run(DETECTED_MS + turnMs + 200);
    const first = (node: string): number => group.suspicions.find((each) => each.node === node)?.atMs ?? Number.POSITIVE_INFINITY;
    expect(first('n3') - first('n2')).toBeGreaterThanOrEqual(turnMs - 50);
    expect(first('n3')).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('is suspected by the voter that is further on, if by much', () => {
    const group = warm();
    group.node('n3').heartbeat.flushLsn = 2 ** 30;
    group.isolate('n1');
    untilSuspected(group, 2_000);
    expect(group.suspicions[0]?.node).toBe('n3');
  });

  it('is suspected without waiting for the first in turn when that one died too', () => {
    const group = warm();
    group.isolate('n1');
    group.freeze('n2');
    const afterMs = untilSuspected(group, 10_000);
    expect(group.suspicions[0]?.node).toBe('n3');
    // It hears nobody any more: it may be the one that is cut off.
    expect(afterMs).toBeLessThan(suspicionCeilingMs + DETECTED_MS + 100);
  });

  it('is suspected at once when its own agent says that PostgreSQL exited', () => {
    const group = warm();
    // Its last WAL may just have come: that is no veto.
    group.node('n1').writes = true;
    group.run(500);
    group.node('n1').heartbeat.exited = true;
    expect(untilSuspected(group, 2_000)).toBeLessThanOrEqual(heartbeatMs + 60);
  });

  it('is suspected when its server does not answer', () => {
    const group = warm();
    group.node('n1').heartbeat.healthy = false;
    group.node('n1').acknowledges = false;
    expect(untilSuspected(group, 2_000)).toBeLessThanOrEqual(DETECTED_MS);
  });

  it('is suspected when nothing is acknowledged any more though it says that it is well', () => {
    const group = warm();
    group.node('n1').acknowledges = false;
    const afterMs = untilSuspected(group, 5_000);
    expect(afterMs).toBeGreaterThan(proofMs - 100);
    expect(afterMs).toBeLessThan(proofMs + 400);
  });

  it.each([
    ['at once when the whole host is frozen', 'freezeHost', false, 0, DETECTED_MS],
    ['when WAL has moved for long enough', 'freezeHost', true, movingWalMs, movingWalMs + DETECTED_MS + 250],
    // From its last heartbeat, one before it was frozen.
    ['when the server has answered without it for long enough', 'freeze', false, movingWalMs - 2 * heartbeatMs, movingWalMs + 200],
  ] as const)('is suspected with a frozen agent: %s', (_, freeze, writes, leastMs, mostMs) => {
    for (let seed = 1; seed <= 100; seed++) {
      const group = warm(seed, { delayMs: 5, jitterMs: 15 });
      group.node('n1').writes = writes;
      group[freeze]('n1');
      const afterMs = untilSuspected(group, 10_000);
      expect(afterMs, `seed ${seed}`).toBeGreaterThanOrEqual(leastMs);
      expect(afterMs, `seed ${seed}`).toBeLessThanOrEqual(mostMs);
    }
  });

  it('is not suspected when its agent is killed and the next one speaks 1.5 s later, 1,000 timelines', () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const group = new SimulatedGroup({ random: seeded(seed), delayMs: 20, jitterMs: 50 });
      group.run(1_000);
      group.freeze('n1', 1_500);
      group.run(500);
      // Another life.
      Object.assign(group.node('n1').heartbeat, { sequence: 0, pulses: 0 });
      group.run(3_000);
      expect(group.suspicions, `seed ${seed}`).toEqual([]);
    }
  });

  it('is suspected soon when its host follows its agent', () => {
    const group = warm();
    group.freeze('n1');
    expect(untilSuspected(group, 1_000)).toBeNull();
    expect(group.node('n2').watch.explain()).toMatch(/n1 is silent .* its PostgreSQL answers/);
    group.isolate('n1');
    // The next question to its server, and that one's time.
    expect(untilSuspected(group, 2_000)).toBeLessThanOrEqual(TIMING.serverProbeMs + 350);
  });

  it('is suspected at once when its agent fell silent after it said that the server is not well, or exited', () => {
    for (const said of [{ healthy: false }, { exited: true }]) {
      const group = warm();
      Object.assign(group.node('n1').heartbeat, said);
      group.run(2 * heartbeatMs, () => suspected(group));
      group.freeze('n1');
      expect(untilSuspected(group, 2_000)).toBeLessThanOrEqual(DETECTED_MS);
    }
  });

  it('is asked for a sign of life only while its agent is silent, and not all the time then', () => {
    const group = warm(1, { jitterMs: 30 });
    const probes = () => [...group.nodes.values()].map(({ probes: count }) => count);
    expect(probes()).toEqual([0, 0, 0]);
    group.freeze('n1', 2_000);
    group.run(2_500);
    expect(probes()[0]).toBe(0);
    for (const count of probes().slice(1)) {
      expect(count).toBeGreaterThanOrEqual(5);
      expect(count).toBeLessThanOrEqual(11);
    }
  });

  it('is not suspected while failover is paused, and is as soon as that ends', () => {
    const group = warm();
    for (const { watch } of group.nodes.values()) watch.paused(true);
    group.isolate('n1');
    expect(untilSuspected(group, 3_000)).toBeNull();
    expect(group.node('n2').watch.explain()).toBe('failover is paused');
    for (const { watch } of group.nodes.values()) watch.paused(false);
    expect(untilSuspected(group, 1_000)).toBeLessThan(300);
  });

  it('is another leader after a takeover: what was held against the old one is forgotten', () => {
    const group = warm();
    group.freezeHost('n1');
    untilSuspected(group, 2_000);
    group.takeOver('n2');
    expect(untilSuspected(group, 3_000)).toBeNull();
    group.freeze('n2');
    expect(untilSuspected(group, 5_000)).not.toBeNull();
  });
});

describe('an election', () => {
  const postgres = { mode: 'primary', term: 1, setting: { acks: 1, voters: ['n2', 'n3'] }, proven: true, admitting: true } as const;
  const facts = (group: SimulatedGroup, node: string) => {
    const view = { revision: group.revision, record: group.record };
    return group.node(node).watch.facts({ ...bootState(node, 's', { promise: 0, taint: 0, postgres }), view });
  };

  it('is refuted by a leader that its voters hear, once they know of the epoch', () => {
    const group = warm();
    group.writeRecord(epochOpened(group.record, 'n2'));
    expect(facts(group, 'n1').consent).toBe(false);
    group.run(300);
    expect(facts(group, 'n1').consent).toBe(true);
    // Its own probe failed just now, and nobody else knows it yet.
    const { heartbeat, watch } = group.node('n1');
    watch.heard({ ...heartbeat, sequence: heartbeat.sequence + 1, healthy: false });
    expect(facts(group, 'n1').consent).toBe(false);
  });

  it('is not refuted by a leader that is not well, or whose voters do not hear it', () => {
    for (const spoil of [
      (group: SimulatedGroup) => Object.assign(group.node('n1').heartbeat, { healthy: false }),
      (group: SimulatedGroup) => group.cut.add('n1>n2').add('n1>n3'),
    ]) {
      const group = warm();
      spoil(group);
      group.run(1_000);
      group.writeRecord(epochOpened(group.record, 'n2'));
      group.run(500);
      expect(facts(group, 'n1').consent).toBe(false);
    }
  });

  it('is refuted without consent when too few voters live, and not before it had its time', () => {
    const group = warm();
    group.writeRecord(epochOpened(group.record, 'n2'));
    group.freeze('n2');
    group.freeze('n3');
    group.run(electionMs - 200);
    expect(facts(group, 'n1').consent).toBe(false);
    group.run(400);
    expect(facts(group, 'n1').consent).toBe(true);
  });

  it('that nobody can win is refuted at once: a lone leader', () => {
    const group = warm();
    group.cut.add('n1>n2').add('n1>n3');
    group.run(1_000);
    group.writeRecord(epochOpened({ ...group.record, guards: [LONE, { acks: 1, voters: ['n2'] }] }, 'n2'));
    expect(facts(group, 'n1').consent).toBe(true);
  });

  it('is overdue for others than its candidate, later when the candidate lives', () => {
    const group = warm();
    group.writeRecord(epochOpened(group.record, 'n2'));
    group.run(electionMs + 200);
    expect([facts(group, 'n2').overdue, facts(group, 'n3').overdue]).toEqual([false, false]);
    group.run(2 * electionMs);
    expect([facts(group, 'n2').overdue, facts(group, 'n3').overdue]).toEqual([false, true]);
    const dead = warm();
    dead.writeRecord(epochOpened(dead.record, 'n2'));
    dead.freeze('n2');
    dead.run(electionMs + 200);
    expect(facts(dead, 'n3').overdue).toBe(true);
  });

  it('that was refuted is tried again only when the others agree anew', () => {
    const group = warm();
    group.cut.add('n1>n2').add('n1>n3');
    untilSuspected(group, 5_000);
    group.writeRecord(epochOpened(group.record, 'n2'));
    group.cut.delete('n1>n3');
    group.run(300);
    group.writeRecord(refuted(group.record));
    group.run(30);
    expect(untilSuspected(group, 20_000)).toBeNull();
  });

  it('that was refuted is not tried again at once, and each time later', () => {
    const group = warm();
    group.cut.add('n1>n2').add('n1>n3');
    const waits: number[] = [];
    for (let at = 0; at < 4; at++) {
      expect(untilSuspected(group, 30_000)).not.toBeNull();
      const candidate = group.suspicions[0]?.node ?? 'n2';
      group.writeRecord(epochOpened(group.record, candidate));
      group.run(200);
      group.writeRecord(refuted(group.record));
      group.run(30);
      waits.push(untilSuspected(group, 30_000) ?? 0);
    }
    for (const [at, waited] of waits.entries()) if (at > 0) expect(waited).toBeGreaterThan(waits[at - 1] ?? 0);
    expect(waits[0]).toBeGreaterThan(TIMING.attemptMs / 2);
    // What it failed at is forgotten with the leader that it was about.
    group.cut.clear();
    group.takeOver('n3');
    group.node('n3').heartbeat.role = 'primary';
    group.run(1_000);
    group.freezeHost('n3');
    expect(untilSuspected(group, 30_000)).toBeLessThanOrEqual(DETECTED_MS);
  });
});
