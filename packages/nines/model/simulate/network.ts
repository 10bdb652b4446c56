/** Links between hosts and etcd, each way by itself: delay, loss, cuts. */
import type { Random } from './random.ts';

export const ETCD = 'etcd';

export class Network {
  /** Of a message. */
  lossPerThousand = 0;
  /** Of the messages, one in so many is held up by seconds. */
  lateOneIn = 0;
  readonly #cut = new Set<string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.lossPerThousand = 0;
    this.lateOneIn = 0;
  }

  reaches(from: string, to: string): boolean {
    return from === to || !this.#cut.has(`${from} ${to}`);
  }

  /** A connection needs both ways. */
  connects(one: string, other: string): boolean {
    return this.reaches(one, other) && this.reaches(other, one);
  }

  /** Milliseconds until a message arrives; null: it does not. */
  delayMs(from: string, to: string): number | null {
    if (!this.reaches(from, to) || this.#random.next() * 1_000 < this.lossPerThousand) return null;
    const isLate = this.lateOneIn > 0 && this.#random.isOneIn(this.lateOneIn);
    return isLate ? this.#random.between(200, 3_000) : this.#random.between(0.2, 3);
  }
}
