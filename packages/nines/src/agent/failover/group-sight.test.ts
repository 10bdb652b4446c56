import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { ARITHMETIC } from '../../failover/quorum.ts';
import { LONE } from '../../failover/record.ts';
import { epochOpened, firstRecord, ledBy, opened } from '../../failover/transitions.ts';
import { GroupSight, sameRoutes } from './group-sight.ts';

const OPEN = firstRecord('s', 'n1', { acks: 1, voters: ['n2'] }, { term: 1, lsn: 10 });
const PLACES = ['n1', 'n2', 'n3'].map((node) => ({ node, host: node.replace('n', 'h'), address: `10.0.0.${node.slice(1)}`, port: 5432 }));
const BEAT: Heartbeat = {
  ...{ node: 'n1', sequence: 1, epoch: 1, term: 1, role: 'primary', admitting: true, healthy: true, exited: false, leaves: false },
  ...{ pulses: 0, flushLsn: 100, replayLsn: null, streamsTerm: null, content: true, lagMs: 0 },
};
const standby = (node: string, replayLsn: number, more: Partial<Heartbeat> = {}): Heartbeat => ({
  ...{ ...BEAT, node, role: 'standby', admitting: false, flushLsn: replayLsn, replayLsn, streamsTerm: 1 },
  ...more,
});

function sight(me: string | null = 'n1'): GroupSight {
  const made = new GroupSight('main', me);
  made.read({ revision: 1, record: OPEN });
  made.heard(BEAT, 0);
  return made;
}

describe('GroupSight', () => {
  it('names the leader by its own word, and its standbys by their lag', () => {
    const seen = sight();
    seen.heard(standby('n2', 40), 0);
    seen.heard(standby('n3', 90), 0);
    expect(seen.view(PLACES, 100)).toMatchObject({
      ...{ leader: { node: 'n1', host: 'h1', term: 1 }, phase: 'open', term: 1, epoch: 1, lone: false },
      replicas: [
        { node: 'n3', lagBytes: 10, counted: false },
        { node: 'n2', lagBytes: 60, counted: true },
      ],
    });
  });

  it('keeps a leader that is silent, until another term is known', () => {
    const seen = sight();
    seen.heard({ ...BEAT, admitting: false, role: 'down', exited: true }, 10);
    expect(seen.view(PLACES, 60_000).leader?.node).toBe('n1');
    const next = ledBy(ARITHMETIC, epochOpened(OPEN, 'n2'), { node: 'n2', log: { term: 1, lsn: 10 } });
    seen.read({ revision: 3, record: next });
    expect(seen.view(PLACES, 60_000)).toMatchObject({ leader: null, term: 2, phase: 'promoting' });
    // The deposed one still says that it leads.
    seen.heard(BEAT, 20);
    expect(seen.view(PLACES, 60_000).leader).toBe(null);
    seen.heard({ ...BEAT, node: 'n2', term: 2 }, 30);
    expect(seen.view(PLACES, 60_000).leader).toMatchObject({ node: 'n2', term: 2 });
  });

  it('has no leader while the leader says that it turns clients away', () => {
    const seen = sight();
    seen.heard({ ...BEAT, sequence: 2, admitting: false }, 10);
    expect(seen.view(PLACES, 10)).toMatchObject({ leader: null, term: 1 });
    // The switchover did not come about.
    seen.heard({ ...BEAT, sequence: 3 }, 20);
    expect(seen.view(PLACES, 20).leader?.node).toBe('n1');
  });

  it('learns of a new leader before the record comes', () => {
    const seen = sight();
    seen.heard({ ...BEAT, node: 'n2', term: 2 }, 30);
    expect(seen.view(PLACES, 40)).toMatchObject({ leader: { node: 'n2', term: 2 }, term: 2 });
  });

  it('leaves out standbys that are silent, unwell, or follow an earlier term', () => {
    const seen = sight();
    seen.heard(standby('n2', 40), 0);
    expect(seen.view(PLACES, 5_000).replicas).toEqual([]);
    seen.heard(standby('n2', 40, { healthy: false }), 5_000);
    seen.heard(standby('n3', 40, { streamsTerm: 0 }), 5_000);
    expect(seen.view(PLACES, 5_000).replicas).toEqual([]);
  });

  it('is proven only where the leader is, and says when it is alone', () => {
    for (const me of ['n1', 'n2', null]) {
      const seen = sight(me);
      seen.proven = true;
      expect(seen.view(PLACES, 0).proven).toBe(me === 'n1');
    }
    const seen = sight();
    seen.read({ revision: 9, record: { ...OPEN, guards: [LONE] } });
    expect(seen.view(PLACES, 0).lone).toBe(true);
    seen.read({ revision: 8, record: OPEN });
    expect(seen.view(PLACES, 0).lone, 'an older record changes nothing').toBe(true);
  });

  it('does not call another lag another route', () => {
    const seen = sight();
    seen.heard(standby('n2', 40), 0);
    const before = seen.view(PLACES, 0);
    seen.heard(standby('n2', 50, { sequence: 2 }), 1);
    expect(sameRoutes(before, seen.view(PLACES, 1))).toBe(true);
    const record = opened(ledBy(ARITHMETIC, epochOpened(OPEN, 'n3'), { node: 'n3', log: { term: 1, lsn: 10 } }));
    seen.read({ revision: 5, record });
    expect(sameRoutes(before, seen.view(PLACES, 1))).toBe(false);
  });
});

it('says so of a heartbeat that says nothing new, and yet changes who is taken for the leader', () => {
  const seen = sight();
  const claim = { ...BEAT, term: 3 };
  seen.heard(claim, 0);
  seen.heard({ ...claim, node: 'n3' }, 0);
  expect(seen.heard(claim, 0)).toBe(true);
  expect(seen.heard(claim, 0)).toBe(false);
});

it('says of every heartbeat that moves a route that it may', () => {
  const beat = fc.record({
    node: fc.constantFrom('n1', 'n2', 'n3'),
    role: fc.constantFrom<Heartbeat['role']>('primary', 'standby', 'down'),
    term: fc.integer({ min: 1, max: 3 }),
    admitting: fc.boolean(),
    healthy: fc.boolean(),
    streamsTerm: fc.constantFrom(null, 1, 2, 3),
    flushLsn: fc.constantFrom(10, 20),
    waitMs: fc.constantFrom(0, 50, 2_000),
  });
  fc.assert(
    fc.property(fc.array(beat, { maxLength: 30 }), (beats) => {
      const seen = sight();
      let nowMs = 0;
      for (const { waitMs, ...more } of beats) {
        nowMs += waitMs;
        const before = seen.view(PLACES, nowMs);
        const mayMove = seen.heard({ ...BEAT, ...more, replayLsn: more.flushLsn }, nowMs);
        if (!sameRoutes(before, seen.view(PLACES, nowMs))) expect(mayMove).toBe(true);
      }
    }),
  );
});
