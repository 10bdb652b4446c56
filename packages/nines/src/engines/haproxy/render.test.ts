import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { NextUpstream } from '../../topology/topology.ts';
import { drainNoticeMs } from './checks.ts';
import { quoted } from './quote.ts';
import { bufferBytes, maxConnections, renderHaproxy } from './render.ts';
import { gatewaySpec, SERVICE } from './testing/gateway-spec.ts';

const HAPROXY = '/usr/sbin/haproxy';
const WORDS: NextUpstream[] = ['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'];

const orders = () =>
  gatewaySpec({
    hosts: { h1: '127.0.23.1', h2: '127.0.23.2', h3: '127.0.23.3' },
    gatewayAddress: '127.0.23.100',
    services: { orders: { replicas: 6 } },
  });

const path = fc.stringMatching(/^\/[A-Za-z0-9 '"#$\\/_.-]{0,12}$/);
const anySpec: fc.Arbitrary<ClusterSpec> = fc
  .record({
    hosts: fc.integer({ min: 1, max: 4 }),
    services: fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/),
      fc.record({
        replicas: fc.integer({ min: 0, max: 7 }),
        port: fc.integer({ min: 1024, max: 60_000 }),
        path,
        requestTimeoutMs: fc.integer({ min: 1, max: 600_000 }),
        health: fc.record({
          livePath: path,
          readyPath: path,
          startupPath: path,
          intervalMs: fc.integer({ min: 1, max: 60_000 }),
          timeoutMs: fc.integer({ min: 1, max: 60_000 }),
        }),
      }),
      { maxKeys: 4 },
    ),
    postgres: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), fc.integer({ min: 1024, max: 60_000 }), { maxKeys: 3 }),
    maxFails: fc.integer({ min: 0, max: 100 }),
    nextUpstream: fc.subarray(WORDS),
    replayBodyBytes: fc.integer({ min: 0, max: 16 * 1024 * 1024 }),
  })
  .map(({ hosts, services, postgres, ...gateway }) =>
    gatewaySpec({
      hosts: Object.fromEntries(Array.from({ length: hosts }, (_, i) => [`h${i}`, `127.0.23.${i + 1}`])),
      gatewayAddress: '127.0.23.100',
      gateway,
      services,
      postgres,
    }),
  );

describe('renderHaproxy', () => {
  const text = renderHaproxy(orders(), 'h1', '/run/nines/haproxy/runtime.sock');

  it('writes every placed instance with its address and port + slot', () => {
    expect(text.match(/^ {4}server .*/gm)).toEqual([
      '    server h1_orders-0 127.0.23.1:3000 tcp-ut 500ms',
      '    server h2_orders-1 127.0.23.2:3000 tcp-ut 500ms',
      '    server h3_orders-2 127.0.23.3:3000 tcp-ut 500ms',
      '    server h1_orders-3 127.0.23.1:3001 tcp-ut 500ms',
      '    server h2_orders-4 127.0.23.2:3001 tcp-ut 500ms',
      '    server h3_orders-5 127.0.23.3:3001 tcp-ut 500ms',
    ]);
  });

  it('lets go of requests whose clients have gone, on the side that sees them go', () => {
    expect(text.split(/^frontend /m)[0]).toContain('    option abortonclose\n');
  });

  it("maps the article's words", () => {
    expect(text).toContain('retry-on conn-failure empty-response response-timeout junk-response 500 502 503 504');
    expect(text).toContain('error-limit 3 on-error mark-down');
    expect(text).toContain('timeout server 800ms');
  });

  it('retries nothing and counts nothing when the topology says so', () => {
    const spec = gatewaySpec({
      hosts: { h1: '127.0.23.1' },
      gatewayAddress: '127.0.23.100',
      gateway: { nextUpstream: [], maxFails: 0 },
      services: { orders: {} },
    });
    const quiet = renderHaproxy(spec, 'h1', '/run/s');
    expect(quiet).toContain('retries 0\n');
    expect(quiet).toContain('retry-on none\n');
    expect(quiet).not.toContain('observe');
  });

  it('tries the longest path first, whole segments only', () => {
    const spec = gatewaySpec({
      hosts: { h1: '127.0.23.1' },
      gatewayAddress: '127.0.23.100',
      services: { site: { path: '/' }, api: { path: '/api/' }, orders: { path: '/api/orders' } },
    });
    const routed = renderHaproxy(spec, 'h1', '/run/s').match(/^ {4}(use|default)_backend.*/gm);
    expect(routed).toEqual([
      '    use_backend orders if { path /api/orders } or { path_beg /api/orders/ }',
      '    use_backend api if { path /api } or { path_beg /api/ }',
      '    default_backend site',
    ]);
  });

  it('sends nobody to a database by itself, and cuts the sessions of a member that is taken out', () => {
    const spec = gatewaySpec({
      hosts: { h1: '127.0.23.1', h2: '127.0.23.2' },
      gatewayAddress: '127.0.23.100',
      services: { orders: {} },
      postgres: { main: 5432 },
    });
    const [http, tcp] = renderHaproxy(spec, 'h1', '/run/s')
      .split(/^defaults$/m)
      .slice(1);
    expect(http).not.toContain('postgres');
    expect(tcp).toContain('mode tcp');
    expect(tcp?.match(/^listen .*|^ {4}bind .*|^ {4}server .*/gm)).toEqual([
      'listen postgres_main_primary',
      '    bind 127.0.23.100:5432',
      '    server h1 127.0.23.1:5432 disabled on-marked-down shutdown-sessions tcp-ut 5000ms',
      '    server h2 127.0.23.2:5432 disabled on-marked-down shutdown-sessions tcp-ut 5000ms',
      'listen postgres_main_replicas',
      '    bind 127.0.23.100:5433',
      '    server h1 127.0.23.1:5432 disabled on-marked-down shutdown-sessions tcp-ut 5000ms',
      '    server h2 127.0.23.2:5432 disabled on-marked-down shutdown-sessions tcp-ut 5000ms',
    ]);
    expect(tcp).not.toContain(' check');
  });

  it('refuses a host that is not there and a control character', () => {
    expect(() => renderHaproxy(orders(), 'h9', '/run/s')).toThrow(/no gateway/);
    expect(() => quoted('/a\nbackend b')).toThrow(/control character/);
  });

  it('bounds the memory of buffers whatever body is to be replayed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1 << 20 }), (replayBodyBytes) => {
        const gateway = { ...orders().topology.gateway, replayBodyBytes } as never;
        expect(bufferBytes(gateway)).toBeGreaterThan(replayBodyBytes);
        expect(maxConnections(gateway)).toBeGreaterThanOrEqual(256);
        expect(bufferBytes(gateway) * maxConnections(gateway)).toBeLessThanOrEqual(384 * 1024 * 1024);
      }),
    );
  });

  it('needs a draining instance to serve for about 1.1 s at most', () => {
    expect(drainNoticeMs(SERVICE)).toBe(1160);
    expect(drainNoticeMs({ ...SERVICE, health: { ...SERVICE.health, intervalMs: 10_000, timeoutMs: 5_000 } })).toBe(1160);
  });
});

describe.skipIf(!existsSync(HAPROXY))('haproxy -c', () => {
  it('accepts whatever a valid topology renders', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nines-haproxy-'));
    const file = join(folder, 'haproxy.cfg');
    try {
      await fc.assert(
        fc.asyncProperty(anySpec, async (spec) => {
          writeFileSync(file, renderHaproxy(spec, 'h0', join(folder, 's.sock')));
          await promisify(execFile)(HAPROXY, ['-c', '-q', '-f', file]);
        }),
        { numRuns: 25 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
