import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONE, sameSet, type VoterSet } from '../../../failover/record.ts';
import { parseStandbyNames, standbyNames } from './names.ts';

const term = fc.integer({ min: 1, max: 2 ** 31 });
const voterSet: fc.Arbitrary<VoterSet> = fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { maxLength: 6 }).chain((ordinals) =>
  fc.record({
    acks: ordinals.length === 0 ? fc.constant(0) : fc.integer({ min: 1, max: ordinals.length }),
    voters: fc.constant(ordinals.map((ordinal) => `replica_${ordinal}`).sort()),
  }),
);

describe('standbyNames', () => {
  it('is read back as it was written, by a server of the same term only', () => {
    fc.assert(
      fc.property(voterSet, term, term, (set, mine, other) => {
        const text = standbyNames(set, mine);
        expect(parseStandbyNames(text, mine)).toEqual(set);
        const seenByOther = parseStandbyNames(text, other)!;
        expect(sameSet(seenByOther, set)).toBe(mine === other || set.voters.length === 0);
      }),
    );
  });

  it('names each voter by its term, and is empty only when lone', () => {
    expect(standbyNames({ acks: 1, voters: ['replica_1', 'replica_2'] }, 5)).toBe('ANY 1 ("replica_1_t5", "replica_2_t5")');
    expect(standbyNames(LONE, 5)).toBe('');
  });

  it('takes the unsatisfiable setting for nothing that a record could ask for', () => {
    expect(parseStandbyNames('ANY 1 ("nobody")', 5)).toEqual({ acks: 1, voters: ['nobody'] });
  });

  it('does not guess what somebody else wrote', () => {
    for (const text of ['*', 'replica_1', 'FIRST 1 (a)', 'ANY 1 ("a"', 'ANY 0 ("a")']) expect(parseStandbyNames(text, 1)).toBeNull();
  });
});
