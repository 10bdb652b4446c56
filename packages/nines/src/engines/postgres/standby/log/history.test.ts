import { describe, expect, it } from 'vitest';
import { parseHistory, termAt, timelineOfRecord } from './history.ts';

const THREE = '1\t0/3000000\tno recovery target specified\n\n2\t0/5000000\tpromoted\n';

describe('a history', () => {
  it('gives each timeline its share of the log', () => {
    expect(parseHistory(3, THREE)).toEqual([
      { timeline: 1, begin: 0, end: 0x3000000 },
      { timeline: 2, begin: 0x3000000, end: 0x5000000 },
      { timeline: 3, begin: 0x5000000, end: Number.POSITIVE_INFINITY },
    ]);
    expect(parseHistory(1, '')).toEqual([{ timeline: 1, begin: 0, end: Number.POSITIVE_INFINITY }]);
  });

  it('goes by where a record begins: the one that ends at the fork is the parent’s', () => {
    const history = parseHistory(3, THREE)!;
    expect([0x2ffffc0, 0x3000000, 0x4ffffff, 0x5000000].map((lsn) => timelineOfRecord(history, lsn))).toEqual([1, 2, 2, 3]);
  });

  it('gives a record its term by the file that it is in: beyond a fork that file went on alone', () => {
    const history = parseHistory(3, THREE)!;
    const cases: [file: number, lsn: number, term: number][] = [
      [1, 0x2ffffff, 1],
      [1, 0x3000100, 1],
      [2, 0x2ffffff, 1],
      [2, 0x4ffffff, 2],
      [2, 0x5000100, 2],
      [3, 0x2ffffff, 1],
      [3, 0x4ffffff, 2],
      [3, 0x5000000, 3],
    ];
    for (const [file, lsn, term] of cases) expect(termAt(history, file, lsn), `file ${file}`).toBe(term);
    expect(() => termAt([], 1, 0x3000000)).toThrow(/no timeline/);
  });

  it('is none when it names nobody, a child, or what is no position', () => {
    for (const text of ['', '# kept taken\n', '3\t0/1\tx\n', '2\t0/1\tx\n1\t0/2\tx\n', '1\tsomewhere\tx\n', '1\n']) {
      expect(parseHistory(3, text)).toBeNull();
    }
  });
});
