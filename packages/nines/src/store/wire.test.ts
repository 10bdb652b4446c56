import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryOf, fromBase64, openValue, prefixRangeEnd, sealValue, toBase64 } from './wire.ts';

const wellFormed = fc.string({ unit: 'binary' });

describe('the words of the gateway', () => {
  test('every well-formed string comes back, half a surrogate pair is refused', () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(fromBase64(toBase64(text))).toBe(text);
      }),
    );
    expect(() => toBase64('a\ud800')).toThrow(TypeError);
  });

  test('every JSON value comes back through the envelope, whatever it looks like itself', () => {
    const attempts = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/);
    const values = fc.oneof(fc.jsonValue(), fc.record({ value: fc.jsonValue(), attempt: fc.string() }));
    fc.assert(
      fc.property(values, attempts, (value, attempt) => {
        const opened = openValue(fromBase64(toBase64(sealValue(value, attempt))));
        expect(JSON.stringify(opened)).toBe(JSON.stringify({ value, attempt }));
      }),
    );
    for (const value of [undefined, () => 1]) expect(() => sealValue(value, 'x')).toThrow(TypeError);
  });

  test('what another program wrote is taken as it is', () => {
    expect(openValue('not json')).toEqual({ value: 'not json', attempt: null });
    expect(openValue('{"revision":3}')).toEqual({ value: { revision: 3 }, attempt: null });
    expect(openValue('{"value":1,"attempt":"a","more":2}').attempt).toBeNull();
    expect(openValue('null')).toEqual({ value: null, attempt: null });
  });

  test('a prefix range holds exactly the keys with the prefix', () => {
    const keys = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\u007f', 'ÿ', '\u{10ffff}') });
    fc.assert(
      fc.property(keys, keys, (prefix, key) => {
        const [from, end, at] = [Buffer.from(prefix), Buffer.from(prefixRangeEnd(prefix), 'base64'), Buffer.from(key)];
        const open = end.length === 1 && end[0] === 0;
        const inside = Buffer.compare(at, from) >= 0 && (open || Buffer.compare(at, end) < 0);
        expect(inside).toBe(key.startsWith(prefix));
      }),
    );
  });

  test('zero values are left out by etcd', () => {
    expect(entryOf({ key: toBase64('k') })).toEqual({ key: 'k', value: '', attempt: null, modRevision: 0, leaseId: null });
    expect(entryOf({ key: toBase64('k'), mod_revision: '9007199254740991', lease: '9223372036854775807' })).toMatchObject({
      modRevision: 9007199254740991,
      leaseId: '9223372036854775807',
    });
  });
});
