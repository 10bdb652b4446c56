/** Whether a suspicion is shared. It keeps one bad link from stopping a healthy cluster; no safety rests on it. */
import type { NodeName } from './record.ts';
import type { Timing } from './timing.ts';

/**
 * Whoever misses the leader too answers at once. Whoever hears it waits with the answer until it can say more than
 * that: the leader acknowledged after the question, or fell silent, or neither for `preVoteHoldMs`.
 */
export interface PreVoteAnswer {
  node: NodeName;
  /** The node heard after the question that the leader's quorum-acknowledged writes advanced. */
  leaderAdvanced: boolean;
  /** WAL came to the node just now. */
  walMoved: boolean;
  /** The node misses the leader as well: silent, or not fit to lead. */
  isSilent: boolean;
}

export interface Witness {
  node: NodeName;
  /** By its own newest heartbeat it hears the leader. */
  isContent: boolean;
}

export interface PreVote {
  askedMs: number;
  /** Since when this candidate suspects the leader without a break. */
  suspectedSinceMs: number;
  /** It hears the leader, but the leader is not fit: then it need not be the candidate's own link. */
  hearsLeader: boolean;
  /** WAL came to the candidate itself just now. */
  walMoved: boolean;
  /** Since when nothing is heard of the leader's agent although its server answers; null: it does not answer, or its agent is heard. */
  aloneSinceMs: number | null;
  /** All agents that the candidate hears, without the leader's. */
  witnesses: readonly Witness[];
  answers: readonly PreVoteAnswer[];
}

/** `elect`: the suspicion is shared. `wait`: not known yet. The others say why it is not: ask again later. */
export type PreVoteVerdict = { outcome: 'elect' | 'wait' | 'acknowledges' | 'moves' | 'answers' | 'content'; reason: string };

/** The leader's own report that its postmaster exited replaces all of this. */
export function preVoteVerdict(preVote: PreVote, timing: Timing, nowMs: number): PreVoteVerdict {
  const { answers, witnesses, suspectedSinceMs } = preVote;
  const advanced = answers.find(({ leaderAdvanced }) => leaderAdvanced);
  if (advanced !== undefined) return { outcome: 'acknowledges', reason: `${advanced.node} saw the leader acknowledge after the question` };
  const moved = preVote.walMoved ? 'this node' : answers.find(({ walMoved }) => walMoved)?.node;
  if (moved !== undefined && nowMs - suspectedSinceMs < timing.movingWalMs) {
    return { outcome: 'moves', reason: `${moved} still receives WAL` };
  }
  if (preVote.aloneSinceMs !== null && nowMs - preVote.aloneSinceMs < timing.movingWalMs) {
    return { outcome: 'answers', reason: 'its PostgreSQL answers: the agent may be back in a moment' };
  }
  const open = witnesses.filter((witness) => isOpen(witness, preVote, timing, nowMs));
  if (open.length > 0) return { outcome: 'wait', reason: `${open.map(({ node }) => node).join(', ')} did not answer yet` };
  const content = witnesses.filter(({ node, isContent }) => !(answers.find((answer) => answer.node === node)?.isSilent ?? !isContent));
  if (content.length > 0 && content.length === witnesses.length) {
    return { outcome: 'content', reason: `nobody but the candidate misses the leader` };
  }
  // Whoever hears nobody at all is more likely the one that is cut off.
  if (witnesses.length === 0 && !preVote.hearsLeader && nowMs - suspectedSinceMs < timing.suspicionCeilingMs) {
    return { outcome: 'wait', reason: 'no agent is heard: the bad link may be my own' };
  }
  return { outcome: 'elect', reason: witnesses.length === 0 ? 'no other agent is heard' : 'nobody saw the leader acknowledge' };
}

function isOpen({ node, isContent }: Witness, { askedMs, answers }: PreVote, timing: Timing, nowMs: number): boolean {
  if (answers.some((answer) => answer.node === node)) return false;
  return nowMs - askedMs < (isContent ? timing.preVoteHoldMs : 0) + timing.preVoteMs;
}
