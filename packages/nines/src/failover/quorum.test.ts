import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARITHMETIC, choose, fenceSize, guardAfter, isFenced, isSingleStep, targetAfter } from './quorum.ts';
import { LONE, type VoterSet } from './record.ts';
import { firstRecord } from './transitions.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];

const voterSet: fc.Arbitrary<VoterSet> = fc
  .subarray(NODES.slice(1), { minLength: 1 })
  .chain((voters) => fc.integer({ min: 1, max: voters.length }).map((acks) => ({ acks, voters })));

const recordOf = (...guards: VoterSet[]) => ({ ...firstRecord('s', 'n1', LONE, { term: 1, lsn: 1 }), guards });

describe('a fence', () => {
  it('meets every set of voters that can acknowledge', () => {
    fc.assert(
      fc.property(voterSet, fc.subarray(NODES), fc.subarray(NODES), (set, fenced, acking) => {
        fc.pre(acking.filter((node) => set.voters.includes(node)).length >= set.acks);
        if (!isFenced(ARITHMETIC, recordOf(set), fenced)) return;
        expect(acking.some((node) => set.voters.includes(node) && fenced.includes(node))).toBe(true);
      }),
    );
  });

  it('is no larger than it has to be', () => {
    fc.assert(
      fc.property(voterSet, (set) => {
        const tooFew = set.voters.slice(0, fenceSize(set) - 1);
        expect(isFenced(ARITHMETIC, recordOf(set), tooFew)).toBe(false);
        expect(set.voters.length - tooFew.length).toBeGreaterThanOrEqual(set.acks);
      }),
    );
  });

  it('never ends a lone leader, also in a joint change', () => {
    expect(isFenced(ARITHMETIC, recordOf(LONE), NODES)).toBe(false);
    expect(isFenced(ARITHMETIC, recordOf(LONE, { acks: 1, voters: ['n2'] }), NODES)).toBe(false);
  });
});

describe('the guard after a takeover', () => {
  it('is met by every commit of before: on enough voters, and on the old leader', () => {
    fc.assert(
      fc.property(voterSet, fc.subarray(NODES), fc.nat(), (set, holders, pick) => {
        fc.pre(holders.filter((node) => set.voters.includes(node)).length >= set.acks);
        const winner = set.voters[pick % set.voters.length] as string;
        const guard = guardAfter([set], 'n1', winner);
        const copies = new Set([...holders, 'n1']);
        expect(guard.voters.filter((node) => copies.has(node)).length).toBeGreaterThanOrEqual(guard.acks);
        expect(guard.voters).not.toContain(winner);
      }),
    );
  });

  it('takes the union and the smaller number of a joint change', () => {
    const guard = guardAfter(
      [
        { acks: 1, voters: ['n2', 'n3'] },
        { acks: 2, voters: ['n2', 'n3'] },
      ],
      'n1',
      'n2',
    );
    expect(guard).toEqual({ acks: 1, voters: ['n1', 'n3'] });
  });

  it('leaves the old leader out of the target where enough others are', () => {
    expect(targetAfter({ acks: 1, voters: ['n1', 'n3'] }, 'n1')).toEqual({ acks: 1, voters: ['n3'] });
    expect(targetAfter({ acks: 1, voters: ['n1'] }, 'n1')).toEqual({ acks: 1, voters: ['n1'] });
  });
});

describe('a single step', () => {
  /** Walsenders count by the setting that each has seen; the number is that of any one of them. */
  it('acknowledges nothing outside a fence of both settings, whichever walsender has seen which', () => {
    fc.assert(
      fc.property(
        voterSet,
        voterSet,
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        fc.subarray(NODES),
        (from, to, sees, fenced) => {
          fc.pre(isSingleStep(from, to) && isFenced(ARITHMETIC, recordOf(from, to), fenced));
          const seenBy = (node: string): VoterSet => (sees[NODES.indexOf(node)] === true ? to : from);
          const counted = NODES.filter((node) => seenBy(node).voters.includes(node));
          const free = counted.filter((node) => !fenced.includes(node));
          for (const node of free) expect(free.length).toBeLessThan(seenBy(node).acks);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [{ acks: 2, voters: ['a', 'b', 'c', 'd'] }, { acks: 2, voters: ['a', 'b', 'c', 'e'] }, false],
    [{ acks: 1, voters: ['a'] }, { acks: 2, voters: ['a', 'b'] }, false],
    [{ acks: 1, voters: ['a'] }, { acks: 1, voters: ['a'] }, false],
    [{ acks: 1, voters: ['a'] }, { acks: 1, voters: ['a', 'b', 'c'] }, true],
    [{ acks: 1, voters: ['a', 'b'] }, { acks: 2, voters: ['a', 'b'] }, true],
    [{ acks: 2, voters: ['a', 'b'] }, LONE, true],
  ])('%j -> %j: %s', (from, to, single) => expect(isSingleStep(from, to)).toBe(single));
});

describe('the choice', () => {
  it('is by term before length, then the preferred, then the name', () => {
    const report = (node: string, term: number, lsn: number) => ({ node, log: { term, lsn } });
    expect(choose([report('n1', 1, 9), report('n2', 2, 3)], 'n1')?.node).toBe('n2');
    expect(choose([report('n1', 1, 3), report('n2', 1, 4)], 'n1')?.node).toBe('n2');
    expect(choose([report('n1', 1, 3), report('n2', 1, 3)], 'n2')?.node).toBe('n2');
    expect(choose([report('n3', 1, 3), report('n2', 1, 3)], 'n9')?.node).toBe('n2');
    expect(choose([], 'n1')).toBeNull();
  });
});
