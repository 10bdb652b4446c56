/** opossum's interface over the breaker of this library: code written for it runs on, without its defects. */
import { EventEmitter } from 'node:events';
import { Breaker, type Outcome, type Permit } from '../circuit-breaker/breaker-state.ts';
import { type Clock, SYSTEM_CLOCK, type Timer } from '../clock/clock.ts';
import { Expiring, ExpiryQueue } from '../clock/expiry-queue.ts';
import { breakerError, isBreakerError } from './breaker-error.ts';
import type { CircuitBreakerOptions, RestoredState } from './options.ts';
import { type CacheTransport, PromiseCache } from './promise-cache.ts';
import { type COUNTED, type Stats, Status, type StatusOptions } from './status.ts';

type Action<Args extends unknown[], Result> = (...args: Args) => Promise<Result> | Result;
type Fallback = (...args: never[]) => unknown;

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_HEALTH_INTERVAL_MS = 5_000;

/** Events that are counted, and under what. */
const COUNTS = {
  success: 'successes',
  failure: 'failures',
  fallback: 'fallbacks',
  timeout: 'timeouts',
  fire: 'fires',
  reject: 'rejects',
  cacheHit: 'cacheHits',
  cacheMiss: 'cacheMisses',
  coalesceCacheHit: 'coalesceCacheHits',
  coalesceCacheMiss: 'coalesceCacheMisses',
  semaphoreLocked: 'semaphoreRejections',
} as const satisfies Record<string, (typeof COUNTED)[number]>;

export class CircuitBreaker<Args extends unknown[] = unknown[], Result = unknown> extends EventEmitter {
  readonly name: string;
  readonly group: string;
  readonly status: Status;
  readonly volumeThreshold: number;
  readonly action: Action<Args, Result>;
  readonly options: CircuitBreakerOptions;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #timeoutMs: number | null;
  readonly #expiries: ExpiryQueue | null;
  readonly #transport: CacheTransport | null;
  readonly #cache: PromiseCache;
  readonly #coalesced: PromiseCache;
  readonly #timers = new Set<Timer>();
  #reset: Timer | null = null;
  #openedAt: number | undefined;
  #fallback: Fallback | null = null;
  #controller: AbortController | undefined;
  #running = 0;
  #enabled: boolean;
  #isWarmingUp: boolean;
  #isShutdown = false;

  /** True for what the breaker itself rejected with. */
  static isOurError(error: unknown): boolean {
    return isBreakerError(error);
  }

  static newStatus(options: StatusOptions): Status {
    return new Status(options, SYSTEM_CLOCK);
  }

