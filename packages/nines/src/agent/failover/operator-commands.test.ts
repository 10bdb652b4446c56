import { describe, expect, it } from 'vitest';
import type { GroupRecord, VoterSet } from '../../failover/record.ts';
import { firstRecord } from '../../failover/transitions.ts';
import type { GroupHub } from './group-hub.ts';
import { type CommandSurroundings, carryOutCommand } from './operator-commands.ts';

function surroundings(guard: VoterSet, me: string): CommandSurroundings & { did: string[] } {
  const did: string[] = [];
  const record: GroupRecord = firstRecord('s', 'n1', guard, { term: 1, lsn: 10 });
  const member = { state: { view: { revision: 1, record } }, reinit: () => void did.push('reinit') };
  const place = (node: string, host: string) => ({ node, host, address: '127.0.0.1', port: 5432, zone: 'z' });
  return {
    ...{ host: 'b', cluster: 'c', group: 'main', me, did },
    hub: { member } as unknown as GroupHub,
    places: [place('n1', 'a'), place('n2', 'b')],
    store: { put: async () => ({ modRevision: 1 }) },
    wallClock: () => 0,
  };
}

describe('reinit', () => {
  it.each([
    ['of a member that is no voter', { acks: 1, voters: ['n3'] }, 'copies the data of a anew'],
    ['of a voter', { acks: 1, voters: ['n2', 'n3'] }, 'is taken out of the voters, then copies the data of a anew'],
    [
      'of the only voter: it says that it may wait for long',
      { acks: 1, voters: ['n2'] },
      'is the only voter: stays one until another member can acknowledge, then copies the data of a anew',
    ],
  ])('%s', async (_, guard, reason) => {
    const around = surroundings(guard, 'n2');
    expect(await carryOutCommand(around, 'reinit', {})).toEqual({ accepted: true, reason });
    expect(around.did).toEqual(['reinit']);
  });

  it('is refused to the leader', async () => {
    const around = surroundings({ acks: 1, voters: ['n2'] }, 'n1');
    expect(await carryOutCommand(around, 'reinit', {})).toMatchObject({ accepted: false });
    expect(around.did).toEqual([]);
  });
});
