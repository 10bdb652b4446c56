import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Timeline } from '../../../failover/log.ts';
import { FOREIGN_HISTORY, historyFileName, isForeignHistory, lineage, parseHistory, renderHistory, timelineOfHistory } from './history.ts';

/** Terms as elections give them out: each begins on an earlier one, where that was still written. */
const timelines: fc.Arbitrary<Timeline[]> = fc
  .array(fc.record({ parent: fc.double({ min: 0, max: 0.999, noNaN: true }), length: fc.integer({ min: 0, max: 10 ** 10 }) }), {
    maxLength: 8,
  })
  .map((steps) => {
    const made: Timeline[] = [{ term: 1, node: 'replica_0', parent: 0, fork: 0 }];
    for (const { parent, length } of steps) {
      const from = made[Math.floor(parent * made.length)]!;
      made.push({ term: made.length + 1, node: 'replica_1', parent: from.term, fork: from.fork + length });
    }
    return made;
  });

describe('renderHistory', () => {
  it('tells where each timeline on the way was left, and is read back so', () => {
    fc.assert(
      fc.property(timelines, (all) => {
        const { term } = all.at(-1)!;
        const switches = lineage(all, term).slice(1);
        const forked = switches.filter(({ fork }, at) => at === 0 || fork !== switches[at - 1]!.fork);
        expect(parseHistory(renderHistory(all, term))).toEqual(forked.map(({ parent, fork }) => ({ parent, fork })));
      }),
    );
  });

  it('is as PostgreSQL writes it: a line for each, an empty one between', () => {
    const all = [
      { term: 1, node: 'a', parent: 0, fork: 0 },
      { term: 2, node: 'b', parent: 1, fork: 0x5000000 },
      { term: 3, node: 'c', parent: 1, fork: 0x4000000 },
      { term: 4, node: 'b', parent: 2, fork: 2 ** 32 + 0x28 },
    ];
    expect(renderHistory(all, 4)).toBe('1\t0/5000000\tpromoted by Nines\n\n2\t1/28\tpromoted by Nines\n');
    expect(renderHistory(all, 1)).toBe('');
  });
});

describe('lineage', () => {
  it('ends, and only goes down, on any list of timelines', () => {
    const term = fc.integer({ min: 0, max: 6 });
    const list = fc.array(fc.record({ term, node: fc.constant('a'), parent: term, fork: fc.nat(9) }), { maxLength: 8 });
    fc.assert(
      fc.property(list, term, (all, from) => {
        const way = lineage(all, from);
        expect(way.every((each, at) => at === 0 || each.parent === way[at - 1]!.term)).toBe(true);
        expect(way.map((each) => each.term)).toEqual([...new Set(way.map((each) => each.term))].toSorted((left, right) => left - right));
      }),
    );
  });
});

describe('parseHistory', () => {
  it('passes over a timeline on which nothing was written: that is no fork of its own', () => {
    expect(parseHistory('1\t0/5000000\tno recovery target specified\n\n2\t0/5000000\tno recovery target specified\n')).toEqual([
      { parent: 1, fork: 0x5000000 },
    ]);
  });
});

describe('a number that is only kept taken', () => {
  it('has no parent, and is told from a real history', () => {
    expect(parseHistory(FOREIGN_HISTORY)).toEqual([]);
    expect(isForeignHistory(FOREIGN_HISTORY)).toBe(true);
    expect(isForeignHistory('1\t0/5000000\tno recovery target specified\n')).toBe(false);
    // PostgreSQL skips what begins so.
    expect(FOREIGN_HISTORY.split('\n').every((line) => line === '' || line.startsWith('#'))).toBe(true);
  });
});

describe('historyFileName', () => {
  it('is the timeline in eight hexadecimal digits', () => {
    expect(historyFileName(26)).toBe('0000001A.history');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (timeline) => timelineOfHistory(historyFileName(timeline)) === timeline),
    );
    for (const name of ['00000002', '00000002.history.new', '2.history', '000000020000000000000001'])
      expect(timelineOfHistory(name)).toBeNull();
  });
});
