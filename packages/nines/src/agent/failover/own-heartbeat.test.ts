import { describe, expect, it } from 'vitest';
import type { MemberSight } from '../../engines/postgres/control.ts';
import { ARITHMETIC } from '../../failover/quorum.ts';
import { bootState, type Postgres } from '../../failover/state.ts';
import { epochOpened, firstRecord, ledBy } from '../../failover/transitions.ts';
import { isNewsBetween, type OwnSituation, ownHeartbeat } from './own-heartbeat.ts';

const SET = { acks: 1, voters: ['n2'] };
const OPEN = firstRecord('s', 'n1', SET, { term: 1, lsn: 10 });
const SIGHT: MemberSight = { answers: true, role: 'standby', term: 1, flushLsn: 90, replayLsn: 80, streaming: true, standbys: [] };
const PRIMARY: Postgres = { mode: 'primary', term: 1, setting: SET, proven: true, admitting: true };
const resting: Postgres = { mode: 'standby', following: null, log: null };

const of = (me: string, postgres: Postgres, more: Partial<OwnSituation> = {}) =>
  ownHeartbeat({
    ...{
      node: me,
      sequence: 3,
      record: OPEN,
      sight: SIGHT,
      pulses: 7,
      exitedTerm: 0,
      isClosing: false,
      leaves: false,
      content: true,
      lagMs: 2,
      etcdReachable: true,
    },
    state: bootState(me, 's', { promise: 0, taint: 0, postgres }),
    ...more,
  });

describe('ownHeartbeat', () => {
  it('speaks of the record that is known, also while the core has to read it again', () => {
    expect(of('n2', resting)).toMatchObject({
      epoch: 1,
      term: 1,
      role: 'standby',
      healthy: true,
      flushLsn: 90,
      replayLsn: 80,
      streamsTerm: null,
    });
    expect(
      ownHeartbeat({
        ...{ node: 'n2', sequence: 1, record: null, sight: null, pulses: 0, exitedTerm: 0, isClosing: false, leaves: false },
        content: false,
        lagMs: 0,
        etcdReachable: true,
        state: null,
      }),
    ).toMatchObject({
      ...{ role: 'empty', epoch: 0, healthy: false, exited: false },
    });
  });

  it('does not admit while it closes for a switchover', () => {
    expect(of('n1', PRIMARY).admitting).toBe(true);
    expect(of('n1', PRIMARY, { isClosing: true }).admitting).toBe(false);
  });

  it('calls a primary that waits to open its term unhealthy while etcd is out of its reach', () => {
    const waiting: Postgres = { ...PRIMARY, admitting: false };
    expect(of('n1', waiting, { etcdReachable: false }).healthy).toBe(false);
    expect(of('n1', waiting).healthy).toBe(true);
    // One that leads goes on without etcd.
    expect(of('n1', PRIMARY, { etcdReachable: false }).healthy).toBe(true);
    expect(of('n2', resting, { etcdReachable: false }).healthy).toBe(true);
  });

  it('says whom it streams from only while it does', () => {
    const following: Postgres = { mode: 'standby', following: { leader: 'n1', term: 1, counted: true }, log: null };
    expect(of('n2', following).streamsTerm).toBe(1);
    expect(of('n2', following, { sight: { ...SIGHT, streaming: false } }).streamsTerm).toBe(null);
  });

  it('says of a recorded leader without a primary that it exited, but not of one that hands over or begins', () => {
    expect(of('n1', PRIMARY).exited).toBe(false);
    expect(of('n1', { mode: 'down' }).exited).toBe(true);
    expect(of('n1', resting).exited).toBe(true);
    expect(of('n2', { mode: 'down' }).exited).toBe(false);
    const handing = {
      ...bootState('n1', 's', { promise: 0, taint: 0, postgres: { mode: 'down' } }),
      acting: 'shutDown' as const,
    };
    expect(of('n1', resting, { state: handing }).exited).toBe(false);
    expect(of('n1', { mode: 'handed', to: 'n2', log: { term: 1, lsn: 1 } }).exited).toBe(false);
    const promoting = ledBy(ARITHMETIC, epochOpened(OPEN, 'n2'), { node: 'n2', log: { term: 1, lsn: 10 } });
    expect(of('n2', resting, { record: promoting }).exited).toBe(false);
    expect(of('n2', { mode: 'down' }, { record: promoting, exitedTerm: 2 }).exited).toBe(true);
  });

  it('is news when it leads, follows, ends or goes, not when it writes', () => {
    const now = of('n1', PRIMARY);
    expect(isNewsBetween(now, { ...now, sequence: 4, pulses: 8, flushLsn: 100 })).toBe(false);
    for (const more of [{ role: 'down' as const }, { admitting: false }, { term: 2 }, { exited: true }, { streamsTerm: 1 }]) {
      expect(isNewsBetween(now, { ...now, ...more })).toBe(true);
    }
  });
});
