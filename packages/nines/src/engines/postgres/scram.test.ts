import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramVerifier, verifierMatches } from './scram.ts';

/** What PostgreSQL 15.20 stored after `set password_encryption = 'scram-sha-256'; create role r password 'pencil'`. */
const FROM_POSTGRES =
  'SCRAM-SHA-256$4096:b25XTtcND0yyDapiN6qPQg==$fsP0ZtH0Is57W+tHKUKEEJRzSSTT56ugyJ6gaqkcUp4=:mGYfrJFGOKUg398yVcanMmh0cHxMLJxqSemQPmdrHYU=';
const password = fc.stringMatching(/^[A-Za-z0-9_-]{1,43}$/);
const salt = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('SCRAM verifiers', () => {
  it('are those that PostgreSQL makes', () => {
    expect(verifierMatches(FROM_POSTGRES, 'pencil')).toBe(true);
    expect(verifierMatches(FROM_POSTGRES, 'pencils')).toBe(false);
  });

  it('match their own password and no other', () => {
    fc.assert(
      fc.property(password, password, salt, (right, wrong, bytes) => {
        const verifier = scramVerifier(right, bytes);
        expect(verifierMatches(verifier, right)).toBe(true);
        expect(verifierMatches(verifier, wrong)).toBe(right === wrong);
      }),
      { numRuns: 20 },
    );
  });

  it('do not match what is no verifier', () => {
    for (const stored of [null, '', 'md5abcdef', 'SCRAM-SHA-256$4096:only']) expect(verifierMatches(stored, 'x')).toBe(false);
  });
});
