import { describe, expect, it } from 'vitest';
import { labObstacle, mustNotSkip } from './lab/require-root.ts';

describe('lab tests', () => {
  it('need root on Linux, and say so', () => {
    expect(labObstacle('linux', 0)).toBe(null);
    expect(labObstacle('linux', 1000)).toContain('needs root');
    expect(labObstacle('darwin', 0)).toContain('darwin');
    expect(labObstacle('win32', undefined)).toContain('win32');
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
    ['', false],
    [undefined, false],
  ])('with CI=%s must not be skipped: %s', (ci, expected) => expect(mustNotSkip(ci)).toBe(expected));
});
