/** A clock that stands until it is told to go on. */
import type { Clock, Timer } from '../clock.ts';

interface Pending {
  atMs: number;
  fire: () => void;
  isHeld: boolean;
}

export class SimulatedClock implements Clock {
  #nowMs = 0;
  readonly #pending = new Set<Pending>();

  nowMs(): number {
    return this.#nowMs;
  }

  startTimer(afterMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + afterMs, fire, isHeld: true };
    this.#pending.add(timer);
    return {
      stop: () => void this.#pending.delete(timer),
      hold: (isHeld) => {
        timer.isHeld = isHeld;
      },
    };
  }

  /** Timers that have neither fired nor been stopped. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Of them, those that keep the process alive. */
  get held(): number {
    return [...this.#pending].filter(({ isHeld }) => isHeld).length;
  }

  /** Timers fire in their order, each with the promises settled that the one before settled. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const due = [...this.#pending].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

/** Every promise that can be settled without time or I/O is. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
