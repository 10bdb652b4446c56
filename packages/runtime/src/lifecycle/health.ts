/** Three questions that must not be mixed up (alive? ready? started?), and the article's /healthz beside them. */
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';

export interface Check {
  ok: boolean;
  reason?: string;
}

export interface Health {
  ok: boolean;
  checks: Record<string, Check>;
}

/** Asks; rejects when there is no answer. May hang: it is given up after the timeout. */
export type Ask = () => PromiseLike<unknown>;

/** Remembers each dependency's answer for a moment: however many ask, a dependency in trouble is asked once. */
export class DependencyChecks {
  readonly #dependencies: Record<string, Ask>;
  readonly #freshMs: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #known = new Map<string, { atMs: number; check: Promise<Check> }>();

  constructor(dependencies: Record<string, Ask>, options: { freshMs: number; timeoutMs: number; clock?: Clock }) {
    this.#dependencies = dependencies;
    this.#freshMs = options.freshMs;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  async all(): Promise<Health> {
    const entries = await Promise.all(Object.entries(this.#dependencies).map(async ([name, ask]) => [name, await this.#check(name, ask)]));
    const checks = Object.fromEntries(entries) as Record<string, Check>;
    return { ok: Object.values(checks).every(({ ok }) => ok), checks };
  }

  #check(name: string, ask: Ask): Promise<Check> {
    const known = this.#known.get(name);
    if (known !== undefined && this.#clock.nowMs() - known.atMs < this.#freshMs) return known.check;
    const check = this.#askInTime(ask);
    this.#known.set(name, { atMs: this.#clock.nowMs(), check });
    return check;
  }

  #askInTime(ask: Ask): Promise<Check> {
    return new Promise((resolve) => {
      const timer = this.#clock.startTimer(this.#timeoutMs, () => resolve({ ok: false, reason: `no answer within ${this.#timeoutMs} ms` }));
      const answered = (check: Check): void => {
        timer.stop();
        resolve(check);
      };
      // Only that it failed: messages of drivers carry addresses, and /healthz is open to everybody.
      const failed = (): void => answered({ ok: false, reason: 'failed' });
      try {
        ask().then(() => answered({ ok: true }), failed);
      } catch {
        failed();
      }
    });
  }
}

/**
 * - starting: connections are being opened; not ready.
 * - serving: ready, whatever becomes of the dependencies: an instance that cannot reach the database still answers
 *   503 quickly and is there the moment it is back, and all instances would leave the gateway at once otherwise.
 * - stopping: not ready, alive, and still answering whatever arrives.
 */
export type LifeState = 'starting' | 'serving' | 'stopping';

export class Life {
  #state: LifeState = 'starting';
  #started = false;

  get state(): LifeState {
    return this.#state;
  }

  /** Stays true while stopping: the start-up is over. */
  get started(): boolean {
    return this.#started;
  }

  serve(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'serving';
    this.#started = true;
  }

  stop(): void {
    this.#state = 'stopping';
  }

  /** 404 while stopping: HAProxy's `disable-on-404` then ends new traffic at the first check, without counting failures. */
  readyStatus(): 200 | 404 | 503 {
    if (this.#state === 'serving') return 200;
    return this.#state === 'stopping' ? 404 : 503;
  }
}
