/** Things that expire after one and the same time: a list, as who begins first expires first, and a single timer. */
import type { Clock, Timer } from './clock.ts';

export abstract class Expiring {
  /** Set while it is in a queue; of the queue's clock. */
  expiresAtMs = 0;
  next: Expiring | null = null;
  previous: Expiring | null = null;
  isQueued = false;

  /** It is in the queue no more. */
  abstract expire(): void;
}

/**
 * Entering and leaving are a few assignments: what ends in time never costs a timer. The timer is not moved when entries leave; it looks
 * when it fires, at most once in `afterMs`.
 */
export class ExpiryQueue {
  readonly #clock: Clock;
  readonly #afterMs: number;
  #first: Expiring | null = null;
  #last: Expiring | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#afterMs = afterMs;
  }

  add(entry: Expiring, nowMs: number): void {
    entry.expiresAtMs = nowMs + this.#afterMs;
    entry.isQueued = true;
    entry.previous = this.#last;
    entry.next = null;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    if (this.#timer === null) this.#startTimer(this.#afterMs);
    else if (this.#first === entry) this.#timer.hold(true);
  }

  remove(entry: Expiring): void {
    if (!entry.isQueued) return;
    entry.isQueued = false;
    if (entry.previous === null) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.next = null;
    entry.previous = null;
    // An idle queue does not keep the process alive.
    if (this.#first === null) this.#timer?.hold(false);
  }

  /** Nothing more will be added: no timer stays behind when nothing waits. */
  rest(): void {
    if (this.#first !== null) return;
    this.#timer?.stop();
    this.#timer = null;
  }

  #startTimer(afterMs: number): void {
    this.#timer = this.#clock.startTimer(afterMs, () => this.#look());
  }

  #look(): void {
    this.#timer = null;
    const nowMs = this.#clock.nowMs();
    for (let entry = this.#first; entry !== null && entry.expiresAtMs <= nowMs; entry = this.#first) {
      this.remove(entry);
      entry.expire();
    }
    // Who expired may have added one, and with it a timer.
    if (this.#first !== null && this.#timer === null) this.#startTimer(Math.max(1, Math.ceil(this.#first.expiresAtMs - nowMs)));
  }
}
