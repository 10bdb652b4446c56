import { describe, expect, it } from 'vitest';
import type { MemberSight } from '../../engines/postgres/control.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import type { GroupRecord } from '../../failover/record.ts';
import { bootState, type NodeState } from '../../failover/state.ts';
import { epochOpened, firstRecord } from '../../failover/transitions.ts';
import { type CopySituation, StaleCopy } from './stale-copy.ts';

const RECORD = firstRecord('s', 'n1', { acks: 1, voters: ['n3'] }, { term: 1, lsn: 1 });
const FOLLOWING = { mode: 'standby', following: { leader: 'n1', term: 1, counted: true }, log: null } as const;
const LEADER: Heartbeat = {
  ...{ node: 'n1', sequence: 1, epoch: 1, term: 1, role: 'primary', admitting: true, healthy: true, exited: false, leaves: false },
  ...{ pulses: 0, flushLsn: 0, replayLsn: null, streamsTerm: null, content: true, lagMs: 0 },
};
const SIGHT: MemberSight = {
  ...{ answers: true, role: 'standby', term: 1, flushLsn: 500, replayLsn: 500, streaming: true, standbys: [] },
};
const MINUTE_MS = 60_000;

interface Change {
  record?: GroupRecord;
  state?: Partial<NodeState>;
  sight?: Partial<MemberSight>;
  leader?: Partial<Heartbeat>;
  isContent?: boolean;
}

/** n2 follows n1, whose log grows by 100 in each 100 ms; what n2 has stands still at `lsn`. */
function stage() {
  const stale = new StaleCopy();
  let nowMs = 0;
  let lsn = 500;
  const situation = ({ record = RECORD, state, sight, leader, isContent = true }: Change): CopySituation => ({
    ...{ nowMs, isContent },
    state: {
      ...bootState('n2', 's', { promise: 0, taint: 0, postgres: FOLLOWING }),
      view: { revision: 4, record },
      ...state,
    },
    sight: { ...SIGHT, flushLsn: lsn, ...sight },
    leader: { ...LEADER, flushLsn: 1_000 + nowMs, ...leader },
  });
  return {
    stale,
    now: () => nowMs,
    sleep: (ms: number): void => void (nowMs += ms),
    receives: (bytes: number): void => void (lsn += bytes),
    /** When it began to try; null: not within that time. */
    looks: (forMs: number, change: Change = {}): number | null => {
      for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 100) if (stale.look(situation(change)) !== null) return nowMs;
      return null;
    },
  };
}

describe('StaleCopy', () => {
  it('tries a copy after ten seconds without a byte, says so before, and says so once', () => {
    const { stale, looks } = stage();
    expect(looks(5_000)).toBe(null);
    expect(stale.reason).toBe('follows n1 and receives nothing for 4 s');
    expect(looks(10_000)).toBe(10_000);
    expect(stale.isTrying).toBe(true);
    expect(stale.reason).toContain('its data is copied anew');
    expect(looks(MINUTE_MS)).toBe(null);
    expect(stale.isTrying).toBe(true);
  });

  it('does so for a member that is not counted as well', () => {
    const postgres = { ...FOLLOWING, following: { ...FOLLOWING.following, counted: false } };
    expect(stage().looks(MINUTE_MS, { state: { postgres } })).toBe(10_000);
  });

  it.each<[string, Change]>([
    ['it is a voter', { record: { ...RECORD, guards: [{ acks: 1, voters: ['n2', 'n3'] }] } }],
    ['a setting with it is on its way', { record: { ...RECORD, guards: [...RECORD.guards, { acks: 1, voters: ['n2', 'n3'] }] } }],
    ['an election runs', { record: epochOpened(RECORD, 'n3') }],
    ['it leads', { record: { ...RECORD, leader: 'n2' } }],
    ['it follows nobody', { state: { postgres: { mode: 'standby', following: null, log: null } } }],
    ['it follows an earlier term', { record: { ...RECORD, term: 2 }, leader: { term: 2 } }],
    ['a command is under way', { state: { acting: 'follow' } }],
    ['its server does not answer', { sight: { answers: false, role: null, flushLsn: null } }],
    ['something is held against the leader', { isContent: false }],
    ['the leader is not well', { leader: { healthy: false } }],
    ['the leader is not open', { leader: { admitting: false } }],
    ['the leader has nothing more', { leader: { flushLsn: 500 } }],
  ])('leaves it as it is when %s', (_, change) => {
    const { looks, stale } = stage();
    expect(looks(MINUTE_MS, change)).toBe(null);
    expect(stale.isTrying).toBe(false);
  });

  it('counts from the last byte that came, however far behind it is', () => {
    const { looks, receives } = stage();
    for (let times = 0; times < 20; times += 1) {
      expect(looks(9_000)).toBe(null);
      receives(1);
    }
    expect(looks(10_500)).not.toBe(null);
  });

  it('counts no time in which it did not look: its agent may have been frozen', () => {
    const { looks, sleep } = stage();
    expect(looks(5_000)).toBe(null);
    sleep(60_000);
    expect(looks(3_000)).toBe(null);
    expect(looks(3_000)).not.toBe(null);
  });

  it('waits until it has replayed its own log: only then it asks for more', () => {
    const { looks, stale, receives } = stage();
    stale.rested(600);
    expect(looks(MINUTE_MS)).toBe(null);
    receives(100);
    expect(looks(MINUTE_MS)).not.toBe(null);
  });

  it('tries again after ten minutes, then after twenty, when the copy fails', () => {
    const { looks, stale, now } = stage();
    const begins: number[] = [];
    for (let times = 0; times < 4; times += 1) {
      begins.push(looks(120 * MINUTE_MS) ?? Number.NaN);
      stale.ended(false, now());
      expect(stale.isTrying).toBe(false);
    }
    const gaps = begins.slice(1).map((ms, at) => (ms - (begins[at] ?? 0)) / MINUTE_MS);
    expect(gaps).toEqual([10, 20, 40]);
    looks(30_000);
    expect(stale.reason).toContain('a copy did not help, the next is made in 80 min');
  });

  it('tries again at once when a copy was complete and it is stale again, but not for ever: a copy may be no help', () => {
    const { looks, stale, now, receives } = stage();
    const begins: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      begins.push(looks(120 * MINUTE_MS) ?? Number.NaN);
      // The copy has more of the log than the data before it; nothing of it was received.
      receives(now() - begins[0]! + 400);
      stale.ended(true, now());
    }
    expect((begins[1] ?? 0) - (begins[0] ?? 0)).toBeLessThan(MINUTE_MS);
    expect(((begins[2] ?? 0) - (begins[1] ?? 0)) / MINUTE_MS).toBe(20);
  });

  it('begins anew with its patience when it came up with the leader in between', () => {
    const { looks, stale, now, receives } = stage();
    expect(looks(MINUTE_MS)).toBe(10_000);
    stale.ended(true, now());
    looks(1_000);
    receives(20_000);
    looks(1_000);
    const first = looks(MINUTE_MS);
    expect(first).not.toBe(null);
    stale.ended(true, now());
    expect((looks(MINUTE_MS) ?? Number.NaN) - (first ?? 0)).toBeLessThan(MINUTE_MS);
  });

  it('gives a try up when somebody else leads: what it needs may be there', () => {
    const { looks, stale } = stage();
    expect(looks(MINUTE_MS)).toBe(10_000);
    looks(100, { record: { ...RECORD, leader: 'n3', term: 2 } });
    expect(stale.isTrying).toBe(false);
    expect(stale.reason).toBe(null);
  });
});
