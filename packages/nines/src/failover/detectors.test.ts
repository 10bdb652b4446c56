/** Suspicion, pre-vote and durations: what stands outside the core and no safety rests on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreVoteAnswer, preVoteVerdict } from './pre-vote.ts';
import { firstHeard, heard, isSilent, patienceMs } from './suspicion.ts';
import { TIMING, timingProblems } from './timing.ts';

describe('timing', () => {
  it('keeps every relation', () => expect(timingProblems(TIMING)).toEqual([]));

  it.each([
    ['suspicionFloorMs', 200],
    ['suspicionCeilingMs', 300],
    ['electionMs', 400],
    ['voterGoneMs', 250],
    ['loneMs', 2_000],
    ['proofMs', 500],
  ] as const)('a %s of %i is found', (name, value) => expect(timingProblems({ ...TIMING, [name]: value })).not.toEqual([]));
});

describe('suspicion', () => {
  const after = (gaps: number[]) => {
    let nowMs = 0;
    let detector = firstHeard(TIMING, nowMs);
    for (const gap of gaps) detector = heard(detector, (nowMs += gap));
    return { detector, nowMs };
  };

  it('never comes below the floor, always above the ceiling', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 })), (gaps) => {
        const { detector, nowMs } = after(gaps);
        expect(isSilent(detector, TIMING, nowMs + TIMING.suspicionFloorMs, 0)).toBe(false);
        expect(isSilent(detector, TIMING, nowMs + TIMING.suspicionCeilingMs + 1, 0)).toBe(true);
      }),
    );
  });

  it('comes at the floor when heartbeats were regular', () => {
    const { detector, nowMs } = after(Array<number>(50).fill(100));
    expect(isSilent(detector, TIMING, nowMs + TIMING.suspicionFloorMs + 1, 0)).toBe(true);
  });

  it('waits longer where heartbeats were irregular, and as much longer as the listener itself was late', () => {
    const regular = after(Array<number>(50).fill(100)).detector;
    const irregular = after(Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? 20 : 400))).detector;
    expect(patienceMs(irregular, TIMING, 0)).toBeGreaterThan(patienceMs(regular, TIMING, 0) + 100);
    expect(patienceMs(regular, TIMING, 80)).toBe(patienceMs(regular, TIMING, 0) + 80);
  });

  it('is not moved by a heartbeat from the past', () => {
    const { detector, nowMs } = after([100, 100]);
    expect(heard(detector, nowMs - 50)).toBe(detector);
  });
});

describe('the pre-vote', () => {
  const silent: PreVoteAnswer = { node: 'n3', leaderAdvanced: false, walMoved: false, isSilent: true };
  const vote = (answers: PreVoteAnswer[], nowMs = 50, asked = 1) =>
    preVoteVerdict({ askedMs: 0, suspectedSinceMs: -500, asked, answers }, TIMING, nowMs);

  it.each([
    ['a second witness agrees', [silent], 50, true],
    ['the leader acknowledged after the question', [{ ...silent, leaderAdvanced: true }], 50, false],
    ['only my own link is bad', [{ ...silent, isSilent: false }], 50, false],
    ['WAL still moves', [{ ...silent, walMoved: true }], 50, false],
    ['WAL still moves, for too long', [{ ...silent, walMoved: true }], 2_600, true],
    ['nobody answers in time', [], 101, true],
  ] as const)('%s: %s', (_, answers, nowMs, elect) => expect(vote([...answers], nowMs)).toMatchObject({ elect, isFinal: true }));

  it('waits for answers that may still come', () => expect(vote([], 50)).toMatchObject({ elect: false, isFinal: false }));
});
