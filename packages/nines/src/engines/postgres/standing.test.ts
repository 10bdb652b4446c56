import { describe, expect, it } from 'vitest';
import { type ServerState, standingOf } from './standing.ts';

const STATE: ServerState = {
  standby: false,
  waitsForStandby: true,
  flushLsn: '0/5000000',
  timeline: 1,
  receiverStatus: null,
  receiverAgeMs: null,
  lagBytes: null,
  lagSeconds: null,
  standbys: [],
  lostSlots: [],
};
const attached = (name: string, syncState: string, state = 'streaming') => ({ name, state, syncState, lagBytes: 0 });

describe('standingOf', () => {
  it('says of a primary who is attached and who acknowledges', () => {
    const seen = standingOf({ ...STATE, standbys: [attached('replica_1', 'quorum'), attached('replica_2', 'async', 'catchup')] });
    expect(seen).toMatchObject({ ready: true, role: 'primary', details: { standbys: 1, acknowledging: 1, timeline: 1 } });
    expect(seen.details?.['replica_2']).toBe('catchup, async, 0 bytes behind');
  });

  it('calls a primary whose commits wait ready, and says that they wait', () => {
    expect(standingOf(STATE)).toMatchObject({ ready: true, live: true, reason: expect.stringContaining('commits wait') });
    expect(standingOf({ ...STATE, waitsForStandby: false }).reason).not.toContain('wait');
  });

  it('calls a standby ready only while it streams, and never unsound for the want of a primary', () => {
    const standby = { ...STATE, standby: true, lagBytes: 42, lagSeconds: -0.01, receiverAgeMs: 900 };
    expect(standingOf({ ...standby, receiverStatus: 'streaming' })).toMatchObject({
      ready: true,
      details: { lagBytes: 42, lagSeconds: 0 },
    });
    expect(standingOf({ ...standby, receiverStatus: 'waiting' })).toMatchObject({ ready: false, live: true });
    expect(standingOf({ ...standby, receiverStatus: null })).toMatchObject({ ready: false, live: true, role: 'standby' });
  });

  it('does not believe a stream that has just begun: one without its WAL begins anew every 50 ms', () => {
    const streaming = { ...STATE, standby: true, receiverStatus: 'streaming' };
    expect(standingOf({ ...streaming, receiverAgeMs: 12 })).toMatchObject({ ready: false, live: true });
    expect(standingOf({ ...streaming, receiverAgeMs: 200 })).toMatchObject({ ready: true });
  });

  it('does not call an unknown lag none', () => {
    const standby = { ...STATE, standby: true, receiverStatus: 'streaming', receiverAgeMs: 900 };
    expect(standingOf(standby).reason).toContain('unknown');
    expect(standingOf({ ...standby, lagBytes: 0 }).reason).toContain(' 0 bytes');
  });

  it('names slots whose WAL is gone', () => {
    const primary = standingOf({ ...STATE, lostSlots: ['replica_1'] });
    expect(primary.details?.['lostSlots']).toBe('replica_1');
    expect(primary.reason).toContain('replica_1');
  });
});
