import { expect, it } from 'vitest';
import { atDeadline } from './at-deadline.ts';

const standStill = (ms: number): void => {
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms);
};

it('acts after so long, behind what has come by then', async () => {
  const order: string[] = [];
  const acted = new Promise<void>((resolve) => {
    atDeadline(20, () => {
      order.push('deadline');
      resolve();
    });
  });
  setImmediate(() => {
    standStill(40);
    // Ready in the turn in which the timer is late.
    setImmediate(() => order.push('came'));
  });
  await acted;
  expect(order).toEqual(['came', 'deadline']);
});

it('is taken back at any moment, also between its timer and its act', async () => {
  let acts = 0;
  atDeadline(10, () => (acts += 1))();
  const takeBack = atDeadline(10, () => (acts += 1));
  // Timers run in the order in which they were set.
  setTimeout(() => takeBack(), 10);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(acts).toBe(0);
});
