import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareLogs, holds, isOnHistory } from './log.ts';

/** 1 -> 2 at 50; 1 -> 3 at 40 (2 was never anchored); 3 -> 4 at 60. */
const TIMELINES = [
  { term: 1, node: 'n1', parent: 0, fork: 0 },
  { term: 2, node: 'n2', parent: 1, fork: 50 },
  { term: 3, node: 'n3', parent: 1, fork: 40 },
  { term: 4, node: 'n1', parent: 3, fork: 60 },
];

describe('holds', () => {
  it.each([
    [{ term: 1, lsn: 45 }, { term: 1, lsn: 45 }, true],
    [{ term: 1, lsn: 45 }, { term: 1, lsn: 46 }, false],
    [{ term: 4, lsn: 99 }, { term: 1, lsn: 40 }, true],
    [{ term: 4, lsn: 99 }, { term: 1, lsn: 41 }, false],
    [{ term: 4, lsn: 99 }, { term: 3, lsn: 60 }, true],
    [{ term: 4, lsn: 99 }, { term: 3, lsn: 61 }, false],
    [{ term: 4, lsn: 99 }, { term: 2, lsn: 51 }, false],
    [{ term: 2, lsn: 51 }, { term: 3, lsn: 41 }, false],
    [{ term: 9, lsn: 99 }, { term: 1, lsn: 1 }, false],
  ])('%j holds %j: %s', (log, point, held) => expect(holds(TIMELINES, log, point)).toBe(held));
});

it('holds nothing by a term that begins on itself or a later one: it ends on any list of timelines', () => {
  expect(holds([{ term: 2, node: 'n1', parent: 2, fork: 5 }], { term: 2, lsn: 9 }, { term: 1, lsn: 1 })).toBe(false);
  const term = fc.integer({ min: 0, max: 6 });
  const list = fc.array(fc.record({ term, node: fc.constant('n1'), parent: term, fork: fc.nat(9) }), { maxLength: 8 });
  const end = fc.record({ term, lsn: fc.nat(9) });
  fc.assert(
    fc.property(list, end, end, (timelines, log, point) => {
      if (holds(timelines, log, point)) expect(point.term).toBeLessThanOrEqual(log.term);
    }),
  );
});

describe('isOnHistory', () => {
  it.each([
    [{ term: 1, lsn: 40 }, 4, true],
    [{ term: 1, lsn: 41 }, 4, false],
    [{ term: 2, lsn: 51 }, 4, false],
    [{ term: 3, lsn: 60 }, 4, true],
    [{ term: 4, lsn: 1_000 }, 4, true],
  ])('%j under term %i: %s', (log, term, on) => expect(isOnHistory(TIMELINES, term, log)).toBe(on));
});

it('compares by term first', () => {
  expect(compareLogs({ term: 2, lsn: 1 }, { term: 1, lsn: 9 })).toBeGreaterThan(0);
  expect(compareLogs({ term: 2, lsn: 1 }, { term: 2, lsn: 9 })).toBeLessThan(0);
});
