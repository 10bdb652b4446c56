/** Three questions that must not be mixed up (alive? ready? started?), and the article's /healthz beside them. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Check {
  ok: boolean;
  reason?: string;
}

export interface Dependency {
  name: string;
  /** Rejects when the dependency does not answer. May hang: it is given up after the timeout. */
  ask(): Promise<unknown>;
}

/** Remembers each dependency's answer for a moment: however many ask, a dependency in trouble is asked once. */
export class DependencyChecks {
  readonly #dependencies: Dependency[];
  readonly #freshMs: number;
  readonly #timeoutMs: number;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, { atMs: number; check: Promise<Check> }>();

  constructor(dependencies: Dependency[], options: { freshMs: number; timeoutMs: number; nowMs?: () => number }) {
    this.#dependencies = dependencies;
    this.#freshMs = options.freshMs;
    this.#timeoutMs = options.timeoutMs;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  async all(): Promise<{ ok: boolean; checks: Record<string, Check> }> {
    const entries = await Promise.all(
      this.#dependencies.map(async (dependency) => [dependency.name, await this.#check(dependency)] as const),
    );
    return { ok: entries.every(([, check]) => check.ok), checks: Object.fromEntries(entries) };
  }

  #check(dependency: Dependency): Promise<Check> {
    const known = this.#known.get(dependency.name);
    if (known !== undefined && this.#nowMs() - known.atMs < this.#freshMs) return known.check;
    const check = askWithin(dependency, this.#timeoutMs);
    this.#known.set(dependency.name, { atMs: this.#nowMs(), check });
    return check;
  }
}

async function askWithin(dependency: Dependency, timeoutMs: number): Promise<Check> {
  const late = new AbortController();
  const timeout = delay(timeoutMs, { ok: false, reason: `no answer within ${timeoutMs} ms` }, { signal: late.signal });
  const answer = dependency.ask().then(
    () => ({ ok: true }),
    // Only that it failed: messages of drivers carry addresses, and /healthz is open to everybody.
    () => ({ ok: false, reason: 'failed' }),
  );
  const first = await Promise.race([answer, timeout]);
  late.abort();
  timeout.catch(() => undefined);
  return first;
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
