/** The candidate's side: from a complaint of one's own to a suspicion that is shared, for one leader in one term. */
import { type PreVoteAnswer, preVoteVerdict, type Witness } from '../../../failover/pre-vote.ts';
import type { NodeName } from '../../../failover/record.ts';
import type { Timing } from '../../../failover/timing.ts';
import { Attempts } from './attempts.ts';
import type { Complaint } from './complaint.ts';

/** Between two questions at least; WAL that moves, and a server that answers, are asked about again this soon. */
const SOON_MS = 50;

export interface DoubtSight {
  complaint: Complaint | null;
  nowMs: number;
  witnesses: readonly Witness[];
  walMoved: boolean;
  /** See `PreVote`. */
  aloneSinceMs: number | null;
  /** How many others should begin before this node. */
  turn: number;
}

export class Doubt {
  reason = 'nothing is held against the leader';
  private readonly timing: Timing;
  private readonly elections: Attempts;
  private readonly vetoes: Attempts;
  private readonly ask: (id: number) => void;
  private sinceMs: number | null = null;
  private question: { id: number; askedMs: number; answers: Map<NodeName, PreVoteAnswer> } | null = null;
  private agreedMs: number | null = null;
  private askAgainMs = Number.NEGATIVE_INFINITY;
  private lastId = 0;

  /** @param ask sends question `id` to every witness. */
  constructor(timing: Timing, random: () => number, ask: (id: number) => void) {
    this.timing = timing;
    this.elections = new Attempts(timing, random);
    this.vetoes = new Attempts(timing, random);
    this.ask = ask;
  }

  /** An epoch that this node opened, or an election that the leader outlived. */
  failed(nowMs: number): void {
    this.elections.failed(nowMs);
  }

  /** The leader was well enough to refute, or somebody else leads: what was agreed is void. */
  begin(): void {
    this.sinceMs = null;
    this.drop();
  }

  forget(): void {
    this.begin();
    this.elections.forget();
    this.vetoes.forget();
    this.askAgainMs = Number.NEGATIVE_INFINITY;
  }

  answered(answer: PreVoteAnswer, id: number): void {
    if (this.question?.id === id) this.question.answers.set(answer.node, answer);
  }

  /** Whether the leader is to be replaced now. */
  look(sight: DoubtSight): boolean {
    const { complaint, nowMs } = sight;
    if (complaint === null) {
      this.begin();
      this.reason = 'nothing is held against the leader';
      return false;
    }
    this.sinceMs ??= nowMs;
    if (complaint.isCertain) this.agreedMs ??= nowMs;
    if (this.agreedMs === null && !this.agrees(sight)) return false;
    return this.isOwnTurn(sight);
  }

  private isOwnTurn({ complaint, nowMs, turn }: DoubtSight): boolean {
    const turnMs = (this.agreedMs ?? nowMs) + turn * this.timing.turnMs - nowMs;
    const waitMs = Math.max(turnMs, this.elections.waitMs(nowMs));
    const why = turnMs > 0 ? 'others go first' : 'the last attempt was too short ago';
    this.reason = `${complaint?.reason}; ${waitMs > 0 ? `${why}: ${Math.round(waitMs)} ms more` : 'the others agree'}`;
    return waitMs <= 0;
  }

  private agrees(sight: DoubtSight): boolean {
    const { complaint, nowMs, witnesses } = sight;
    if (this.question === null && !this.askNow(sight)) return false;
    const { question } = this;
    if (question === null) return false;
    const verdict = preVoteVerdict(
      {
        askedMs: question.askedMs,
        suspectedSinceMs: this.sinceMs ?? nowMs,
        hearsLeader: complaint?.isSilence === false,
        walMoved: sight.walMoved,
        aloneSinceMs: sight.aloneSinceMs,
        witnesses,
        answers: [...question.answers.values()],
      },
      this.timing,
      nowMs,
    );
    this.reason = `${complaint?.reason}; pre-vote: ${verdict.reason}`;
    if (verdict.outcome === 'wait') return false;
    this.question = null;
    if (verdict.outcome === 'elect') this.agreedMs = nowMs;
    else if (verdict.outcome === 'moves' || verdict.outcome === 'answers') this.askAgainMs = nowMs + SOON_MS;
    else this.vetoes.failed(nowMs);
    return this.agreedMs !== null;
  }

  private askNow({ complaint, nowMs, witnesses }: DoubtSight): boolean {
    // Since the veto everybody else has lost the leader too: it is worth another question at once.
    const isShared = witnesses.length > 0 && witnesses.every(({ isContent }) => !isContent);
    const vetoMs = isShared ? 0 : this.vetoes.waitMs(nowMs);
    if (vetoMs > 0) this.reason = `${complaint?.reason}; the others did not agree: asks again in ${Math.round(vetoMs)} ms`;
    if (vetoMs > 0 || nowMs < this.askAgainMs) return false;
    this.askAgainMs = nowMs + SOON_MS;
    this.lastId++;
    this.question = { id: this.lastId, askedMs: nowMs, answers: new Map() };
    this.ask(this.lastId);
    return true;
  }

  private drop(): void {
    this.question = null;
    this.agreedMs = null;
  }
}
