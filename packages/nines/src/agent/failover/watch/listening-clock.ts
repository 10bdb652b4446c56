/** Time as far as this node was listening: a node that stood still has not heard silence. */

/**
 * A pause between two ticks counts this much at most. Above the driver’s tick (50 ms), and so far below every patience that
 * what came in during the pause is read before it can be missed.
 */
const LONGEST_PAUSE_MS = 75;

export class ListeningClock {
  private readonly now: () => number;
  private tickedMs: number;
  private listenedMs = 0;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.now = now;
    this.tickedMs = now();
  }

  /** Listened for since the beginning. */
  get ms(): number {
    return this.listenedMs + Math.min(LONGEST_PAUSE_MS, Math.max(0, this.now() - this.tickedMs));
  }

  /** The event loop turned: what had come in by the last tick has been read. */
  tick(): void {
    this.listenedMs = this.ms;
    this.tickedMs = this.now();
  }
}
