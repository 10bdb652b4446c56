import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DelayLine } from './delay-line.ts';

const PAIRS = ['a>b', 'b>a', 'a>c'];
const arrival = fc.record({ pair: fc.constantFrom(...PAIRS), afterMs: fc.nat(20), delayMs: fc.nat(50) });

it('gives every frame back once, never early, and in the order of its pair', () => {
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 60 }), (arrivals) => {
      const line = new DelayLine();
      const dueMs: number[] = [];
      const out: number[] = [];
      let nowMs = 0;
      const collect = () => {
        for (const frame of line.due(nowMs)) {
          const index = frame[0] ?? -1;
          expect(nowMs).toBeGreaterThanOrEqual(dueMs[index] ?? Number.NaN);
          out.push(index);
        }
      };
      for (const [index, { pair, afterMs, delayMs }] of arrivals.entries()) {
        nowMs += afterMs;
        collect();
        line.hold(pair, Uint8Array.of(index), nowMs, delayMs);
        dueMs[index] = nowMs + delayMs;
      }
      for (let next = line.nextDueMs(); next !== null; next = line.nextDueMs()) {
        nowMs = Math.max(nowMs, next);
        const before = out.length;
        collect();
        expect(out.length).toBeGreaterThan(before);
      }
      expect([...out].sort((one, other) => one - other)).toEqual(arrivals.map((_, index) => index));
      for (const pair of PAIRS) {
        const ofPair = out.filter((index) => arrivals[index]?.pair === pair);
        expect(ofPair).toEqual([...ofPair].sort((one, other) => one - other));
      }
    }),
  );
});

it('holds no more than 64 MiB, and takes frames again when it has given some away', () => {
  const line = new DelayLine();
  const frame = new Uint8Array(2 ** 20);
  for (let count = 0; count < 80; count += 1) line.hold('a>b', frame, 0, 10);
  expect(line.due(10)).toHaveLength(64);
  line.hold('a>b', frame, 10, 10);
  expect(line.due(20)).toHaveLength(1);
  expect(line.nextDueMs()).toBeNull();
});
