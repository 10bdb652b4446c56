import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSize, parseSize } from './sizes.ts';

describe('sizes', () => {
  it.each([
    ['512B', 512],
    ['16kB', 16_384],
    ['64MB', 67_108_864],
    ['0.5GB', 536_870_912],
  ])('%s is %i bytes', (text, expected) => expect(parseSize(text)).toBe(expected));

  it.each(['', '64', '64KB', '64mb', '64M', '64MiB', '-1MB', '0.5B', '0.0001kB', '1 GB', '9999999999GB'])("'%s' is no size", (text) =>
    expect(parseSize(text)).toBeNull(),
  );

  it('what is written is read back', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 48 }), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});
