import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameRing } from './frame-ring.ts';

function put(ring: FrameRing, value: number): 'full' | 'wakes' | 'quiet' {
  const slot = ring.freeSlot();
  if (slot === null) return 'full';
  slot.set([value & 255, value >> 8]);
  return ring.handOver(2, value) ? 'wakes' : 'quiet';
}

it('gives every frame once, in order, and wakes its taker exactly when it sleeps', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (steps) => {
      const ring = new FrameRing();
      const waiting: number[] = [];
      let asleep = false;
      for (const [step, isPut] of steps.entries()) {
        if (isPut) {
          expect(put(ring, step)).toBe(asleep ? 'wakes' : 'quiet');
          asleep = false;
          waiting.push(step);
          continue;
        }
        const taken = ring.take();
        const expected = waiting.shift();
        asleep = expected === undefined;
        expect(taken).toEqual(expected === undefined ? null : { frame: Buffer.of(expected & 255, expected >> 8), atMs: expected });
      }
    }),
    // Each ring is 8 MiB.
    { numRuns: 20 },
  );
});

it('is full after 4096 frames, loses none of them, and goes round', () => {
  const ring = new FrameRing();
  for (let round = 0; round < 3; round += 1) {
    let count = 0;
    while (put(ring, count) !== 'full') count += 1;
    expect(count).toBe(4096);
    for (let value = 0; value < count; value += 1) expect(ring.take()?.atMs).toBe(value);
    expect(ring.take()).toBeNull();
  }
});

it('is shared by its memory', () => {
  const writer = new FrameRing();
  const taker = new FrameRing(writer.memory);
  expect(taker.take()).toBeNull();
  expect(put(writer, 7)).toBe('wakes');
  expect(taker.take()?.atMs).toBe(7);
});
