import { describe, expect, it } from 'vitest';
import { LeaderProof } from './leader-proof.ts';

const TIMING = { proofMs: 1_500, proofEveryMs: 100 };

function stage() {
  const seen = { pulses: 0, reads: 0, acknowledged: 0, stops: 0 };
  let nowMs = 10_000;
  let answer: { resolve: () => void; reject: () => void } = { resolve: () => undefined, reject: () => undefined };
  const proof = new LeaderProof({
    timing: TIMING,
    now: () => nowMs,
    pulse: async () => {
      seen.pulses += 1;
      await new Promise<void>((resolve, reject) => {
        answer = { resolve, reject: () => reject(new Error('no quorum')) };
      });
    },
    read: () => void (seen.reads += 1),
    acknowledged: () => void (seen.acknowledged += 1),
    stop: () => void (seen.stops += 1),
  });
  return {
    proof,
    seen,
    now: () => nowMs,
    /** Beats every 50 ms for that long. */
    beats: (forMs: number, admitting = true, isNamed = true): void => {
      for (let ms = 0; ms < forMs; ms += 50) {
        nowMs += 50;
        proof.beat({ leads: true, isNamed, admitting });
      }
    },
    sleep: (ms: number): void => void (nowMs += ms),
    settle: async (outcome: 'resolve' | 'reject'): Promise<void> => {
      answer[outcome]();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('LeaderProof', () => {
  it('has one pulse on its way at a time, each as good as its beginning', async () => {
    const { proof, seen, beats, settle } = stage();
    beats(1_000);
    expect(seen.pulses).toBe(1);
    await settle('resolve');
    expect(seen.acknowledged).toBe(1);
    // It began 950 ms ago: what happened since is not proven by it.
    expect(proof.ageMs).toBeGreaterThanOrEqual(950);
    beats(100);
    expect(seen.pulses).toBe(2);
  });

  it('stops the server when neither a quorum nor etcd confirms it, and sends nobody there before', async () => {
    const { proof, seen, beats } = stage();
    beats(1_600);
    expect(proof.isFresh).toBe(false);
    expect(seen.stops).toBe(0);
    expect(seen.reads).toBeGreaterThan(3);
    beats(400);
    expect(seen.stops).toBeGreaterThan(0);
  });

  it('goes on as long as a linearizable read names it', () => {
    const { proof, seen, beats, now } = stage();
    for (let second = 0; second < 10; second += 1) {
      beats(1_000);
      proof.named(now() - 20);
    }
    expect(seen.stops).toBe(0);
    expect(proof.isFresh).toBe(true);
  });

  it('gives an agent that was frozen itself the time for a proof', async () => {
    const { proof, seen, beats, sleep, settle } = stage();
    beats(50);
    sleep(60_000);
    beats(50);
    expect(proof.isFresh).toBe(false);
    expect(seen.stops).toBe(0);
    await settle('reject');
    beats(50);
    await settle('resolve');
    beats(400);
    expect(proof.isFresh).toBe(true);
    expect(seen.stops).toBe(0);
  });

  it('takes no server for the leader that it merely finds: it has time for a proof, not the proof', async () => {
    const { proof, seen, beats, settle } = stage();
    beats(1_000, true, false);
    expect(proof.isFresh).toBe(false);
    expect(seen.stops).toBe(0);
    await settle('reject');
    beats(50, true, false);
    await settle('resolve');
    expect(proof.isFresh).toBe(true);
    expect(seen.acknowledged).toBe(1);
    const { proof: unproven, seen: ended, beats: beatsOn } = stage();
    beatsOn(2_000, true, false);
    expect(unproven.isFresh).toBe(false);
    expect(ended.stops).toBeGreaterThan(0);
  });

  it('stops nothing that has no clients, and forgets its proof with its lead', async () => {
    const { proof, seen, beats, settle } = stage();
    beats(5_000, false);
    expect(seen.stops).toBe(0);
    proof.beat({ leads: false, isNamed: true, admitting: false });
    await settle('resolve');
    expect(proof.isFresh).toBe(false);
    expect(proof.ageMs).toBe(null);
    expect(seen.acknowledged).toBe(0);
  });
});
