/** Whether a suspicion is shared. It keeps one bad link from stopping a healthy cluster; no safety rests on it. */
import type { Timing } from './timing.ts';

export interface PreVoteAnswer {
  node: string;
  /** The node heard after the question that the leader's quorum-acknowledged heartbeat advanced. */
  leaderAdvanced: boolean;
  /** The node received WAL after the question. */
  walMoved: boolean;
  /** Nothing of the leader within the node's own patience. */
  isSilent: boolean;
}

export interface PreVote {
  askedMs: number;
  /** Since when this candidate suspects the leader without a break. */
  suspectedSinceMs: number;
  /** All agents that were asked, without the candidate and the leader. */
  asked: number;
  answers: readonly PreVoteAnswer[];
}

export type PreVoteVerdict = { elect: boolean; isFinal: boolean; reason: string };

/** The leader's own report that its postmaster exited replaces all of this. */
export function preVoteVerdict(preVote: PreVote, timing: Timing, nowMs: number): PreVoteVerdict {
  const { answers, asked, askedMs, suspectedSinceMs } = preVote;
  const advanced = answers.find(({ leaderAdvanced }) => leaderAdvanced);
  if (advanced !== undefined)
    return { elect: false, isFinal: true, reason: `${advanced.node} saw the leader acknowledge after the question` };
  const moved = answers.find(({ walMoved }) => walMoved);
  if (moved !== undefined && nowMs - suspectedSinceMs < timing.movingWalMs) {
    return { elect: false, isFinal: true, reason: `${moved.node} still receives WAL` };
  }
  if (answers.length < asked && nowMs - askedMs < timing.preVoteMs) {
    return { elect: false, isFinal: false, reason: `${answers.length} of ${asked} agents answered` };
  }
  const content = answers.find(({ isSilent }) => !isSilent);
  if (content !== undefined && answers.filter(({ isSilent }) => isSilent).length === 0) {
    return { elect: false, isFinal: true, reason: `nobody but the candidate misses the leader` };
  }
  return { elect: true, isFinal: true, reason: answers.length === 0 ? 'no agent answered' : 'nobody saw the leader acknowledge' };
}
