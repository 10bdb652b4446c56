/** A bounded part of the simulation; `npm run model -- --simulate RUNS` does more. Runs are counted, not timed. */
import { describe, expect, it } from 'vitest';
import { ARITHMETIC } from '../../src/failover/quorum.ts';
import { RULES } from '../../src/failover/rules/table.ts';
import { makeStep } from '../../src/failover/step.ts';
import { replay } from '../../src/failover/transcript.ts';
import { runSeed } from './run.ts';
import { simulate } from './simulate.ts';
import { transcriptsOf } from './story.ts';

const TIMEOUT_MS = 120_000;
const never = (): boolean => false;

const without = (...names: string[]) =>
  makeStep(
    RULES.filter(({ name }) => !names.includes(name)),
    ARITHMETIC,
  );
const withoutWall = (rule: string, wall: string) =>
  makeStep(
    RULES.map((each) => (each.name === rule ? { ...each, walls: { ...each.walls, [wall]: () => true } } : each) as typeof each),
    ARITHMETIC,
  );

describe('a group that everything happened to', () => {
  it(
    'keeps its promises, and is whole again a bounded time after it was healed, or serves with what is left',
    () => {
      const tally = simulate(1, 100, never);
      expect(tally.ill).toEqual([]);
      expect(tally.runs).toBe(100);
      expect(tally.epochs).toBeGreaterThan(tally.runs);
    },
    TIMEOUT_MS,
  );

  it('does the same again with the same seed', () => expect(runSeed(7)).toEqual(runSeed(7)), TIMEOUT_MS);

  it(
    'leaves transcripts that replay',
    () => {
      for (const lines of transcriptsOf(3).values()) {
        expect(replay(lines)).toEqual({ steps: lines.filter((line) => line.startsWith('{"kind":"step"')).length, mismatch: null });
      }
    },
    TIMEOUT_MS,
  );
});

describe('what is taken away is missed', () => {
  it.each([
    ['rebuild', without('rebuild')],
    ['start-after-handover', without('start-after-handover')],
    ['taking over, by election or alone', without('take', 'take-over')],
    ['the fence', withoutWall('take', 'fencedEveryGuard')],
    ['consent', withoutWall('refute', 'consent')],
    ['history', makeStep(RULES, { ...ARITHMETIC, isOnHistory: () => true })],
  ])(
    '%s',
    (_, step) => {
      const seeds = Array.from({ length: 40 }, (_, at) => at + 1);
      expect(seeds.some((seed) => simulate(seed, 1, never, { step }).ill.length > 0)).toBe(true);
    },
    TIMEOUT_MS,
  );
});
