/** Refuses early what would be answered too late: a bulkhead whose size follows how quick answers are. */
import { AbortListener, type CallContext } from '../call/call.ts';
import type { Clock } from '../clock/clock.ts';
import { requireInteger, requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';
import { type Answer, Limit } from './limit.ts';

export interface AdaptiveLimitOptions {
  /** Milliseconds within which answers are to come, from 1 on: of the service's objective. Low: refuses what it could have done; high: queues build up before it acts. */
  targetMs: number;
  /** Above this share of slower answers the limit falls, from 0 to below 1. Default 0.1. */
  slowShare?: number;
  /** Calls at once at first, from `least` to `most`. Default 20. */
  initial?: number;
  /** It never falls below, from 1 on. Default 4: with fewer it would not notice that answers are quick again. */
  least?: number;
  /** It never rises above. Default 1,000. */
  most?: number;
  /** Milliseconds for which answers are counted before the limit moves, from 1 on. Default 500. Short: reacts at once, and to chance. */
  windowMs?: number;
  /** Milliseconds after which whoever was refused may come back, from 0 on. Default 1,000. */
  retryAfterMs?: number;
  /** In errors. Default 'adaptive limit'. */
  name?: string;
  clock?: Clock;
}

export class AdaptiveLimitPolicy extends Policy {
  readonly #limit: Limit;
  readonly #retryAfterMs: number;
  readonly #name: string;

  constructor(options: AdaptiveLimitOptions) {
    super(options.clock);
    const { targetMs, slowShare = 0.1, least = 4, most = 1_000, windowMs = 500, retryAfterMs = 1_000, name = 'adaptive limit' } = options;
    const { initial = Math.min(most, Math.max(least, 20)) } = options;
    requireNumber('targetMs', targetMs, 1);
    requireNumber('slowShare', slowShare, 0, 0.999);
    requireInteger('least', least, 1);
    requireInteger('most', most, least);
    requireInteger('initial', initial, least, most);
    requireNumber('windowMs', windowMs, 1);
    requireNumber('retryAfterMs', retryAfterMs, 0);
    this.#limit = new Limit({ targetMs, slowShare, initial, least, most, windowMs }, this.clock.nowMs());
    this.#retryAfterMs = retryAfterMs;
    this.#name = name;
  }

  /** Calls at once that it lets in now. */
  get limit(): number {
    return this.#limit.limit;
  }

  get running(): number {
    return this.#limit.inFlight;
  }

  /** @throws PolicyError E_OVERLOADED. */
  override async run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    if (!this.#limit.enter(call.priority)) throw new PolicyError('E_OVERLOADED', this.#name, this.#retryAfterMs);
    const startedMs = this.clock.nowMs();
    const place = new Place((answer) => this.#limit.leave(startedMs, answer, this.clock.nowMs()));
    call.listen(place);
    try {
      const value = await next(call);
      place.leave('good');
      return value;
    } catch (error) {
      place.leave('silent');
      throw error;
    } finally {
      call.unlisten(place);
    }
  }
}

/** What was given up may never end: its place is not lost with it. */
class Place extends AbortListener {
  readonly #leave: (answer: Answer) => void;
  #hasLeft = false;

  constructor(leave: (answer: Answer) => void) {
    super();
    this.#leave = leave;
  }

  leave(answer: Answer): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#leave(answer);
  }

  override aborted(reason: Error): void {
    this.leave(reason instanceof PolicyError && reason.code === 'E_DEADLINE' ? 'slow' : 'silent');
  }
}

/**
 * Around all that a server does for a request, it refuses what came too much before it costs anything: calls of priority `low` first (they
 * fill 70 % of the limit at most), then `normal` (90 %), `critical` last. @throws RangeError that names the option.
 */
export function adaptiveLimit(options: AdaptiveLimitOptions): AdaptiveLimitPolicy {
  return new AdaptiveLimitPolicy(options);
}
