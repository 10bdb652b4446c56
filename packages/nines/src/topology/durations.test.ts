import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './durations.ts';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['1.005s', 1005],
    ['2m', 120_000],
    ['0.5h', 1_800_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %i ms', (text, expected) => expect(parseDuration(text)).toBe(expected));

  it.each(['', '5', 's', '5 s', '-1s', '1e3s', '5sec', '5S', '1.s', '.5s', '0.5ms', '1.0001s', '99999999999999d', ' 5s'])(
    "'%s' is no duration",
    (text) => expect(parseDuration(text)).toBeNull(),
  );

  it('what is written is read back', () => {
    fc.assert(fc.property(fc.nat({ max: 10 ** 12 }), (durationMs) => parseDuration(formatDuration(durationMs)) === durationMs));
  });

  it('any text is a whole number of milliseconds or nothing', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}(\.\d{1,4})?(ms|s|m|h|d)$/));
    fc.assert(
      fc.property(text, (words) => {
        const durationMs = parseDuration(words);
        return durationMs === null || (Number.isSafeInteger(durationMs) && durationMs >= 0);
      }),
    );
  });
});
