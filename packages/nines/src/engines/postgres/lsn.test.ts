import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLsn, parseLsn } from './lsn.ts';

describe('positions in the log', () => {
  it('are read back as they were written, in the same order', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger().map(Math.abs), fc.maxSafeInteger().map(Math.abs), (left, right) => {
        expect(parseLsn(formatLsn(left))).toBe(left);
        expect(Math.sign(parseLsn(formatLsn(left)) - parseLsn(formatLsn(right)))).toBe(Math.sign(left - right));
      }),
    );
  });

  it('are as PostgreSQL writes them, and nothing else is one', () => {
    expect(formatLsn(2 ** 32 * 10 + 0xc11648)).toBe('A/C11648');
    expect(parseLsn('0/3000000')).toBe(0x3000000);
    for (const text of ['', '0', '0/', '/1', '0/G', '0/1 ', '1/123456789']) expect(parseLsn(text)).toBeNaN();
  });
});
