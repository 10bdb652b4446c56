/**
 * The thread of the relay that reads its device. A blocking read in a loop: by way of the event loop each frame would
 * cost two changes of thread, and a busy machine let 4,000 frames a second pass.
 */
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { FrameRing } from './frame-ring.ts';

const { tap, memory } = workerData as { tap: number; memory: SharedArrayBuffer };
const ring = new FrameRing(memory);
const discarded = new Uint8Array(2048);

for (;;) {
  const slot = ring.freeSlot();
  const bytes = readSync(tap, slot ?? discarded);
  // A full ring loses the frame, as a full router does.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  if (slot !== null && ring.handOver(bytes, Number(process.hrtime.bigint()) / 1e6)) parentPort?.postMessage(null);
}
