/** Leaves a dependency alone that fails, and finds out by single calls when it is back. */
import { AbortListener, type CallContext } from '../call/call.ts';
import { rejected } from '../call/settled.ts';
import type { Clock } from '../clock/clock.ts';
import { requireInteger, requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';
import { Breaker, type BreakerSettings, type BreakerSnapshot, type BreakerState, type Outcome, type Permit } from './breaker-state.ts';

export interface CircuitBreakerOptions {
  /** In errors. Default 'circuit breaker'. */
  name?: string;
  /** Opens above this share of failures, from 0 to below 1. Default 0.5. Low: opens for what is usual; high: callers wait for a dead dependency. */
  failureRate?: number;
  /** Answers in the window below which the share says nothing, from 1 on. Default 5. Low: one failure of a quiet hour opens it; high: it never opens where there is little to do. */
  minimumCalls?: number;
  /** Milliseconds that it remembers, from 1 on. Default 10,000. Short: reacts at once, and to every hiccup. */
  windowMs?: number;
  /** Parts in which the window is forgotten, 1 to 1,000. Default 10. */
  buckets?: number;
  /** Opens after so many failures in a row, however few calls there are, from 1 on. Default: never. For what is called seldom. */
  consecutiveFailures?: number;
  /** Milliseconds for which it is open, from 1 on. Default 30,000. Short: back soon, and a sick dependency is asked more often. */
  openMs?: number;
  /** Each opening that follows a failed probe is twice as long, up to so many milliseconds. Default `openMs`: all alike. */
  maxOpenMs?: number;
  /** Calls let through at once to probe, and successes needed to close, from 1 on. Default 1. More: surer, and more callers meet a dependency that may be dead. */
  halfOpenCalls?: number;
  /** A success that took longer counts as a failure, milliseconds. Default: none does. */
  slowMs?: number;
  /** Whether the dependency is to blame. Default: for everything but refusals of policies inside. Called for what the action rejects with. */
  isFailure?: (error: unknown) => boolean;
  onChange?: (change: { from: BreakerState; to: BreakerState }) => void;
  clock?: Clock;
}

const DEFAULTS: BreakerSettings = {
  failureRate: 0.5,
  minimumCalls: 5,
  windowMs: 10_000,
  buckets: 10,
  consecutiveFailures: Infinity,
  openMs: 30_000,
  maxOpenMs: 0,
  halfOpenCalls: 1,
};

export class CircuitBreakerPolicy extends Policy {
  readonly #breaker: Breaker;
  readonly #name: string;
  readonly #slowMs: number;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #onChange: CircuitBreakerOptions['onChange'];

  constructor(options: CircuitBreakerOptions) {
    super(options.clock);
    this.#breaker = new Breaker(settingsOf(options));
    this.#name = options.name ?? 'circuit breaker';
    this.#slowMs = options.slowMs ?? Infinity;
    this.#isFailure = options.isFailure ?? isOfDependency;
    this.#onChange = options.onChange;
  }

  get state(): BreakerState {
    return this.#breaker.state;
  }

  get snapshot(): BreakerSnapshot {
    return this.#breaker.snapshot(this.clock.nowMs());
  }

  /** By hand, for `openMs`. */
  open(): void {
    const before = this.#breaker.state;
    this.#breaker.open(this.clock.nowMs());
    this.#tellOfChange(before);
  }

  /** By hand: what it counted is forgotten. */
  close(): void {
    const before = this.#breaker.state;
    this.#breaker.close();
    this.#tellOfChange(before);
  }

  /** @throws PolicyError E_CIRCUIT_OPEN, with the time after which a probe is let through. */
  override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    const startedMs = this.clock.nowMs();
    const before = this.#breaker.state;
    const permit = this.#breaker.acquire(startedMs);
    this.#tellOfChange(before);
    if (permit === null) return rejected(new PolicyError('E_CIRCUIT_OPEN', this.#name, this.#breaker.opensForMs(startedMs)));
    const use = new Use((outcome) => this.#settle(permit, outcome));
    call.listen(use);
    return next(call).then(
      (value) => {
        call.unlisten(use);
        use.settle(this.#slowMs < Infinity && this.clock.nowMs() - startedMs > this.#slowMs ? 'failure' : 'success');
        return value;
      },
      (error) => {
        call.unlisten(use);
        // What an action rejects with because it was given up is not its dependency's word.
        use.settle(call.reason !== null ? outcomeOfAbort(call.reason) : this.#isFailure(error) ? 'failure' : 'ignored');
        throw error;
      },
    );
  }

  #settle(permit: Permit, outcome: Outcome): void {
    const before = this.#breaker.state;
    this.#breaker.settle(permit, outcome, this.clock.nowMs());
    this.#tellOfChange(before);
  }

  #tellOfChange(from: BreakerState): void {
    const to = this.#breaker.state;
    // In its own turn: a listener that throws does not fail a call.
    if (from !== to && this.#onChange !== undefined) queueMicrotask(() => this.#onChange?.({ from, to }));
  }
}

/** A call that was given up may never end: it counts at once, and then not again. */
class Use extends AbortListener {
  readonly #report: (outcome: Outcome) => void;
  #isSettled = false;

  constructor(report: (outcome: Outcome) => void) {
    super();
    this.#report = report;
  }

  settle(outcome: Outcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#report(outcome);
  }

  override aborted(reason: Error): void {
    this.settle(outcomeOfAbort(reason));
  }
}

/** Only a deadline says something about the dependency; a caller that went away, or a faster copy, does not. */
const outcomeOfAbort = (reason: unknown): Outcome =>
  reason instanceof PolicyError && reason.code === 'E_DEADLINE' ? 'failure' : 'ignored';

const isOfDependency = (error: unknown): boolean => !(error instanceof PolicyError && error.notSent);

function settingsOf(options: CircuitBreakerOptions): BreakerSettings {
  const known = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof BreakerSettings)[]) known[name] = options[name] ?? DEFAULTS[name];
  const settings = { ...known, maxOpenMs: options.maxOpenMs ?? known.openMs };
  requireNumber('failureRate', settings.failureRate, 0, 1);
  if (settings.failureRate === 1) throw new RangeError('failureRate is 1; it is below 1, as no share is above it');
  requireInteger('minimumCalls', settings.minimumCalls, 1);
  requireNumber('windowMs', settings.windowMs, 1);
  requireInteger('buckets', settings.buckets, 1, 1_000);
  if (settings.consecutiveFailures !== Infinity) requireInteger('consecutiveFailures', settings.consecutiveFailures, 1);
  requireNumber('openMs', settings.openMs, 1);
  requireNumber('maxOpenMs', settings.maxOpenMs, settings.openMs);
  requireInteger('halfOpenCalls', settings.halfOpenCalls, 1);
  if (options.slowMs !== undefined) requireNumber('slowMs', options.slowMs, 1);
  return settings;
}

/** @throws RangeError that names the option. */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreakerPolicy {
  return new CircuitBreakerPolicy(options);
}
