import { expect, it } from 'vitest';
import { PolicyError } from './policy-error.ts';

it('costs no stack, and leaves those of others alone', () => {
  const limit = Error.stackTraceLimit;
  const error = new PolicyError('E_BULKHEAD_FULL', 'orders');
  expect(error.stack).toBe('PolicyError: orders: too many calls are in flight: nothing was sent');
  expect(Error.stackTraceLimit).toBe(limit);
  expect(new Error('x').stack).toContain('policy-error.test.ts');
});

it('knows that nothing was sent, but of what ran out of time', () => {
  expect(new PolicyError('E_BULKHEAD_FULL', 'x').notSent).toBe(true);
  expect(new PolicyError('E_DEADLINE', 'x').notSent).toBe(false);
});
