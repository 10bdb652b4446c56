/** The agent's doors over real sockets: mutual TLS for operators, a unix socket for services. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClusterIdentity } from '../identity/cluster-identity.ts';
import { issueHostIdentity, issueOperatorIdentity } from '../identity/host-identity.ts';
import { type CertificateName, certificatePaths } from '../identity/identity.ts';
import { exampleTopology } from '../identity/testing/example-topology.ts';
import { type ApiServers, startApi } from './api.ts';
import type { HostState } from './host-state.ts';
import { HandFailover } from './routing/testing/hand-failover.ts';

const ADDRESS = '127.0.35.31';

describe('agent API', () => {
  let folder = '';
  let api: ApiServers | undefined;
  let port = 0;
  const failover = new HandFailover();
  const socketFile = () => join(folder, 'agent.sock');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nines-api-'));
    const clusterDir = join(folder, 'cluster');
    const signal = AbortSignal.timeout(20_000);
    await createClusterIdentity({ dir: clusterDir, topology: exampleTopology({ postgres: { main: 3 } }), signal });
    await issueHostIdentity({ clusterDir, outDir: join(folder, 'host'), host: 'h1', address: ADDRESS, signal });
    await issueOperatorIdentity({ clusterDir, outDir: join(folder, 'operator'), signal });
    port = await freePort();
    const local = (path: string) => (path === '/v1/host' ? { host: 'h1' } : null);
    const source = { state: () => ({ host: 'h1' }) as unknown as HostState, log: () => null, local, failover };
    api = await startApi(source, { address: ADDRESS, port, socketFile: socketFile(), tls: tlsOf('host', 'agent') });
  });
  afterAll(async () => {
    await api?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function tlsOf(holder: string, name: CertificateName): { ca: string; cert: string; key: string } {
    const { caFile, certFile, keyFile } = certificatePaths(join(folder, holder), name);
    const read = (file: string) => readFileSync(file, 'utf8');
    return { ca: read(caFile), cert: read(certFile), key: read(keyFile) };
  }

  const ask = (holder: 'operator' | 'host', method: string, path: string, body = '') =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const tls = tlsOf(holder, holder === 'operator' ? 'operator' : 'agent');
      const asked = request({ host: ADDRESS, port, path, method, agent: false, ...tls }, (response) => void whole(response).then(resolve));
      asked.on('error', reject).end(body);
    });
  const askLocal = (path: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const asked = plainRequest({ socketPath: socketFile(), path, agent: false }, (response) => void whole(response).then(resolve));
      asked.on('error', reject).end();
    });

  it('hands an operator’s command on, checked, and answers whether it was accepted', async () => {
    const path = '/v1/postgres/main/switchover';
    expect(await ask('operator', 'POST', path, '{"to":"b1"}')).toEqual({ status: 200, body: '{"accepted":true,"reason":"told so"}' });
    expect(failover.commands).toEqual([{ group: 'main', action: 'switchover', body: { to: 'b1' } }]);
    failover.commandAnswer = { accepted: false, reason: 'it is behind' };
    expect(await ask('operator', 'POST', path)).toEqual({ status: 409, body: '{"accepted":false,"reason":"it is behind"}' });
    failover.commands.length = 0;
    for (const [at, body] of [
      [path, '{"to":"b1","force":true}'],
      [path, '{"to":7}'],
      [path, '{"to":"../x"}'],
      [path, '[]'],
      [path, '{'],
      [path, JSON.stringify({ to: 'x'.repeat(5_000) })],
      ['/v1/postgres/main/failover', '{"to":"b1"}'],
      ['/v1/postgres/main/failover', '{"to":"b1","allowDataLoss":"yes"}'],
      ['/v1/postgres/main/failover', '{"allowDataLoss":true}'],
      ['/v1/postgres/main/pause', '{"to":"b1"}'],
    ] as const) {
      const refused = await ask('operator', 'POST', at, body);
      expect(refused.status, body.slice(0, 40)).toBe(400);
      expect(JSON.parse(refused.body)).toMatchObject({ accepted: false, reason: expect.any(String) });
    }
    expect((await ask('operator', 'POST', '/v1/postgres/other/pause')).status).toBe(404);
    expect((await ask('operator', 'POST', '/v1/postgres/main/erase')).status).toBe(404);
    expect((await ask('operator', 'DELETE', '/v1/postgres/main/pause')).status).toBe(405);
    expect(failover.commands).toEqual([]);
  });

  it('lets nobody but the operator command or see decisions', async () => {
    expect((await ask('host', 'POST', '/v1/postgres/main/pause', '{}')).status).toBe(403);
    expect((await ask('host', 'GET', '/v1/postgres/main/decisions')).status).toBe(403);
    expect(failover.commands).toEqual([]);
  });

  it('shows the view and the decisions since a time', async () => {
    expect(JSON.parse((await ask('operator', 'GET', '/v1/postgres/main/view')).body)).toMatchObject({ group: 'main' });
    expect(await ask('operator', 'GET', '/v1/postgres/main/decisions?since=5')).toEqual({ status: 200, body: '{"atMs":5}\n' });
    expect((await ask('operator', 'GET', '/v1/postgres/main/decisions?since=x')).status).toBe(400);
    expect((await ask('operator', 'GET', '/v1/postgres/other/view')).status).toBe(404);
  });

  it('streams to services where the leader is: at once, and each change at once', async () => {
    const lines: { text: string; atMs: number }[] = [];
    const reader = plainRequest({ socketPath: socketFile(), path: '/v1/postgres/main/stream', agent: false }, (response) => {
      response.on('data', (chunk) => lines.push({ text: String(chunk), atMs: performance.now() }));
      response.on('error', () => undefined);
    });
    reader.on('error', () => undefined).end();
    const until = async (count: number) => {
      for (const limitMs = performance.now() + 3_000; lines.length < count; await delay(1)) {
        if (performance.now() > limitMs) throw new Error(`${count} lines did not come: ${JSON.stringify(lines)}`);
      }
    };
    try {
      await until(1);
      expect(JSON.parse(lines[0]?.text ?? '')).toEqual({
        leader: null,
        address: null,
        port: null,
        term: 0,
        phase: 'unknown',
        replicas: [],
      });
      const startedAt = performance.now();
      failover.lead('b', 4);
      await until(2);
      expect((lines[1]?.atMs ?? Infinity) - startedAt).toBeLessThan(50);
      const now = { leader: 'b', address: '10.0.0.b', port: 5432, term: 4, phase: 'open' };
      expect(JSON.parse(lines[1]?.text ?? '')).toEqual({ ...now, replicas: [{ address: '10.0.0.z', port: 5432, lagBytes: 0 }] });
      expect(JSON.parse((await askLocal('/v1/postgres/main')).body)).toEqual(JSON.parse(lines[1]?.text ?? ''));
      // Lag alone waits for its turn; the last word comes.
      for (let lag = 1; lag <= 20; lag++) failover.lead('b', 4, lag);
      await until(3);
      expect(JSON.parse(lines[2]?.text ?? '').replicas[0].lagBytes).toBe(20);
    } finally {
      reader.destroy();
    }
  });

  it('gives a life sign, and bounds the number of streams', { timeout: 20_000 }, async () => {
    const open = () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const asked = plainRequest({ socketPath: socketFile(), path: '/v1/postgres/main/stream', agent: false }, (response) => {
          response.on('error', () => undefined);
          resolve(response);
        });
        asked.on('error', reject).end();
      });
    const streams = await Promise.all(Array.from({ length: 100 }, open));
    const tooMany = await open();
    const text: string[] = [];
    streams[0]?.on('data', (chunk) => text.push(String(chunk)));
    expect(streams.every(({ statusCode }) => statusCode === 200)).toBe(true);
    expect(tooMany.statusCode).toBe(503);
    try {
      for (const limitMs = performance.now() + 8_000; !text.includes('\n'); await delay(20)) {
        if (performance.now() > limitMs) throw new Error('no life sign');
      }
    } finally {
      for (const stream of [...streams, tooMany]) stream.destroy();
    }
  });

  it('answers what it does not know with 404', async () => {
    expect((await askLocal('/v1/host')).body).toBe('{"host":"h1"}');
    for (const path of ['/v1/postgres/other', '/v1/postgres/other/stream', '/v1/postgres/main/view', '/v1/nothing']) {
      expect((await askLocal(path)).status, path).toBe(404);
    }
  });
});

async function whole(response: IncomingMessage): Promise<{ status: number | undefined; body: string }> {
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, ADDRESS, resolve));
  const { port } = probe.address() as { port: number };
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}
