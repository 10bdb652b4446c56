import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, versionIn } from './version.ts';

describe('versionIn', () => {
  it.each([
    ['etcd Version: 3.4.23\nGit SHA: Not provided', '3.4.23'],
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
    ['postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)', '15.20'],
    ['HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/', '2.6.12'],
    ['Keepalived v2.2.7 (01/16,2022)', '2.2.7'],
    ['prometheus, version 2.42.0+ds (branch: debian/sid)', '2.42.0'],
    ['ip utility, iproute2-6.1.0, libbpf 1.1.2', '6.1.0'],
    ['mke2fs 1.47.0 (5-Feb-2023)', '1.47.0'],
  ])('reads %j', (text, version) => {
    expect(versionIn(text)).toBe(version);
  });

  it('finds nothing where there is nothing', () => {
    expect(versionIn('command not found')).toBeNull();
  });
});

describe('compareVersions', () => {
  const version = fc.array(fc.nat(40), { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.'));

  it('compares numbers, not text', () => {
    expect(compareVersions('15.9', '15.13')).toBeLessThan(0);
    expect(compareVersions('3.4', '3.4.0')).toBe(0);
  });

  it('is an order: antisymmetric and transitive', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});
