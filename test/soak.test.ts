/** What the soak makes of chance and of what it measured. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../bench/failover/options.ts';
import { calmWords } from '../bench/soak/calm.ts';
import { lineOf, summary } from '../bench/soak/campaign.ts';
import { chooseFaults, FAULTS } from '../bench/soak/faults.ts';
import { idRange, judge } from '../bench/soak/judge.ts';
import { soakOptions } from '../bench/soak/options.ts';
import { randomOf } from '../bench/soak/random.ts';
import { appendSoakRun, type FaultRun, nextIndex, problemsOf, readSoakRuns } from '../bench/soak/soak-log.ts';

const LEADERSHIP = { host: 'b1', term: 4, epoch: 6 };

function run(more: Partial<FaultRun['result']> = {}, index = 0): FaultRun {
  return {
    ...{ kind: 'fault', seed: 7, index, at: '2026-01-01T00:00:00.000Z', holdMs: 900 },
    faults: [{ name: 'kill-primary', words: 'postmaster of a1 killed' }],
    result: {
      ...{ acked: 100, lost: 0, phantoms: 0, gapMs: 300, failed: 8, terms: 1, epochs: 1, wholeAfterMs: 40, missing: null },
      ...{ before: { host: 'a1', term: 3, epoch: 5 }, after: LEADERSHIP, writable: ['b1'] },
      ...more,
    },
  };
}

describe('chance from a seed', () => {
  it('is the same again, and another for another seed or index', () => {
    const numbers = (seed: number, index: number) => Array.from({ length: 8 }, randomOf(seed, index).next);
    fc.assert(
      fc.property(fc.integer(), fc.nat(100_000), (seed, index) => {
        expect(numbers(seed, index)).toEqual(numbers(seed, index));
        expect(numbers(seed, index)).not.toEqual(numbers(seed, index + 1));
        for (const number of numbers(seed, index)) expect(number >= 0 && number < 1).toBe(true);
      }),
    );
  });

  it('shuffles without losing anything, and stays within its bounds', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(), { maxLength: 8 }), fc.nat(20), fc.nat(20), (seed, items, least, more) => {
        const random = randomOf(seed, 0);
        expect(random.shuffled(items).toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
        const number = random.between(least, least + more);
        expect(number >= least && number <= least + more).toBe(true);
      }),
    );
  });

  it('comes to every fault', () => {
    const chosen = new Set(Array.from({ length: 600 }, (_, index) => chooseFaults(randomOf(1, index))).flat());
    expect([...chosen].sort()).toEqual(Object.keys(FAULTS).sort());
  });
});

describe('the books', () => {
  const sent = { firstWriter: 2, attempts: [3, 1], acked: [2e9, 2e9 + 1, 3e9] };

  it('balance when all that was acknowledged is there, with or without what was not', () => {
    expect(judge(sent, [2e9, 2e9 + 1, 3e9])).toEqual({ acked: 3, lost: 0, phantoms: 0 });
    expect(judge(sent, [2e9, 2e9 + 1, 2e9 + 2, 3e9])).toEqual({ acked: 3, lost: 0, phantoms: 0 });
  });

  it('show what is lost, and what nobody sent', () => {
    expect(judge(sent, [2e9, 3e9, 3e9 + 1, 4e9])).toEqual({ acked: 3, lost: 1, phantoms: 2 });
  });

  it('have a range of ids for each writer that no other uses', () => {
    expect(idRange(2)).toEqual({ from: 2e9, to: 3e9 });
    expect(idRange(3).from).toBe(idRange(2).to);
  });
});

describe('the log', () => {
  it('goes on behind the last fault of the same seed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nines-soak-'));
    const file = join(folder, 'runs.jsonl');
    try {
      expect(nextIndex(readSoakRuns(file), 7)).toBe(0);
      appendSoakRun(file, run({}, 0));
      appendSoakRun(file, { ...run({}, 5), seed: 8 });
      appendSoakRun(file, run({}, 1));
      appendFileSync(file, '{"kind":"fault","seed":7,"ind');
      expect([7, 8, 9].map((seed) => nextIndex(readSoakRuns(file), seed))).toEqual([2, 6, 0]);
      // A machine that stopped in the middle of a line: the next record does not continue it.
      appendFileSync(file, '{"kind":"fau');
      expect(readSoakRuns(file)).toHaveLength(3);
      appendSoakRun(file, run({}, 2));
      expect(nextIndex(readSoakRuns(file), 7)).toBe(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names everything that must not be', () => {
    expect(problemsOf(run())).toEqual([]);
    expect(problemsOf(run({ lost: 2 }))).toEqual(['2 acknowledged writes are lost']);
    expect(problemsOf(run({ phantoms: 1 }))).toHaveLength(1);
    expect(problemsOf(run({ writable: ['a1', 'b1'] }))).toEqual(['b1 leads; writes are acknowledged by: a1, b1']);
    expect(problemsOf(run({ writable: [] }))).toHaveLength(1);
    expect(problemsOf(run({ wholeAfterMs: null, missing: 'the leader is alone' }))).toEqual(['not whole again: the leader is alone']);
  });

  it('says in a line what was done and what it cost', () => {
    expect(lineOf(run())).toBe(
      '#0 kill-primary: postmaster of a1 killed, for 900 ms: gap 300 ms, 1 terms, 1 epochs, 100 acked, 8 failed, 0 lost, whole after 40 ms',
    );
    expect(summary([run(), run({ gapMs: 900, lost: 1 }, 1)])).toBe(
      '2 faults, 2 failovers, worst gap 900 ms (#1 kill-primary), 200 acked, 16 failed, lost = 1',
    );
    expect(summary([])).toContain('worst gap none');
    const calm = { at: '', minutes: 20, elections: 0, failovers: 0, worstBackMs: null };
    expect(calmWords({ kind: 'idle', ...calm, writes: null })).toBe('20 minutes idle: 0 elections, 0 false failovers');
  });
});

describe('the command line', () => {
  it('has defaults', () => {
    expect(soakOptions(['failover'])).toEqual({ minutes: 10, seed: 1, mode: 'faults' });
    expect(soakOptions(['failover', '--minutes', '0.5', '--seed', '3', '--load'])).toEqual({ minutes: 0.5, seed: 3, mode: 'load' });
  });

  it.each([[[]], [['redis']], [['failover', '--minutes', 'x']], [['failover', '--minutes', '0']], [['failover', '--seed', '1.5']]])(
    'refuses %j',
    (argv) => expect(() => soakOptions(argv)).toThrow(UsageError),
  );

  it('refuses to be idle and loaded at once', () => {
    expect(() => soakOptions(['failover', '--idle', '--load'])).toThrow(UsageError);
  });
});
