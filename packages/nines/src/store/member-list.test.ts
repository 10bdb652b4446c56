import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemberList } from './member-list.ts';

const ENDPOINTS = ['https://127.0.21.1:2379', 'https://127.0.21.2:2379', 'https://127.0.21.3:2379'];
const order = (members: MemberList, nowMs: number) => members.order(nowMs).map(({ endpoint }) => ENDPOINTS.indexOf(endpoint));

describe('which member is asked first', () => {
  test('the nearest, until it fails; again after its time', () => {
    const members = new MemberList(ENDPOINTS);
    const [first] = members.members;
    expect(order(members, 1)).toEqual([0, 1, 2]);
    members.failed(first!, 1);
    expect(order(members, 2)).toEqual([1, 2, 0]);
    expect(order(members, 502)).toEqual([0, 1, 2]);
    members.failed(first!, 502);
    expect(order(members, 1400)).toEqual([1, 2, 0]);
    members.answered(first!);
    expect(order(members, 1400)).toEqual([0, 1, 2]);
  });

  test('never leaves a member out, nor for longer than ten seconds', () => {
    const steps = fc.array(fc.record({ member: fc.nat(2), failed: fc.boolean(), afterMs: fc.nat(3000) }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (history) => {
        const members = new MemberList(ENDPOINTS);
        let nowMs = 0;
        for (const { member, failed, afterMs } of history) {
          nowMs += afterMs;
          const target = members.members[member]!;
          if (failed) members.failed(target, nowMs);
          else members.answered(target);
          expect(order(members, nowMs).toSorted()).toEqual([0, 1, 2]);
        }
        expect(order(members, nowMs + 10_001)).toEqual([0, 1, 2]);
      }),
    );
  });

  test('a burst of failures is one failure', () => {
    const members = new MemberList(ENDPOINTS);
    for (let call = 0; call < 20; call += 1) members.failed(members.members[0]!, 10);
    expect(order(members, 511)).toEqual([0, 1, 2]);
  });

  test('an endpoint that is named twice is one member; the port has a default', () => {
    const { members } = new MemberList(['https://127.0.21.1', 'https://127.0.21.1']);
    expect(members).toEqual([{ endpoint: 'https://127.0.21.1', hostname: '127.0.21.1', port: 2379 }]);
  });
});
