import { expect, test } from 'vitest';
import { saysReady } from './server-status.ts';

const file = (pid: number, status: string) => `${pid}\n/data\n1790000000\n5432\n/run\n10.0.0.1\n  5432001         3\n${status.padEnd(8)}\n`;

test.each([
  ['ready', file(42, 'ready'), true],
  ['starting', file(42, 'starting'), false],
  ['stopping', file(42, 'stopping'), false],
  ['of another process', file(41, 'ready'), false],
  ['half written', file(42, 'ready').slice(0, 30), false],
  ['not there', '', false],
])('a postmaster.pid that is %s', (_what, text, ready) => {
  expect(saysReady(text, 42)).toBe(ready);
});

test('no process is ready', () => {
  expect(saysReady(file(42, 'ready'), null)).toBe(false);
});
