import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

const KEYS = ['replicas', 'port', 'health', 'secrets', 'stopTimeout', 'startTimeout'];

describe('nearest', () => {
  it.each([
    ['replica', 'replicas'],
    ['repilcas', 'replicas'],
    ['prot', 'port'],
    ['stoptimeout', 'stopTimeout'],
    ['healht', 'health'],
  ])('%s means %s', (word, meant) => expect(nearest(word, KEYS)).toBe(meant));

  it.each(['x', 'instances', 'zzzzzzzz'])('%s means none of them', (word) => expect(nearest(word, KEYS)).toBeNull());

  it('is a distance: none to itself, the same both ways, never more than the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
        expect(editDistance(left, left)).toBe(0);
        expect(editDistance(left, right)).toBe(editDistance(right, left));
        expect(editDistance(left, right)).toBeLessThanOrEqual(Math.max(left.length, right.length));
        expect(editDistance(left, right)).toBeGreaterThanOrEqual(Math.abs(left.length - right.length));
      }),
    );
  });
});
