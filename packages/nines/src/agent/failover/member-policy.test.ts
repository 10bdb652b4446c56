import { describe, expect, it } from 'vitest';
import type { MemberSight } from '../../engines/postgres/control.ts';
import { LONE, type VoterSet } from '../../failover/record.ts';
import { bootState, type NodeState } from '../../failover/state.ts';
import { TIMING } from '../../failover/timing.ts';
import { epochOpened, firstRecord } from '../../failover/transitions.ts';
import { MemberPolicy } from './member-policy.ts';

const PLACES = ['n1', 'n2', 'n3'].map((node, at) => ({ node, host: node, address: node, port: 1, zone: 'abc'[at] ?? '' }));
const SET = { acks: 1, voters: ['n2', 'n3'] };

function stage(alive: Set<string>) {
  let nowMs = 0;
  let streaming = ['n2', 'n3'];
  const opened: number[] = [];
  const policy = new MemberPolicy({
    ...{ me: 'n1', timing: TIMING, now: () => nowMs, places: () => PLACES, durability: () => 'quorum' as const, etcdReachable: () => true },
    watch: { alive: (node) => alive.has(node), latest: () => null },
    opened: () => void opened.push(nowMs),
  });
  const state = (set: VoterSet = SET): NodeState => ({
    ...bootState('n1', 's', { promise: 0, taint: 0, postgres: { mode: 'primary', term: 1, setting: set, proven: true, admitting: true } }),
    view: { revision: 4, record: firstRecord('s', 'n1', set, { term: 1, lsn: 1 }) },
  });
  const sight = (): MemberSight => ({
    ...{ answers: true, role: 'primary', term: 1, flushLsn: 100, replayLsn: null, streaming: false },
    standbys: streaming.map((node) => ({ node, counted: true, streaming: true, flushLsn: 100, lagBytes: 0 })),
  });
  return {
    opened,
    /** The same for its changes of the voters: the first reason to stop. */
    standstill: (forMs: number, guards: readonly VoterSet[], isElecting = false) => {
      const endMs = nowMs + forMs;
      const [set = SET] = guards;
      const open = { ...firstRecord('s', 'n1', set, { term: 1, lsn: 1 }), guards };
      const record = isElecting ? epochOpened(open, 'n2') : open;
      for (; nowMs < endMs; nowMs += 200) {
        const reason = policy.standstill({ ...state(set), view: { revision: isElecting ? 5 : 4, record } }, sight());
        if (reason !== null) return reason;
      }
      return null;
    },
    streams: (nodes: string[]) => void (streaming = nodes),
    /** Asks every 200 ms; what was asked for first, and when. */
    looks: (forMs: number, set: VoterSet = SET) => {
      const endMs = nowMs + forMs;
      for (; nowMs < endMs; nowMs += 200) {
        const proposal = policy.request(state(set), sight());
        if (proposal !== null) return { request: proposal.request, atMs: nowMs };
      }
      return null;
    },
  };
}

describe('MemberPolicy', () => {
  it('asks for nothing while all is well, and says once that its term is open', () => {
    const { looks, opened } = stage(new Set(['n2', 'n3']));
    expect(looks(5_000)).toBe(null);
    expect(opened).toEqual([0]);
  });

  it('counts how long a member has not streamed, from when it was first missed', () => {
    const { looks, streams } = stage(new Set(['n2', 'n3']));
    looks(3_000);
    streams(['n2']);
    const asked = looks(5_000);
    expect(asked?.request).toEqual({ kind: 'change', set: { acks: 1, voters: ['n2'] } });
    expect(asked?.atMs).toBeGreaterThanOrEqual(3_000 + TIMING.voterGoneMs);
    expect(asked?.atMs).toBeLessThanOrEqual(3_000 + TIMING.voterGoneMs + 400);
  });

  it('forgets that a member was missing when it is back', () => {
    const { looks, streams } = stage(new Set(['n2', 'n3']));
    for (let times = 0; times < 5; times += 1) {
      streams(['n2']);
      expect(looks(TIMING.voterGoneMs - 200)).toBe(null);
      streams(['n2', 'n3']);
      expect(looks(400)).toBe(null);
    }
  });

  it('stops a leader whose change of the voters goes neither way, counted over the elections that interrupt it', () => {
    const { standstill, streams } = stage(new Set());
    const joint = [SET, { acks: 1, voters: ['n3'] }];
    streams([]);
    expect(standstill(TIMING.loneMs - 1_000, joint)).toBe(null);
    expect(standstill(2_000, joint, true)).toBe(null);
    expect(standstill(200, joint)).toContain('neither way');
  });

  it('begins to count anew when the change could go on for a moment', () => {
    const alive = new Set<string>();
    const { standstill, streams } = stage(alive);
    const joint = [SET, { acks: 1, voters: ['n3'] }];
    streams([]);
    expect(standstill(TIMING.loneMs, joint)).toBe(null);
    alive.add('n2');
    streams(['n2']);
    expect(standstill(200, joint)).toBe(null);
    streams([]);
    expect(standstill(TIMING.loneMs, joint)).toBe(null);
    expect(standstill(600, joint)).toContain('neither way');
  });

  it('takes in whoever streams, by a leader that is alone', () => {
    const { looks } = stage(new Set(['n2', 'n3']));
    expect(looks(5_000, LONE)?.request).toEqual({ kind: 'change', set: SET });
  });
});
