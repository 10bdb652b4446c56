import { describe, expect, it } from 'vitest';
import type { MemberHealth } from './groups.ts';
import { type MemberSituation, memberStanding } from './member-standing.ts';

const PLACE = { node: 'n1', host: 'h1', address: '10.0.0.1', port: 5432 };
const HEALTH: MemberHealth = {
  ...{ node: 'n1', role: 'primary', answers: true, admitting: true, proven: true, streaming: false, counted: false, term: 3 },
  ...{ flushLsn: 100, replayLsn: null, lagBytes: 0, paused: false },
};
const SITUATION: MemberSituation = {
  view: {
    ...{ group: 'main', leader: { ...PLACE, term: 3 }, epoch: 5, term: 3, phase: 'open', lone: false, paused: false, proven: true },
    replicas: [{ ...PLACE, node: 'n2', lagBytes: 0, counted: true }],
  },
  health: HEALTH,
  ...{ reason: 'nothing is held against the leader', isRunning: true, isActing: false, figures: null },
};
const STANDBY: MemberHealth = { ...HEALTH, node: 'n2', role: 'standby', admitting: false, proven: false, streaming: true, lagBytes: 42 };

describe('memberStanding', () => {
  it('calls a primary ready that admits clients and is proven', () => {
    expect(memberStanding(SITUATION)).toMatchObject({
      ready: true,
      live: true,
      role: 'primary',
      details: { term: 3, epoch: 5, voters: 1 },
    });
    for (const more of [{ admitting: false }, { proven: false }]) {
      expect(memberStanding({ ...SITUATION, health: { ...HEALTH, ...more } })).toMatchObject({ ready: false, live: true, role: 'primary' });
    }
    expect(memberStanding({ ...SITUATION, view: { ...SITUATION.view, lone: true } }).reason).toContain('alone');
  });

  it('calls a standby ready that streams, and says what it waits for when it does not', () => {
    expect(memberStanding({ ...SITUATION, health: STANDBY })).toMatchObject({
      ready: true,
      role: 'standby',
      reason: 'standby, 42 bytes behind h1',
    });
    const waiting = memberStanding({
      ...SITUATION,
      health: { ...STANDBY, streaming: false },
      reason: 'follow waits: the election is not decided yet',
    });
    expect(waiting).toMatchObject({ ready: false, waitsForOthers: true, reason: expect.stringContaining('not decided') });
  });

  it('finds a process unsound that does not answer, but not while a command is with it or none runs', () => {
    const frozen = { ...SITUATION, health: { ...HEALTH, answers: false } };
    expect(memberStanding(frozen).live).toBe(false);
    expect(memberStanding({ ...frozen, isActing: true }).live).toBe(true);
    expect(memberStanding({ ...frozen, isRunning: false }).live).toBe(true);
  });

  it('has a reason and no role before there is anything to lead or follow', () => {
    for (const role of ['down', 'handed', 'empty'] as const) {
      const { ready, role: shown, reason } = memberStanding({ ...SITUATION, health: { ...HEALTH, role }, reason: 'copies the data of n2' });
      expect({ ready, shown, reason }).toEqual({ ready: false, shown: undefined, reason: 'copies the data of n2' });
    }
  });
});
