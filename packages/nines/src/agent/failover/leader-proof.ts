/**
 * The leader's proof that nobody else leads: a write that a quorum acknowledged, or a linearizable read that names it. Without either
 * for `proofMs` nobody is sent to it any more, and soon after PostgreSQL stops, whatever the executor is busy with. No promise
 * rests on this: it bounds how old the reads of a deposed leader may be.
 */
import type { Timing } from '../../failover/timing.ts';

/** After `proofMs`: time for one more proof, of an agent that was frozen itself and finds its proof old. */
const GRACE_MS = 300;
/** A beat that comes later than this was held up: the rest of the time nobody could prove anything. */
const LONGEST_BEAT_MS = 100;

export interface LeaderProofOptions {
  timing: Pick<Timing, 'proofMs' | 'proofEveryMs'>;
  /** Milliseconds that only grow. */
  now(): number;
  /** A write that waits for its quorum. */
  pulse(deadlineMs: number): Promise<unknown>;
  /** Asks for a linearizable read of the record. */
  read(): void;
  acknowledged(): void;
  /** Ends the server at once. Called again until it is gone. */
  stop(): void;
}

export class LeaderProof {
  readonly #options: LeaderProofOptions;
  /** Since when it is seen to lead; null while this member does not. */
  #leadsSinceMs: number | null = null;
  /** When the newest proof was begun; null: there is none of this lead. */
  #provenMs: number | null = null;
  #pulseMs = Number.NEGATIVE_INFINITY;
  #isPulsing = false;
  #readMs = Number.NEGATIVE_INFINITY;
  #beatMs = 0;
  #graceMs = 0;

  constructor(options: LeaderProofOptions) {
    this.#options = options;
  }

  /** How old the proof is, or the lead that has none yet; null while this member does not lead. */
  get ageMs(): number | null {
    const sinceMs = this.#provenMs ?? this.#leadsSinceMs;
    return sinceMs === null ? null : this.#options.now() - sinceMs;
  }

  get isFresh(): boolean {
    return this.#provenMs !== null && this.#options.now() - this.#provenMs <= this.#options.timing.proofMs;
  }

  /** A linearizable read that began then named this member leader of its term. */
  named(startedMs: number): void {
    this.#prove(startedMs);
  }

  /**
   * Called often. `leads`: primary of the recorded term, or of a term whose record is not known; `isNamed`: the record is known;
   * `admitting`: with clients. A server that an agent finds when it starts may have been deposed while nobody looked: unnamed, it has
   * time for a proof, and none until then.
   */
  beat({ leads, isNamed, admitting }: { leads: boolean; isNamed: boolean; admitting: boolean }): void {
    const { timing, now, read, stop } = this.#options;
    const nowMs = now();
    const sinceBeatMs = Math.min(nowMs - this.#beatMs, LONGEST_BEAT_MS);
    this.#beatMs = nowMs;
    if (!leads) {
      this.#leadsSinceMs = null;
      this.#provenMs = null;
      return;
    }
    this.#leadsSinceMs ??= nowMs;
    if (isNamed) this.#provenMs ??= nowMs;
    if (!this.#isPulsing && nowMs - this.#pulseMs >= timing.proofEveryMs) void this.#pulse(nowMs);
    const ageMs = nowMs - (this.#provenMs ?? this.#leadsSinceMs);
    if (ageMs > timing.proofMs / 3 && nowMs - this.#readMs >= timing.proofEveryMs * 2) {
      this.#readMs = nowMs;
      read();
    }
    this.#graceMs = ageMs > timing.proofMs ? this.#graceMs + sinceBeatMs : 0;
    if (admitting && this.#graceMs > GRACE_MS) stop();
  }

  async #pulse(startedMs: number): Promise<void> {
    this.#pulseMs = startedMs;
    this.#isPulsing = true;
    try {
      await this.#options.pulse(this.#options.timing.proofMs);
      if (this.#leadsSinceMs !== null) this.#options.acknowledged();
      this.#prove(startedMs);
    } catch {
      // Expected while a quorum is away: the age of the last proof says so.
    } finally {
      this.#isPulsing = false;
    }
  }

  #prove(startedMs: number): void {
    if (this.#leadsSinceMs === null || startedMs < this.#leadsSinceMs) return;
    this.#provenMs = Math.max(startedMs, this.#provenMs ?? startedMs);
  }
}
