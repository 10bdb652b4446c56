import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heartbeat, PeerMessage } from '../../failover/heartbeat.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { peerMessageOf } from './peer-message.ts';

const heartbeat: Heartbeat = {
  ...{ node: 'n1', sequence: 1, epoch: 1, term: 1, role: 'primary', admitting: true, healthy: true, exited: false, leaves: false },
  ...{ pulses: 0, flushLsn: 100, replayLsn: null, streamsTerm: null, content: true, lagMs: 0 },
};
const record = firstRecord('s', 'n1', { acks: 1, voters: ['n2'] }, { term: 1, lsn: 10 });
const GOOD: PeerMessage[] = [
  { group: 'main', kind: 'heartbeat', heartbeat },
  { group: 'main', kind: 'core', message: { kind: 'ask', epoch: 2, from: 'n1' } },
  { group: 'main', kind: 'core', message: { kind: 'promise', epoch: 2, from: 'n1', systemId: 's', log: { term: 1, lsn: 3 } } },
  { group: 'main', kind: 'record', view: { revision: 3, record } },
  { group: 'main', kind: 'pre-vote', id: 1, epoch: 2 },
  { group: 'main', kind: 'pre-vote-answer', id: 1, leaderAdvanced: false, walMoved: true, isSilent: true },
];
const from = (node: string | null) => () => node;

describe('peerMessageOf', () => {
  it('takes what agents send, as they sent it', () => {
    for (const message of GOOD) expect(peerMessageOf(JSON.parse(JSON.stringify(message)), from('n1'))).toEqual(message);
  });

  it('takes from nobody what is said in the name of another', () => {
    for (const message of GOOD.slice(0, 3)) expect(peerMessageOf(message, from('n2'))).toBe(null);
    expect(peerMessageOf(GOOD[4], from(null))).toBe(null);
  });

  it('takes nothing with a field missing or of another kind, and never throws', () => {
    const broken = fc.tuple(fc.constantFrom(...GOOD), fc.anything()).map(([message, junk]) => {
      const copy = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
      const [key = ''] = Object.keys(copy).filter((name) => name !== 'group' && name !== 'kind');
      return { ...copy, [key]: typeof junk === typeof copy[key] ? undefined : junk };
    });
    fc.assert(fc.property(broken, (message) => peerMessageOf(message, from('n1')) === null));
    fc.assert(fc.property(fc.anything(), (message) => peerMessageOf(message, from('n1')) === null));
    expect(peerMessageOf({ group: 'main', kind: 'heartbeat', heartbeat: { ...heartbeat, flushLsn: 'much' } }, from('n1'))).toBe(null);
    expect(peerMessageOf({ group: 'main', kind: 'record', view: { revision: 3, record: { ...record, term: 9 } } }, from('n1'))).toBe(null);
  });
});
