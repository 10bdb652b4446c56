import { expect, it } from 'vitest';
import { together } from './together.ts';

it('rejects with the first that failed, and only when all have ended', async () => {
  const slow = Promise.withResolvers<void>();
  let answered = false;
  const answer = together(Promise.reject(new Error('one')), slow.promise).catch((error: Error) => {
    answered = true;
    return error.message;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  slow.resolve();
  expect(await answer).toBe('one');
  await together(Promise.resolve(1), Promise.resolve());
});
