/** The way of frames from the thread that reads the device to the one that delivers them: a ring in shared memory. */

const FRAME_BYTES = 2048;
/** A power of two: the counters run through all 32-bit numbers and start again. */
const SLOTS = 4096;
const HEAD_BYTES = 16;
const LENGTHS_AT = HEAD_BYTES;
const TIMES_AT = LENGTHS_AT + SLOTS * 4;
const FRAMES_AT = TIMES_AT + SLOTS * 8;
const [WRITTEN, TAKEN, ASLEEP] = [0, 1, 2];

export interface ArrivedFrame {
  frame: Uint8Array;
  /** When it came, on the clock of its writer. */
  atMs: number;
}

/** One writer, one taker. */
export class FrameRing {
  readonly memory: SharedArrayBuffer;
  private readonly head: Int32Array;
  private readonly lengths: Int32Array;
  private readonly times: Float64Array;

  constructor(memory = new SharedArrayBuffer(FRAMES_AT + SLOTS * FRAME_BYTES)) {
    this.memory = memory;
    this.head = new Int32Array(memory, 0, 3);
    this.lengths = new Int32Array(memory, LENGTHS_AT, SLOTS);
    this.times = new Float64Array(memory, TIMES_AT, SLOTS);
  }

  /** Where the next frame is to be written; null while the ring is full. */
  freeSlot(): Uint8Array | null {
    const written = Atomics.load(this.head, WRITTEN);
    if (((written - Atomics.load(this.head, TAKEN)) | 0) === SLOTS) return null;
    return this.frameAt(written & (SLOTS - 1));
  }

  /** Hands over what was written into the free slot. True when the taker sleeps and has to be woken. */
  handOver(bytes: number, atMs: number): boolean {
    const written = Atomics.load(this.head, WRITTEN);
    this.lengths[written & (SLOTS - 1)] = bytes;
    this.times[written & (SLOTS - 1)] = atMs;
    Atomics.store(this.head, WRITTEN, (written + 1) | 0);
    return Atomics.exchange(this.head, ASLEEP, 0) === 1;
  }

  /** A copy of the oldest frame; null when there is none: the taker then sleeps, and the next frame wakes it. */
  take(): ArrivedFrame | null {
    const taken = Atomics.load(this.head, TAKEN);
    if (Atomics.load(this.head, WRITTEN) === taken) {
      Atomics.store(this.head, ASLEEP, 1);
      // One may have come just before the taker fell asleep, and woken nobody.
      if (Atomics.load(this.head, WRITTEN) === taken) return null;
      Atomics.store(this.head, ASLEEP, 0);
    }
    const slot = taken & (SLOTS - 1);
    const frame = Buffer.from(this.frameAt(slot).subarray(0, this.lengths[slot]));
    const atMs = this.times[slot] ?? 0;
    Atomics.store(this.head, TAKEN, (taken + 1) | 0);
    return { frame, atMs };
  }

  private frameAt(slot: number): Uint8Array {
    return new Uint8Array(this.memory, FRAMES_AT + slot * FRAME_BYTES, FRAME_BYTES);
  }
}
