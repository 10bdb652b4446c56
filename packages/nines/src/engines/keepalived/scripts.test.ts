import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Endpoint, gatewayCheckScript, HOST_CHECK_LIMIT_S, hostCheckScript } from './scripts.ts';

const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listen(server: ReturnType<typeof createTcpServer> | Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.23.9');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function run(script: string): Promise<{ code: number; stderr: string; tookMs: number }> {
  const startedAt = performance.now();
  const child = spawn('/usr/bin/perl', ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  return { code, stderr, tookMs: performance.now() - startedAt };
}

const checkOf = (port: number) => gatewayCheckScript({ address: '127.0.23.9', port }, '/__nines/gateway');

describe('the check of the local gateway', () => {
  it('asks one that answers again and again over one connection, for less than a second', async () => {
    let questions = 0;
    let connections = 0;
    const server = createServer((_request, response) => {
      questions += 1;
      response.end('{}');
    });
    server.on('connection', () => (connections += 1));
    const { code, stderr, tookMs } = await run(checkOf(await listen(server)));
    expect({ code, stderr, connections }).toEqual({ code: 0, stderr: '', connections: 1 });
    expect(questions).toBeGreaterThanOrEqual(5);
    expect(tookMs).toBeLessThan(1_100);
  });

  it('fails at once when nobody listens', async () => {
    const port = await listen(createTcpServer());
    await new Promise((resolve) => servers.pop()?.close() && setImmediate(resolve));
    const { code, stderr, tookMs } = await run(checkOf(port));
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(tookMs).toBeLessThan(300);
  });

  it('fails when connections are taken but nothing is answered', async () => {
    const { code, tookMs } = await run(checkOf(await listen(createTcpServer())));
    expect(code).toBe(1);
    expect(tookMs).toBeGreaterThan(350);
    expect(tookMs).toBeLessThan(900);
  });

  it('fails at once when the connection ends between two questions and nobody takes another', async () => {
    const server = createServer((request, response) => {
      response.end('{}');
      setTimeout(() => {
        server.close();
        request.socket.destroy();
      }, 30);
    });
    const { code, stderr, tookMs } = await run(checkOf(await listen(server)));
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(tookMs).toBeLessThan(400);
  });

  it('holds when the connection ends and a new one is answered, as at a reload', async () => {
    let questions = 0;
    const server = createServer((request, response) => {
      questions += 1;
      response.end('{}');
      if (questions === 2) setTimeout(() => request.socket.destroy(), 30);
      if (questions === 4) response.once('finish', () => request.socket.destroy());
    });
    const { code, stderr, tookMs } = await run(checkOf(await listen(server)));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(questions).toBeGreaterThanOrEqual(5);
    expect(tookMs).toBeLessThan(1_100);
  });

  it('fails when a connection ends before its first answer', async () => {
    const server = createTcpServer((socket) => socket.destroy());
    expect((await run(checkOf(await listen(server)))).code).toBe(1);
  });

  it('fails on another status', async () => {
    const server = createServer((_request, response) => response.writeHead(503).end());
    expect((await run(checkOf(await listen(server)))).code).toBe(1);
  });
});

/** A port whose queue is full: the kernel drops every further SYN, as a cut-off host would. */
async function startSilent(): Promise<{ address: string; port: number; stop(): void }> {
  const script = [
    'socket(my $s, 2, 1, 0); bind($s, pack("S n C4 x8", 2, 0, 127, 0, 23, 9)); listen($s, 0);',
    'my $address = getsockname($s); socket(my $c, 2, 1, 0); connect($c, $address);',
    '$| = 1; print unpack("x2 n", $address), "\\n"; sleep 30;',
  ].join('\n');
  const child = spawn('/usr/bin/perl', ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { address: '127.0.23.9', port: Number(line.toString()), stop: () => child.kill('SIGKILL') };
}

describe('the check of the host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "nines-check's-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const socketFile = () => join(folder, 'agent.sock');
  const check = (peers: Endpoint[] = []) => run(hostCheckScript(peers, { socketFile: socketFile(), path: '/v1/host' }));
  /** Answers as an agent does; `mayAnswer` says whether. */
  const agent = async (mayAnswer: (question: number) => boolean = () => true) => {
    const server = createServer((request, response) => {
      seen.questions += 1;
      if (request.url === '/v1/host' && mayAnswer(seen.questions)) response.end('{}');
    });
    const end = (): void => {
      server.close();
      server.closeAllConnections();
    };
    const seen = { questions: 0, end };
    servers.push(server);
    await once(server.listen(socketFile()), 'listening');
    return seen;
  };

  it('holds when one of the others accepts or refuses, and fails within the second when all are silent', async () => {
    await agent();
    const port = await listen(createTcpServer());
    const silent = await startSilent();
    try {
      expect((await check([silent, { address: '127.0.23.9', port }])).code).toBe(0);
      expect((await check([silent, { address: '127.0.23.9', port: 1 }])).code).toBe(0);
      const { code, stderr, tookMs } = await check([silent, silent]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      expect(tookMs).toBeGreaterThan(650);
      expect(tookMs).toBeLessThan(950);
    } finally {
      silent.stop();
    }
  });

  it('has nothing to be cut off from when it is alone, and asks the agent three times in less than a second', async () => {
    const seen = await agent();
    const { code, stderr, tookMs } = await check();
    expect({ code, stderr, questions: seen.questions }).toEqual({ code: 0, stderr: '', questions: 3 });
    expect(tookMs).toBeLessThan(1_000);
  });

  it.each([
    ['at the first question', 1],
    ['at the last one', 3],
  ])('fails when the agent takes connections and does not answer: %s', async (_, first) => {
    await agent((question) => question < first);
    const { code, stderr, tookMs } = await check();
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(tookMs).toBeGreaterThan(1_750);
    // Else keepalived ends it, and learns nothing.
    expect(tookMs).toBeLessThan(HOST_CHECK_LIMIT_S * 1_000 - 300);
  });

  it('asks no agent where none routes', async () => {
    expect(await run(hostCheckScript([], null))).toMatchObject({ code: 0, stderr: '' });
  });

  it('fails when no agent is there', async () => {
    const { code, stderr, tookMs } = await check();
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(tookMs).toBeGreaterThan(1_750);
    expect(tookMs).toBeLessThan(2_700);
  });

  it('holds when the agent is killed and the next one answers within the second', async () => {
    const before = await agent();
    const result = check();
    await vi.waitFor(() => expect(before.questions).toBeGreaterThan(0));
    before.end();
    await delay(1_000);
    await agent();
    expect(await result).toMatchObject({ code: 0, stderr: '' });
  });
});
