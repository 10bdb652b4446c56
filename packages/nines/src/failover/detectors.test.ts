/** Suspicion, pre-vote and durations: what stands outside the core and no safety rests on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreVote, type PreVoteAnswer, preVoteVerdict } from './pre-vote.ts';
import { firstHeard, heard, isSilent, patienceMs } from './suspicion.ts';
import { TIMING, timingProblems } from './timing.ts';

describe('timing', () => {
  it('keeps every relation', () => expect(timingProblems(TIMING)).toEqual([]));

  it.each([
    ['suspicionFloorMs', 2 * TIMING.heartbeatMs],
    ['suspicionCeilingMs', TIMING.suspicionFloorMs],
    ['preVoteHoldMs', TIMING.proofEveryMs],
    ['turnMs', 50],
    ['attemptMaxMs', 100],
    ['promotionMs', 500],
    ['electionMs', 400],
    ['serverProbeMs', 200],
    ['voterGoneMs', TIMING.suspicionFloorMs],
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
  const regular = after(Array<number>(50).fill(TIMING.heartbeatMs));

  it('never comes below the floor, always above the ceiling', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 })), (gaps) => {
        const { detector, nowMs } = after(gaps);
        expect(isSilent(detector, TIMING, nowMs + TIMING.suspicionFloorMs)).toBe(false);
        expect(isSilent(detector, TIMING, nowMs + TIMING.suspicionCeilingMs + 1)).toBe(true);
      }),
    );
  });

  it('comes at the floor when heartbeats were regular', () => {
    expect(isSilent(regular.detector, TIMING, regular.nowMs + TIMING.suspicionFloorMs + 1)).toBe(true);
  });

  it('waits longer where heartbeats were irregular', () => {
    const irregular = after(Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? 20 : 400))).detector;
    expect(patienceMs(irregular, TIMING)).toBeGreaterThan(patienceMs(regular.detector, TIMING) + 100);
  });

  it('is not moved by a heartbeat from the past', () => {
    const { detector, nowMs } = after([100, 100]);
    expect(heard(detector, nowMs - 50)).toBe(detector);
  });
});

describe('the pre-vote', () => {
  const silent: PreVoteAnswer = { node: 'n3', leaderAdvanced: false, walMoved: false, isSilent: true };
  const vote = (more: Partial<PreVote>, nowMs: number) =>
    preVoteVerdict(
      {
        ...{ askedMs: 0, suspectedSinceMs: -500, hearsLeader: false, walMoved: false, aloneSinceMs: null, answers: [] },
        ...{ witnesses: [{ node: 'n3', isContent: false }] },
        ...more,
      },
      TIMING,
      nowMs,
    ).outcome;
  const content = { witnesses: [{ node: 'n3', isContent: true }] };
  const two = { witnesses: [...content.witnesses, { node: 'n4', isContent: true }] };
  const late = TIMING.preVoteMs + 1;
  const veryLate = TIMING.preVoteMs + TIMING.preVoteHoldMs + 1;

  it.each<[string, Partial<PreVote>, number, string]>([
    ['a second witness agrees', { answers: [silent] }, 5, 'elect'],
    ['its newer answer is worth more than its older heartbeat', { ...content, answers: [silent] }, 5, 'elect'],
    ['the leader acknowledged after the question', { answers: [{ ...silent, leaderAdvanced: true }] }, 5, 'acknowledges'],
    ['one veto is enough', { ...two, answers: [silent, { ...silent, node: 'n4', leaderAdvanced: true }] }, 5, 'acknowledges'],
    ['only my own link is bad', { ...content, answers: [{ ...silent, isSilent: false }] }, 5, 'content'],
    [
      'one of two hears it, and saw nothing acknowledged',
      { ...two, answers: [silent, { ...silent, node: 'n4', isSilent: false }] },
      5,
      'elect',
    ],
    ['WAL still moves there', { answers: [{ ...silent, walMoved: true }] }, 5, 'moves'],
    ['WAL still moves here', { walMoved: true, answers: [silent] }, 5, 'moves'],
    ['WAL still moves, for too long', { walMoved: true, answers: [silent] }, TIMING.movingWalMs, 'elect'],
    ['its server answers without its agent', { aloneSinceMs: -250, answers: [silent] }, 5, 'answers'],
    ['its server answers, for too long', { aloneSinceMs: -TIMING.movingWalMs, answers: [silent] }, 5, 'elect'],
    ['an answer may still come', {}, 5, 'wait'],
    ['no answer came, and by its heartbeat it misses the leader', {}, late, 'elect'],
    ['who hears the leader takes its time', content, late, 'wait'],
    ['who hears the leader never answered', content, veryLate, 'content'],
    ['nobody is heard: the bad link may be mine', { witnesses: [] }, late, 'wait'],
    ['nobody is heard for long', { witnesses: [] }, TIMING.suspicionCeilingMs, 'elect'],
    ['nobody but the leader is heard, and it is not well', { witnesses: [], hearsLeader: true }, 5, 'elect'],
  ])('%s', (_, more, nowMs, outcome) => expect(vote(more, nowMs)).toBe(outcome));
});
