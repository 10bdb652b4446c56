import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClusterMember } from '../../store/maintenance.ts';
import { decideStart, joiningCluster, type PeerAnswer } from './start-decision.ts';

const OWN = 'https://127.0.21.1:2380';
const member = (ordinal: number, served: boolean, name = `h${ordinal}`): ClusterMember => ({
  id: String(1000 + ordinal),
  name,
  peerUrls: [`https://127.0.21.${ordinal + 1}:2380`],
  clientUrls: served ? [`https://127.0.21.${ordinal + 1}:2379`] : [],
});
const members = (...list: ClusterMember[]): PeerAnswer => ({ kind: 'members', members: list });
const decide = (hasLog: boolean, ...answers: PeerAnswer[]) => decideStart({ hasLog, peerUrl: OWN, answers });
const others = [member(1, true), member(2, true)];

describe('how an etcd member starts', () => {
  test.each([
    ['its log is there', true, [members(member(0, true), ...others), { kind: 'silent' }], { rule: 1, start: 'new' }],
    ['it was taken out of the cluster', false, [members(...others)], { rule: 2, start: 'join', removeId: null }],
    [
      'it has served before and lost its disk',
      false,
      [{ kind: 'silent' }, members(member(0, true), ...others)],
      { rule: 3, start: 'join', removeId: '1000' },
    ],
    [
      'it was added by a try that was interrupted',
      false,
      [members(member(0, false, ''), ...others)],
      { rule: 3, start: 'join', removeId: '1000' },
    ],
    ['the others were faster at the first start', false, [members(member(0, false), ...others)], { rule: 4, start: 'new' }],
    ['another one is silent', false, [{ kind: 'nobody' }, { kind: 'silent' }], { rule: 5, start: 'wait' }],
    ['nobody runs yet', false, [{ kind: 'nobody' }, { kind: 'nobody' }], { rule: 6, start: 'new' }],
    ['it is alone', false, [], { rule: 6, start: 'new' }],
  ] as [string, boolean, PeerAnswer[], object][])('%s', (_, hasLog, answers, expected) => {
    expect(decide(hasLog, ...answers)).toMatchObject(expected);
  });

  test('never begins a cluster beside one that knows it, nor while one may be hidden behind silence', () => {
    const entry = fc.record({ served: fc.boolean(), named: fc.boolean(), ordinal: fc.nat(2) });
    const answer: fc.Arbitrary<PeerAnswer> = fc.oneof(
      fc.constant<PeerAnswer>({ kind: 'nobody' }),
      fc.constant<PeerAnswer>({ kind: 'silent' }),
      fc
        .uniqueArray(entry, { selector: ({ ordinal }) => ordinal })
        .map((list) => members(...list.map(({ ordinal, served, named }) => member(ordinal, served && named, named ? `h${ordinal}` : '')))),
    );
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 4 }), (answers) => {
        const decision = decide(false, ...answers);
        if (decision.start !== 'new') return;
        const known = answers.find((given) => given.kind === 'members');
        if (known?.kind === 'members') {
          const own = known.members.find(({ peerUrls }) => peerUrls.includes(OWN));
          expect(own).toMatchObject({ name: 'h0', clientUrls: [] });
        } else expect(answers.every(({ kind }) => kind === 'nobody')).toBe(true);
      }),
    );
  });

  test('joins exactly the members there are', () => {
    const nameOf = (url: string) => (url === OWN ? 'h0' : undefined);
    expect(joiningCluster([member(1, true), member(0, false, ''), member(2, true)], nameOf)).toBe(
      'h1=https://127.0.21.2:2380,h0=https://127.0.21.1:2380,h2=https://127.0.21.3:2380',
    );
  });
});
