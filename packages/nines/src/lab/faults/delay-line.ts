/** What the relay holds back, and until when. Pure: the clock is an argument. */

interface HeldFrame {
  frame: Uint8Array;
  dueMs: number;
}

/** More than this is dropped at the end, as a router with a full queue does: TCP then slows down. */
const MOST_HELD_BYTES = 64 * 2 ** 20;

/** Frames of one pair leave in the order in which they came, each `delayMs` after it came. */
export class DelayLine {
  private readonly queues = new Map<string, HeldFrame[]>();
  private heldBytes = 0;

  hold(pair: string, frame: Uint8Array, nowMs: number, delayMs: number): void {
    if (this.heldBytes + frame.length > MOST_HELD_BYTES) return;
    const queue = this.queues.get(pair) ?? [];
    this.queues.set(pair, queue);
    queue.push({ frame, dueMs: nowMs + delayMs });
    this.heldBytes += frame.length;
  }

  /** The frames whose time is over, taken out. */
  due(nowMs: number): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const [pair, queue] of this.queues) {
      const waiting = queue.findIndex(({ dueMs }) => dueMs > nowMs);
      const over = queue.splice(0, waiting === -1 ? queue.length : waiting);
      for (const { frame } of over) {
        this.heldBytes -= frame.length;
        frames.push(frame);
      }
      if (queue.length === 0) this.queues.delete(pair);
    }
    return frames;
  }

  /** When the next frame is due; null while nothing is held. */
  nextDueMs(): number | null {
    let next: number | null = null;
    for (const [first] of this.queues.values()) {
      if (first !== undefined && (next === null || first.dueMs < next)) next = first.dueMs;
    }
    return next;
  }
}
