import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applicationName, parseApplicationName } from './application-name.ts';

const anyFollowing = fc.record({
  node: fc.nat(99).map((ordinal) => `replica_${ordinal}`),
  term: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  counted: fc.boolean(),
});

it('reads back what it wrote, and gives every following a name of its own', () => {
  fc.assert(
    fc.property(anyFollowing, (following) => {
      expect(parseApplicationName(applicationName(following))).toEqual(following);
    }),
  );
  expect(applicationName({ node: 'replica_2', term: 5, counted: true })).toBe('replica_2_t5');
  expect(applicationName({ node: 'replica_2', term: 18, counted: false })).toBe('replica_2_f18');
});

it('knows nothing of other names', () => {
  for (const name of ['clone_replica_2', 'replica_2', 'replica_2_t', 'replica_2_x5', 'xreplica_2_t5', 'replica_2_t5 ', 'nines-agent']) {
    expect(parseApplicationName(name)).toBeNull();
  }
});
