/** A bound for retries as a share of calls: without one, a dependency that fails gets several times its load just then. */
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';
import { requireNumber } from '../errors/option.ts';

export interface RetryBudgetOptions {
  /** Retries per call, 0 to 1. Default 0.2: a dependency that fails altogether gets 1.2 times its load. */
  ratio?: number;
  /** Retries per second beside that, for what is called seldom. Default 1. */
  perSecond?: number;
  /** Retries at once after a while without any, from 1 on. Default 100: what one dead instance had in flight. */
  burst?: number;
  clock?: Clock;
}

/** One for all policies that ask the same dependency. */
export class RetryBudget {
  readonly #ratio: number;
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #balance: number;
  #atMs: number;

  /** @throws RangeError that names the option. */
  constructor({ ratio = 0.2, perSecond = 1, burst = 100, clock = SYSTEM_CLOCK }: RetryBudgetOptions = {}) {
    requireNumber('ratio', ratio, 0, 1);
    requireNumber('perSecond', perSecond, 0);
    requireNumber('burst', burst, 1);
    this.#ratio = ratio;
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#clock = clock;
    this.#balance = burst;
    this.#atMs = clock.nowMs();
  }

  /** A first try. */
  called(): void {
    this.#balance = Math.min(this.#burst, this.#balance + this.#ratio);
  }

  /** False: there is none to spend. */
  spend(): boolean {
    const nowMs = this.#clock.nowMs();
    this.#balance = Math.min(this.#burst, this.#balance + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }
}
