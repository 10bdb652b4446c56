/** The witness's side of a pre-vote: what others ask, and when this node can say something that helps them. */
import type { PeerMessage } from '../../../failover/heartbeat.ts';
import type { PreVoteAnswer } from '../../../failover/pre-vote.ts';
import type { NodeName } from '../../../failover/record.ts';

export type Answer = Omit<PreVoteAnswer, 'node'>;

export interface WitnessSight {
  /** Misses the leader as well. */
  misses: boolean;
  /** When the leader's acknowledged writes grew last, by the listening clock; null: no leader is known. */
  advancedMs: number | null;
  walMoved: boolean;
}

interface Question {
  id: number;
  askedMs: number;
}

export function answerMessage(group: string, id: number, answer: Answer): PeerMessage {
  return { group, kind: 'pre-vote-answer', id, ...answer };
}

/** One open question of each asker: a newer one takes its place. */
export class Questions {
  private readonly open = new Map<NodeName, Question>();
  private readonly holdMs: number;

  constructor(holdMs: number) {
    this.holdMs = holdMs;
  }

  asked(from: NodeName, id: number, nowMs: number): void {
    this.open.set(from, { id, askedMs: nowMs });
  }

  /** Everything that can be answered now; each question once. */
  ready(sight: WitnessSight, nowMs: number): { to: NodeName; id: number; answer: Answer }[] {
    const ready: { to: NodeName; id: number; answer: Answer }[] = [];
    for (const [to, question] of this.open) {
      const leaderAdvanced = sight.advancedMs !== null && sight.advancedMs > question.askedMs;
      if (!leaderAdvanced && !sight.misses && nowMs - question.askedMs < this.holdMs) continue;
      this.open.delete(to);
      ready.push({ to, id: question.id, answer: { leaderAdvanced, walMoved: sight.walMoved, isSilent: sight.misses } });
    }
    return ready;
  }
}
