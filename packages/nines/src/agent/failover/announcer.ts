/** Tells the others how this member is: regularly, and at once when something happened that they should know. */
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { isNewsBetween } from './own-heartbeat.ts';

export interface AnnouncerOptions {
  everyMs: number;
  /** Milliseconds that only grow. */
  now(): number;
  /** As it is now; null: it is not known, and silence is the truth. */
  heartbeat(numbers: Pick<Heartbeat, 'sequence' | 'lagMs'>): Heartbeat | null;
  send(heartbeat: Heartbeat): void;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  #sequence = 0;
  #sent: Heartbeat | null = null;
  #sentMs = Number.NEGATIVE_INFINITY;
  #lagMs = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** How late this process ran: whoever waits for it has to allow for that. */
  ranLate(ms: number): void {
    this.#lagMs = Math.max(this.#lagMs, ms);
  }

  /** @param earlyMs a heartbeat that is due within this is sent now: nobody looks again before it is late. */
  beat(earlyMs: number): void {
    const { now, everyMs } = this.#options;
    if (now() - this.#sentMs >= everyMs - earlyMs) this.announce();
  }

  /** Only if it differs from the last one in what others act on. */
  news(): void {
    const heartbeat = this.#heartbeat(this.#sequence);
    if (heartbeat !== null && (this.#sent === null || isNewsBetween(this.#sent, heartbeat))) this.announce();
  }

  announce(): void {
    const heartbeat = this.#heartbeat(this.#sequence + 1);
    if (heartbeat === null) return;
    this.#sequence += 1;
    this.#sent = heartbeat;
    this.#sentMs = this.#options.now();
    this.#lagMs = 0;
    this.#options.send(heartbeat);
  }

  #heartbeat(sequence: number): Heartbeat | null {
    return this.#options.heartbeat({ sequence, lagMs: Math.round(this.#lagMs) });
  }
}
