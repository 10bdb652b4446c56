import { expect, it } from 'vitest';
import { KnownNames } from './known-names.ts';

it('knows what was seen of the postmaster that runs, until something else is written', () => {
  const known = new KnownNames();
  expect(known.of(4711)).toBeNull();
  known.seen('ANY 1 ("a_t2")', 4711);
  expect(known.of(4711)).toBe('ANY 1 ("a_t2")');
  expect(known.of(4712), 'another postmaster').toBeNull();
  expect(known.of(null)).toBeNull();
  known.forget();
  expect(known.of(4711)).toBeNull();
  known.seen('', null);
  expect(known.of(null)).toBeNull();
});
