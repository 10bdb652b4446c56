import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completed, platformOf } from '../scripts/complete-lock.mjs';

describe('package-lock.json', () => {
  it('has the packages of every platform, or npm ci refuses it (else: node_modules/.bin/node scripts/complete-lock.mjs)', async () => {
    const { packages } = JSON.parse(await readFile(join(import.meta.dirname, '../package-lock.json'), 'utf8'));
    expect(Object.keys(completed(packages)).filter((name) => packages[name] === undefined)).toEqual([]);
  });

  it('names no registry', async () => {
    const text = await readFile(join(import.meta.dirname, '../package-lock.json'), 'utf8');
    expect(text.match(/"resolved": "https?:[^"]*"/g)).toBe(null);
  });

  it('reads the platform from a name', () => {
    expect(platformOf('@oxlint/binding-linux-arm64-musl')).toEqual({ os: ['linux'], cpu: ['arm64'], libc: ['musl'] });
    expect(platformOf('@oxlint/binding-linux-arm-gnueabihf')).toEqual({ os: ['linux'], cpu: ['arm'], libc: ['glibc'] });
    expect(platformOf('@biomejs/cli-win32-x64')).toEqual({ os: ['win32'], cpu: ['x64'] });
    expect(platformOf('left-pad')).toBe(null);
  });

  it('adds what a package wants and the lock file lacks', () => {
    const packages = { 'node_modules/a': { version: '1.0.0', dev: true, optionalDependencies: { 'a-darwin-arm64': '1.0.0', b: '^1' } } };
    expect(completed(packages)['node_modules/a-darwin-arm64']).toEqual({
      version: '1.0.0',
      dev: true,
      optional: true,
      cpu: ['arm64'],
      os: ['darwin'],
    });
    expect(Object.keys(completed(packages))).toHaveLength(2);
  });
});
