import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { setNiceness } from './priority.ts';

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)('puts a process and its session before the others', async () => {
  const child = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    const pid = child.pid ?? 0;
    setNiceness(pid, -5);
    expect(getPriority(pid)).toBe(-5);
    const autogroup = `/proc/${pid}/autogroup`;
    if (existsSync(autogroup)) expect(readFileSync(autogroup, 'utf8')).toMatch(/nice -5\n$/);
  } finally {
    child.kill('SIGKILL');
  }
});

test.skipIf(!isRoot)('leaves the session alone that it does not lead', async () => {
  const before = readFileSync('/proc/self/autogroup', 'utf8');
  const child = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    setNiceness(child.pid ?? 0, 3);
    expect(getPriority(child.pid)).toBe(3);
    expect(readFileSync('/proc/self/autogroup', 'utf8')).toBe(before);
  } finally {
    child.kill('SIGKILL');
  }
});

test('is no error where the process is gone', () => {
  expect(() => setNiceness(4_194_303, 0)).not.toThrow();
});
