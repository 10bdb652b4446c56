/** How many calls at once a dependency answers in time: found by raising it until answers become slow. Pure: time is given. */
import type { Priority } from '../call/call.ts';

export interface LimitSettings {
  /** An answer that takes longer is slow, milliseconds. */
  targetMs: number;
  /** Above this share of slow answers the limit falls, 0 to below 1. */
  slowShare: number;
  initial: number;
  least: number;
  most: number;
  /** For which answers are counted before the limit is moved, milliseconds. */
  windowMs: number;
}

/** What an ended call says: a quick error and a caller that went away say nothing about how many are too many. */
export type Answer = 'good' | 'slow' | 'silent';

/** Of the limit, which calls of a priority fill at most: the rest is for those before it. */
const SHARES: Record<Priority, number> = { critical: 1, normal: 0.9, low: 0.7 };
/** With fewer, the window goes on. */
const LEAST_ANSWERS = 10;
const GROWS_BY = 0.1;
const FALLS_TO = 0.75;

/**
 * Additive increase, multiplicative decrease, as TCP finds its window, on answers slower than they should be instead of lost packets.
 * Source: Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989.
 */
export class Limit {
  readonly #settings: LimitSettings;
  #limit: number;
  #inFlight = 0;
  /** Calls that began before it say nothing about the limit of now. */
  #sinceMs: number;
  #most = 0;
  #answers = 0;
  #slow = 0;

  constructor(settings: LimitSettings, nowMs: number) {
    this.#settings = settings;
    this.#limit = settings.initial;
    this.#sinceMs = nowMs;
  }

  get limit(): number {
    return this.#limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whoever enters leaves once. @returns false: it is refused. */
  enter(priority: Priority): boolean {
    if (this.#inFlight >= Math.max(1, Math.floor(this.#limit * SHARES[priority]))) return false;
    this.#inFlight += 1;
    this.#most = Math.max(this.#most, this.#inFlight);
    return true;
  }

  /** @param answer of a call that began at `startedMs`; one that took longer than the target is slow, even if it was good. */
  leave(startedMs: number, answer: Answer, nowMs: number): void {
    this.#inFlight -= 1;
    if (answer === 'silent' || startedMs < this.#sinceMs) return;
    this.#answers += 1;
    if (answer === 'slow' || nowMs - startedMs > this.#settings.targetMs) this.#slow += 1;
    if (this.#answers >= LEAST_ANSWERS && nowMs - this.#sinceMs >= this.#settings.windowMs) this.#move(nowMs);
  }

  #move(nowMs: number): void {
    const { slowShare, least, most } = this.#settings;
    // From what was under way, not from a limit that nobody came near.
    if (this.#slow / this.#answers > slowShare) this.#limit = Math.max(least, Math.floor(Math.min(this.#limit, this.#most) * FALLS_TO));
    else if (this.#most * 2 >= this.#limit) this.#limit = Math.min(most, this.#limit + Math.max(1, Math.floor(this.#limit * GROWS_BY)));
    this.#sinceMs = nowMs;
    this.#most = this.#inFlight;
    this.#answers = 0;
    this.#slow = 0;
  }
}
