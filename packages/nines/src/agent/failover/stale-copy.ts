/**
 * A standby whose log is part of the leader's history and that receives nothing all the same: the leader keeps no longer what comes next
 * (its slot was lost, or a new leader never had one). It copies the leader anew, as an operator would order it. Only positions are believed:
 * a receiver that is refused again and again may call itself streaming each time.
 */
import type { MemberSight } from '../../engines/postgres/control.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { isVoter, type NodeName } from '../../failover/record.ts';
import type { NodeState } from '../../failover/state.ts';

/** A leader that is well sends something at least every `proofEveryMs`. */
const STILL_MS = 10_000;
/** A look that comes later than this was held up: for the rest of the time nobody could see anything come. */
const LONGEST_LOOK_MS = 1_000;
/** Less than this is said of nobody. */
const WORTH_SAYING_MS = 2_000;
/** A copy reads all of the leader's data. Doubled each time, up to the last. */
const AGAIN_MS = 600_000;
const AGAIN_MOST_MS = 16 * AGAIN_MS;

export interface CopySituation {
  /** Of a clock that only grows. */
  nowMs: number;
  state: NodeState;
  /** Of the own server; null: not looked at yet. */
  sight: MemberSight | null;
  leader: Heartbeat | null;
  /** The leader is heard, and nothing is held against it. */
  isContent: boolean;
}

interface Source {
  leader: NodeName;
  term: number;
}

interface Positions extends Source {
  own: number;
  leaders: number;
}

interface Stillness extends Source {
  /** Own position at first, and now; for how long it was seen there. */
  firstLsn: number;
  lsn: number;
  forMs: number;
  /** What the leader had at first: who receives anything comes by. */
  goalLsn: number;
}

export class StaleCopy {
  #still: Stillness | null = null;
  #trying: Source | null = null;
  /** Since it received something last. */
  #tries = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #restedLsn = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #reason: string | null = null;

  /** It is to leave the voters, and to be copied anew. */
  get isTrying(): boolean {
    return this.#trying !== null;
  }

  /** What is wrong, in one sentence; null: nothing. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Where its own log ended when it received nothing by order: until all of that is replayed nothing more is asked for. */
  rested(lsn: number): void {
    this.#restedLsn = lsn;
  }

  /** Asked often. @returns why it begins to try, once for each time. */
  look(situation: CopySituation): string | null {
    const { state, nowMs } = situation;
    const sinceLookMs = Math.min(nowMs - this.#lookedMs, LONGEST_LOOK_MS);
    this.#lookedMs = nowMs;
    if (this.#trying !== null) {
      const record = state.view?.record;
      // From another leader it may receive what it needs.
      if (record !== undefined && (record.leader !== this.#trying.leader || record.term !== this.#trying.term)) this.#forget();
      return null;
    }
    const found = positions(situation);
    this.#reason = null;
    if (found === null || found.own < this.#restedLsn) {
      this.#still = null;
      return null;
    }
    const forMs = this.#stillMs(found, sinceLookMs);
    return forMs < WORTH_SAYING_MS ? null : this.#judge(found, forMs, situation);
  }

  /** A copy of the leader was complete, or was given up, whoever ordered it. */
  ended(isComplete: boolean, nowMs: number): void {
    if (this.#trying !== null && isComplete && this.#tries === 1) this.#notBeforeMs = nowMs;
    this.#forget();
  }

  #forget(): void {
    this.#trying = null;
    this.#still = null;
    this.#reason = null;
  }

  /** For how long nothing came, though there was something to come. */
  #stillMs({ leader, term, own, leaders }: Positions, sinceLookMs: number): number {
    const still = this.#still;
    const isSame = still !== null && still.leader === leader && still.term === term;
    if (isSame && own < still.goalLsn) {
      const forMs = own > still.lsn ? 0 : still.forMs + sinceLookMs;
      this.#still = { ...still, lsn: own, forMs };
      return forMs;
    }
    if (isSame && own > still.firstLsn) this.#tries = 0;
    this.#still = { leader, term, firstLsn: own, lsn: own, forMs: 0, goalLsn: leaders };
    return 0;
  }

  #judge({ leader, term }: Positions, forMs: number, { nowMs, state }: CopySituation): string | null {
    const what = `follows ${leader} and receives nothing`;
    const record = state.view?.record;
    this.#reason = `${what} for ${Math.floor(forMs / 1_000)} s`;
    // Policy drops a voter that does not stream; what a voter holds may be needed.
    if (forMs < STILL_MS || record === undefined || isVoter(record, state.me)) return null;
    if (nowMs < this.#notBeforeMs) {
      this.#reason = `${what}: a copy did not help, the next is made in ${Math.ceil((this.#notBeforeMs - nowMs) / 60_000)} min`;
      return null;
    }
    this.#trying = { leader, term };
    this.#tries += 1;
    this.#notBeforeMs = nowMs + Math.min(AGAIN_MS * 2 ** (this.#tries - 1), AGAIN_MOST_MS);
    this.#reason = `${what} for ${STILL_MS} ms: the log that it needs is gone there, so its data is copied anew`;
    return this.#reason;
  }
}

/** Of a standby that should receive something by now; null: it is none, or a leader that is not well has nothing to send. */
function positions({ state, sight, leader, isContent }: CopySituation): Positions | null {
  const { postgres, view, acting, me } = state;
  const record = view?.record;
  if (record?.phase !== 'open' || record.leader === me || acting !== null || postgres.mode !== 'standby') return null;
  const { following } = postgres;
  if (following === null || following.leader !== record.leader || following.term !== record.term) return null;
  if (sight?.answers !== true || sight.role !== 'standby' || sight.flushLsn === null) return null;
  if (!isContent || leader?.role !== 'primary' || !leader.admitting || !leader.healthy || leader.term !== record.term) return null;
  return leader.flushLsn === null ? null : { leader: record.leader, term: record.term, own: sight.flushLsn, leaders: leader.flushLsn };
}
