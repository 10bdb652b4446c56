import { expect, it } from 'vitest';
import { Stall } from './stall.ts';

it('lasts from the begin or the last change on', () => {
  const stall = new Stall(100);
  expect(stall.lastsMs(300, 'recovering 7')).toBe(200);
  expect(stall.lastsMs(400, 'recovering 7')).toBe(300);
  expect(stall.lastsMs(500, 'recovering 8')).toBe(0);
  expect(stall.lastsMs(900, 'recovering 8')).toBe(400);
  expect(stall.lastsMs(950, '')).toBe(0);
});
