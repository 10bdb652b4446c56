import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withLock } from './lock.ts';

const name = `test-${process.pid}`;

it('lets one in at a time, and the next one after an error', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await delay(5);
    inside -= 1;
  };
  const signal = AbortSignal.timeout(10_000);
  const failing = withLock(name, signal, () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  await Promise.all([1, 2, 3, 4].map(() => withLock(name, signal, work)));
  expect(most).toBe(1);
});

it('stops waiting when it is told to', async () => {
  const waiting = new AbortController();
  await withLock(name, AbortSignal.timeout(10_000), async () => {
    const second = withLock(name, waiting.signal, () => Promise.resolve('in'));
    waiting.abort();
    await expect(second).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});
