/** When calls are let through. Pure: time and chance are given. */
import { RollingCounts } from './rolling-counts.ts';

export interface BreakerSettings {
  /** Opens above this share of failures, 0 to below 1. */
  failureRate: number;
  /** Of the window; with fewer answers the share says nothing. */
  minimumCalls: number;
  windowMs: number;
  buckets: number;
  /** Opens after so many failures in a row, however few calls there are; Infinity: never. */
  consecutiveFailures: number;
  openMs: number;
  /** Each opening without a closing between is twice as long, up to this. */
  maxOpenMs: number;
  /** Let through at once while half-open, and successes needed to close. */
  halfOpenCalls: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';
export type Outcome = 'success' | 'failure' | 'ignored';
/** What is given to a call that is let through, and asked for with its outcome. */
export type Permit = number;

export interface BreakerSnapshot {
  state: BreakerState;
  /** Until it lets a probe through, milliseconds; 0 unless open. */
  opensForMs: number;
  successes: number;
  failures: number;
}

export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #counts: RollingCounts;
  #state: BreakerState = 'closed';
  /** Of the state: outcomes of calls that began in an earlier one say nothing about this one. */
  #period: Permit = 0;
  #openUntilMs = 0;
  /** In a row, without a closing between. */
  #openings = 0;
  #failuresInRow = 0;
  #probes = 0;
  #probeSinceMs = 0;
  #probeSuccesses = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#counts = new RollingCounts(settings.windowMs, settings.buckets);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Null: refused. Whoever has a permit gives it back once, by `settle`. */
  acquire(nowMs: number): Permit | null {
    if (this.#state === 'closed') return this.#period;
    if (!this.probesIfDue(nowMs)) return null;
    if (this.#probes >= this.#settings.halfOpenCalls) {
      // Probes that never end would keep it half-open for ever: then others are let through.
      if (nowMs - this.#probeSinceMs < this.#settings.openMs) return null;
      this.#enter('half-open');
    }
    this.#probes += 1;
    this.#probeSinceMs = nowMs;
    return this.#period;
  }

  /** Half-open once the time of an opening has passed; acquiring does that, too. @returns whether a call may have a chance. */
  probesIfDue(nowMs: number): boolean {
    if (this.#state !== 'open') return true;
    if (nowMs < this.#openUntilMs) return false;
    this.#enter('half-open');
    return true;
  }

  settle(permit: Permit, outcome: Outcome, nowMs: number): void {
    if (permit !== this.#period) return;
    if (this.#state === 'closed') this.#count(outcome, nowMs);
    else if (outcome === 'failure') this.open(nowMs);
    else {
      this.#probes -= 1;
      if (outcome === 'success') this.#probeSuccesses += 1;
      if (this.#probeSuccesses >= this.#settings.halfOpenCalls) this.close();
    }
  }

  /** @param forMs when given, it is the time that is left of an earlier opening. */
  open(nowMs: number, forMs?: number): void {
    const { openMs, maxOpenMs } = this.#settings;
    const grownMs = Math.min(maxOpenMs, openMs * 2 ** Math.min(this.#openings, 30));
    this.#openUntilMs = nowMs + (forMs ?? grownMs);
    this.#openings += 1;
    this.#enter('open');
  }

  close(): void {
    this.#openings = 0;
    this.#failuresInRow = 0;
    this.#counts.clear();
    this.#enter('closed');
  }

  /** While it is half-open: calls let through that have not ended. */
  get probes(): number {
    return this.#probes;
  }

  /** Milliseconds until a probe is let through; 0: now, or when one of those under way ends. */
  opensForMs(nowMs: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntilMs - nowMs) : 0;
  }

  snapshot(nowMs: number): BreakerSnapshot {
    return { state: this.#state, opensForMs: this.opensForMs(nowMs), ...this.#counts.totals(nowMs) };
  }

  #count(outcome: Outcome, nowMs: number): void {
    if (outcome === 'ignored') return;
    if (outcome === 'success') {
      this.#failuresInRow = 0;
      return this.#counts.succeeded(nowMs);
    }
    this.#failuresInRow += 1;
    this.#counts.failed(nowMs);
    const { failureRate, minimumCalls, consecutiveFailures } = this.#settings;
    const { successes, failures } = this.#counts.totals(nowMs);
    const calls = successes + failures;
    if (this.#failuresInRow >= consecutiveFailures || (calls >= minimumCalls && failures / calls > failureRate)) this.open(nowMs);
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#period += 1;
    this.#probes = 0;
    this.#probeSuccesses = 0;
  }
}
