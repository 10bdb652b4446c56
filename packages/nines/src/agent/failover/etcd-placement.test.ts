import { describe, expect, it } from 'vitest';
import type { MemberReport } from '../../store/store.ts';
import { EtcdPlacement, placeFor } from './etcd-placement.ts';

const report = (number: number, leader: number, errors: string[] = []): MemberReport => ({
  endpoint: `https://10.0.0.${number}:2379`,
  status: {
    memberId: String(number),
    leaderId: String(leader),
    raftTerm: '3',
    version: '3.4',
    databaseBytes: 1,
    databaseUsedBytes: 1,
    errors,
  },
  problem: null,
});
const HERE = '10.0.0.1';

describe('placeFor', () => {
  it('names another member only while this host has the leader', () => {
    expect(placeFor([report(1, 1), report(2, 1), report(3, 1)], HERE)).toMatchObject({ memberId: '2' });
    expect(placeFor([report(1, 2), report(2, 2), report(3, 2)], HERE)).toBe(null);
  });

  it('names none that is unwell, does not answer, or knows another leader', () => {
    const silent: MemberReport = { endpoint: 'https://10.0.0.2:2379', status: null, problem: 'timeout' };
    expect(placeFor([report(1, 1), silent, report(3, 1)], HERE)).toMatchObject({ memberId: '3' });
    expect(placeFor([report(1, 1), silent, report(3, 1, ['NOSPACE'])], HERE)).toBe(null);
    expect(placeFor([report(1, 1), silent, report(3, 2)], HERE)).toBe(null);
  });
});

describe('EtcdPlacement', () => {
  it('moves the leader once in ten seconds at most, and looks every thirty', async () => {
    let nowMs = 0;
    let looks = 0;
    const moves: string[] = [];
    const placement = new EtcdPlacement({
      store: {
        status: async () => {
          looks += 1;
          return [report(1, 1), report(2, 1)];
        },
        moveLeader: async (id) => void moves.push(id),
      },
      ...{ address: HERE, now: () => nowMs, log: () => undefined },
    });
    const lead = async (atMs: number, isNew: boolean): Promise<void> => {
      nowMs = atMs;
      placement.lead(isNew);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await lead(0, true);
    await lead(5_000, true);
    expect(moves).toEqual(['2']);
    await lead(20_000, false);
    expect(looks).toBe(1);
    await lead(31_000, false);
    expect({ looks, moves }).toEqual({ looks: 2, moves: ['2', '2'] });
  });
});