  /** @param action a function; anything else is its own answer. @throws TypeError without one, and for options that cannot be used. */
  constructor(action: Action<Args, Result>, options: CircuitBreakerOptions = {}) {
    super();
    requireUsable(action, options);
    this.options = options;
    this.action = typeof action === 'function' ? action : () => action;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.name = options.name ?? (action.name || crypto.randomUUID());
    this.group = options.group ?? this.name;
    this.#timeoutMs = options.timeout === false ? null : (options.timeout ?? DEFAULT_TIMEOUT_MS);
    this.#expiries = this.#timeoutMs === null ? null : new ExpiryQueue(this.#clock, this.#timeoutMs);
    this.volumeThreshold = options.volumeThreshold ?? 5;
    this.#breaker = new Breaker(settingsOf(options, this.volumeThreshold));
    this.#transport = options.cacheTransport ?? null;
    this.#cache = new PromiseCache(this.#clock, options.cacheTTL ?? 0, options.cacheSize);
    this.#coalesced = new PromiseCache(this.#clock, options.coalesceTTL ?? this.#timeoutMs ?? 0, options.coalesceSize);
    this.#controller = options.abortController ?? (options.autoRenewAbortController === true ? new AbortController() : undefined);
    this.status = options.status instanceof Status ? options.status : new Status({ ...options, ...statsOf(options) }, this.#clock);
    this.#enabled = (options.state ?? options).enabled !== false;
    this.#isWarmingUp = options.allowWarmUp === true || options.state?.warmUp === true;
    if (this.#isWarmingUp) this.#startTimer(options.rollingCountTimeout ?? 10_000, () => (this.#isWarmingUp = false));
    if (options.state !== undefined) this.#restore(options.state);
  }

  get stats(): Stats {
    return this.status.stats;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get warmUp(): boolean {
    return this.#isWarmingUp;
  }

  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  get closed(): boolean {
    return !this.#isShutdown && this.#breaker.state === 'closed';
  }

  get opened(): boolean {
    return !this.#isShutdown && this.#breaker.state === 'open';
  }

  get halfOpen(): boolean {
    return !this.#isShutdown && this.#breaker.state === 'half-open';
  }

  /** Half-open, and no call probes yet. */
  get pendingClose(): boolean {
    return this.halfOpen && this.#breaker.probes === 0;
  }

  toJSON(): { state: Required<Omit<RestoredState, 'lastTimerAt'>> & { name: string; lastTimerAt: number | undefined }; status: Stats } {
    const { name, enabled, closed, opened: open, halfOpen, warmUp, isShutdown: shutdown } = this;
    return { state: { name, enabled, closed, open, halfOpen, warmUp, shutdown, lastTimerAt: this.#openedAt }, status: this.stats };
  }

  /** @param answer gets the arguments of the call and then its error; or another breaker, which is fired with them. */
  fallback(answer: Fallback | { fire: Fallback }): this {
    this.#fallback = typeof answer === 'function' ? answer : (...args) => answer.fire(...args);
    return this;
  }

  /** Calls the action. Rejects with its error or the breaker's, unless there is a fallback. */
  fire(...args: Args): Promise<Result> {
    return this.call(this.action, ...args);
  }

  /** As `fire`, with a `this` for the action. */
  call(context: unknown, ...args: Args): Promise<Result> {
    if (this.#isShutdown) return Promise.reject(breakerError('ESHUTDOWN'));
    this.#tell('fire', args);
    if (!this.#enabled) return new Promise((resolve) => resolve(this.action.apply(context, args)));
    const { cache = false, coalesce = false } = this.options;
    if (!cache && !coalesce) return this.#guarded(context, args, null);
    const key = this.#keyOf(args);
    if (cache) {
      const known = this.#transport === null ? this.#cache.get(key) : this.#transport.get(key);
      this.#tell(known === undefined ? 'cacheMiss' : 'cacheHit');
      if (known !== undefined) return known as Promise<Result>;
    }
    if (coalesce) {
      const known = this.#coalesced.get(key);
      this.#tell(known === undefined ? 'coalesceCacheMiss' : 'coalesceCacheHit');
      if (known !== undefined) return known as Promise<Result>;
    }
    return this.#guarded(context, args, key);
  }

  /** By hand: for `resetTimeout`. */
  open(): void {
    if (this.opened || this.#isShutdown) return;
    this.#moved(() => this.#breaker.open(this.#clock.nowMs()));
  }

  /** By hand: what it counted is forgotten. */
  close(): void {
    if (this.closed || this.#isShutdown) return;
    this.#moved(() => this.#breaker.close());
  }

  enable(): void {
    this.#enabled = true;
  }

  /** Calls go through without timeout, circuit or fallback. */
  disable(): void {
    this.#enabled = false;
  }

  /** For good: no timer of it is left. */
  shutdown(): void {
    if (this.#isShutdown) return;
    this.emit('shutdown');
    this.disable();
    this.#isShutdown = true;
    this.removeAllListeners();
    for (const timer of this.#timers) timer.stop();
    this.#timers.clear();
    this.#expiries?.rest();
    this.status.shutdown();
    this.clearCache();
  }

  clearCache(): void {
    this.#cache.flush();
    this.#transport?.flush();
    this.#coalesced.flush();
  }

  /**
   * Opens the circuit whenever `check` rejects: now, and every `interval` milliseconds (default 5,000), one after the other.
   * @throws TypeError when either is not what it should be.
   */
  healthCheck(check: () => Promise<unknown>, interval = DEFAULT_HEALTH_INTERVAL_MS): void {
    if (typeof check !== 'function') throw new TypeError('Health check function must be a function');
    if (typeof interval !== 'number' || Number.isNaN(interval)) throw new TypeError('Health check interval must be a number');
    const look = async (): Promise<void> => {
      try {
        await check.call(this);
      } catch (error) {
        this.emit('healthCheckFailed', error);
        this.open();
      }
      if (!this.#isShutdown) this.#startTimer(interval, () => void look());
    };
    void look();
  }

  getSignal(): AbortSignal | undefined {
    return this.#controller?.signal;
  }

  getAbortController(): AbortController | undefined {
    return this.#controller;
  }

  #guarded(context: unknown, args: Args, key: string | null): Promise<Result> {
    const startedMs = this.#clock.nowMs();
    const permit = this.#moved(() => this.#breaker.acquire(startedMs));
    if (permit === null) {
      const error = breakerError('EOPENBREAKER');
      this.#tell('reject', error);
      return this.#instead(error, args);
    }
    if (this.#running >= (this.options.capacity ?? Infinity)) {
      const error = breakerError('ESEMLOCKED');
      this.#tell('semaphoreLocked', error, 0);
      this.#settle(permit, 'ignored');
      return this.#instead(error, args);
    }
    const answer = this.#run(context, args, { permit, startedMs, key });
    if (key !== null && this.options.coalesce === true) this.#coalesced.set(key, answer);
    return answer;
  }

  #run(
    context: unknown,
    args: Args,
    { permit, startedMs, key }: { permit: Permit; startedMs: number; key: string | null },
  ): Promise<Result> {
    this.#running += 1;
    const { handed, own } = this.#withOwnSignal(args);
    const latencyMs = (): number => Math.round(this.#clock.nowMs() - startedMs);
    const answer = new Promise<Result>((resolve, reject) => {
      let isOver = false;
      const ends = (how: 'success' | 'error' | 'timeout', then: () => void): void => {
        if (isOver) return;
        isOver = true;
        this.#expiries?.remove(expiry);
        this.#running -= 1;
        then();
        if (key !== null && this.options.coalesceResetOn?.includes(how) === true) this.#coalesced.delete(key, answer);
      };
      const failed = (error: Error): void => {
        if (this.options.errorFilter?.(error, ...args) === true) {
          this.#tell('success', error, latencyMs());
          this.#settle(permit, 'success');
          return reject(error);
        }
        this.#tell('failure', error, latencyMs(), args);
        this.#settle(permit, this.#isWarmingUp ? 'ignored' : 'failure');
        resolve(this.#instead(error, args));
      };
      const expiry = new Late(() =>
        ends('timeout', () => {
          const error = breakerError('ETIMEDOUT', `Timed out after ${this.#timeoutMs}ms`);
          this.#tell('timeout', error, latencyMs(), args);
          failed(error);
          own?.abort(error);
        }),
      );
      this.#expiries?.add(expiry, startedMs);
      const begun = new Promise<Result>((begin) => begin(this.action.apply(context, handed)));
      begun.then(
        (value) =>
          ends('success', () => {
            this.#tell('success', value, latencyMs());
            this.#settle(permit, 'success');
            resolve(value);
            if (key !== null && this.options.cache === true) this.#keep(key, begun);
          }),
        (error: Error) => ends('error', () => failed(error)),
      );
    });
    return answer;
  }

  #keep(key: string, answer: Promise<Result>): void {
    const { cacheTTL = 0 } = this.options;
    if (this.#transport === null) this.#cache.set(key, answer);
    else this.#transport.set(key, answer, cacheTTL > 0 ? Date.now() + cacheTTL : 0);
  }

  #keyOf(args: Args): string {
    return this.options.cacheGetKey === undefined ? JSON.stringify(args) : this.options.cacheGetKey.apply(this, args);
  }

  /** The fallback's answer, or the error. */
  async #instead(error: Error, args: Args): Promise<Result> {
    if (this.#fallback === null) throw error;
    const answer = this.#fallback.apply(this.#fallback, [...args, error] as never[]);
    this.#tell('fallback', answer, error);
    return (await answer) as Result;
  }

  /** The shared signal among the arguments is replaced by one of this call alone. */
  #withOwnSignal(args: Args): { handed: Args; own: AbortController | null } {
    const shared = this.#controller?.signal;
    if (shared === undefined || !args.includes(shared)) return { handed: args, own: null };
    const own = new AbortController();
    const signal = AbortSignal.any([shared, own.signal]);
    return { handed: args.map((each) => (each === shared ? signal : each)) as Args, own };
  }

  #settle(permit: Permit, outcome: Outcome): void {
    this.#moved(() => this.#breaker.settle(permit, outcome, this.#clock.nowMs()));
  }

  /** Tells of a change of state, and starts or stops what belongs to it. */
  #moved<Value>(work: () => Value): Value {
    const from = this.#breaker.state;
    const value = work();
    const to = this.#breaker.state;
    if (from === to) return value;
    if (this.#reset !== null) this.#stopTimer(this.#reset);
    this.#reset = null;
    if (to === 'open') {
      const opensForMs = this.#breaker.opensForMs(this.#clock.nowMs());
      this.#openedAt = Date.now() - ((this.options.resetTimeout ?? 30_000) - opensForMs);
      this.#reset = this.#startTimer(opensForMs, () => this.#probe());
      this.emit('open');
    } else {
      if (this.options.autoRenewAbortController === true && this.#controller?.signal.aborted === true)
        this.#controller = new AbortController();
      if (to === 'half-open') this.emit('halfOpen', this.options.resetTimeout ?? 30_000);
      else this.emit('close');
    }
    return value;
  }

  #probe(): void {
    this.#reset = null;
    // Timers may be early by a part of a millisecond.
    if (!this.#moved(() => this.#breaker.probesIfDue(this.#clock.nowMs()))) this.#reset = this.#startTimer(1, () => this.#probe());
  }

  #restore({ closed, halfOpen, shutdown, lastTimerAt }: RestoredState): void {
    if (shutdown === true) return this.shutdown();
    if (closed !== false) return;
    const sinceMs = halfOpen === true ? Infinity : Date.now() - (lastTimerAt ?? Date.now());
    const leftMs = Math.max(0, (this.options.resetTimeout ?? 30_000) - Math.max(0, sinceMs));
    this.#moved(() => this.#breaker.open(this.#clock.nowMs(), leftMs));
    if (leftMs === 0) this.#moved(() => this.#breaker.probesIfDue(this.#clock.nowMs()));
  }

  #tell(event: keyof typeof COUNTS, ...details: unknown[]): void {
    const [, latencyMs] = details;
    const isAnswer = event === 'success' || event === 'failure';
    this.status.increment(COUNTS[event], isAnswer ? (latencyMs as number) : undefined);
    this.emit(event, ...details);
  }

  #startTimer(afterMs: number, fire: () => void): Timer {
    const timer = this.#clock.startTimer(afterMs, () => {
      this.#timers.delete(timer);
      fire();
    });
    timer.hold(false);
    this.#timers.add(timer);
    return timer;
  }

  #stopTimer(timer: Timer): void {
    timer.stop();
    this.#timers.delete(timer);
  }
}

class Late extends Expiring {
  readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}

function requireUsable(action: unknown, { abortController, cacheTransport }: CircuitBreakerOptions): void {
  if (!action) throw new TypeError('No action provided. Cannot construct a CircuitBreaker without an invocable action.');
  if (abortController !== undefined && typeof abortController.abort !== 'function') {
    throw new TypeError('AbortController does not contain `abort()` method');
  }
  if (cacheTransport === undefined) return;
  const isUsable =
    typeof cacheTransport === 'object' && (['get', 'set', 'flush'] as const).every((name) => typeof cacheTransport[name] === 'function');
  if (!isUsable) throw new TypeError('options.cacheTransport should be an object with `get`, `set` and `flush` methods');
}

function settingsOf(options: CircuitBreakerOptions, minimumCalls: number): ConstructorParameters<typeof Breaker>[0] {
  const {
    errorThresholdPercentage = 50,
    rollingCountTimeout = 10_000,
    rollingCountBuckets = 10,
    resetTimeout = 30_000,
    halfOpenCalls = 1,
  } = options;
  return {
    failureRate: errorThresholdPercentage / 100,
    minimumCalls,
    windowMs: rollingCountTimeout,
    buckets: rollingCountBuckets,
    consecutiveFailures: Infinity,
    openMs: resetTimeout,
    maxOpenMs: resetTimeout,
    halfOpenCalls,
  };
}

const statsOf = ({ status }: CircuitBreakerOptions): StatusOptions =>
  status === undefined || status instanceof Status ? {} : { stats: status };
