/** Every duration of a failover, and what has to hold between them. None of them carries safety: too short costs an election, too long costs time. */

export interface Timing {
  /** Between two heartbeats of an agent. */
  heartbeatMs: number;
  /** Silence below this is never suspicious, however regular the heartbeats were. */
  suspicionFloorMs: number;
  /** Silence above this always is. */
  suspicionCeilingMs: number;
  /** A witness that misses the leader too and does not answer within this is not waited for. */
  preVoteMs: number;
  /** A witness that hears the leader looks for an acknowledged write for this long before it answers. */
  preVoteHoldMs: number;
  /** Candidates that suspect together begin this far apart. */
  turnMs: number;
  /** Between a node's own elections of one term, between its questions after a veto; doubled each time, up to the last. */
  attemptMs: number;
  attemptMaxMs: number;
  /** A new leader that lives, but is not promoted after this long, is suspected. A switchover takes no longer either. */
  promotionMs: number;
  /** The leader's server answers one byte within this, or it does not answer. */
  serverProbeMs: number;
  /** WAL that still moves, or a server that answers without its agent, holds an election up for this long at most. */
  movingWalMs: number;
  /** Then any voter may open the next epoch. */
  electionMs: number;
  /** A voter whose agent is gone for this long is taken out of the setting. */
  voterGoneMs: number;
  /** No epoch was opened and no other voter's agent lived for this long: the leader may go lone, unless `strict`. */
  loneMs: number;
  /** A quorum-acknowledged write proves leadership for this long. */
  proofMs: number;
  /** A tiny commit that proves it. */
  proofEveryMs: number;
}

/**
 * Heartbeats every 50 ms cost 1.7 % of one CPU of the measured machine per agent of three. In simulation a lost host is suspected after at most
 * 342 ms with them and a floor of 250 ms, and a leader that is well never is, with gaps of 120 ms and stalls of 100 ms. A floor of 200 ms, or
 * 250 ms with heartbeats every 75 ms, raised false alarms there.
 */
export const TIMING: Timing = {
  heartbeatMs: 50,
  suspicionFloorMs: 250,
  suspicionCeilingMs: 2_000,
  preVoteMs: 100,
  preVoteHoldMs: 300,
  turnMs: 200,
  attemptMs: 500,
  attemptMaxMs: 8_000,
  promotionMs: 5_000,
  serverProbeMs: 150,
  movingWalMs: 3_000,
  electionMs: 1_000,
  voterGoneMs: 1_000,
  loneMs: 10_000,
  proofMs: 1_500,
  proofEveryMs: 100,
};

/** What is wrong with a set of durations; none for the defaults, which a test asserts. */
export function timingProblems(timing: Timing): string[] {
  const relations: [boolean, string][] = [
    // One heartbeat may be lost, and the next be late by half, before anybody is suspected.
    [timing.suspicionFloorMs >= 2.5 * timing.heartbeatMs, 'suspicionFloorMs is at least 2.5 heartbeats'],
    [timing.suspicionCeilingMs > timing.suspicionFloorMs, 'suspicionCeilingMs is above suspicionFloorMs'],
    // Otherwise the second candidate would interrupt the first between its pre-vote and its promises.
    // A leader that is well has a heartbeat with a newer proof within one heartbeat and one proof.
    [timing.preVoteHoldMs > timing.heartbeatMs + timing.proofEveryMs, 'preVoteHoldMs covers a heartbeat and a proof'],
    // The second candidate sees the first one's epoch before its own turn.
    [timing.turnMs >= timing.preVoteMs, 'turnMs covers a pre-vote'],
    [timing.attemptMaxMs > timing.attemptMs, 'attemptMaxMs is above attemptMs'],
    [timing.promotionMs > timing.electionMs, 'promotionMs is above electionMs'],
    [timing.electionMs > 2 * timing.preVoteMs + timing.suspicionFloorMs, 'electionMs covers pre-vote, promises and a silence'],
    // A probe of the server begins after two heartbeats' time of silence, and is over when somebody may be suspected.
    [timing.suspicionFloorMs >= timing.serverProbeMs + 2 * timing.heartbeatMs, 'suspicionFloorMs covers two heartbeats and a probe'],
    // A leader that is about to be replaced is not first made weaker.
    [timing.voterGoneMs > timing.suspicionFloorMs, 'voterGoneMs is above suspicionFloorMs'],
    [timing.loneMs > 2 * timing.electionMs + timing.voterGoneMs, 'loneMs leaves time for two elections'],
    [timing.loneMs > timing.movingWalMs + timing.electionMs, 'loneMs leaves time for an election held up by moving WAL'],
    // A stall of the disk that lasts ten proofs is a failed one; less is not.
    [timing.proofMs >= 10 * timing.proofEveryMs, 'proofMs covers ten proofs'],
    [timing.proofMs > timing.suspicionFloorMs, 'proofMs is above suspicionFloorMs'],
  ];
  return relations.filter(([holds]) => !holds).map(([, relation]) => relation);
}
