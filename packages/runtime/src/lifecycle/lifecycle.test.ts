import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, get, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { adaptiveLimit } from '../adaptive-limit/adaptive-limit.ts';
import type { Call } from '../call/call.ts';
import { lifecyclePlugin } from '../fastify/fastify.ts';
import { callOf, withLifecycle } from './http.ts';
import { Lifecycle, type LifecycleOptions } from './lifecycle.ts';

const servers: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

type Work = (call: Call) => Promise<string>;

async function plain(lifecycle: Lifecycle, work: Work): Promise<string> {
  const listener: RequestListener = (request, response) =>
    void work(callOf(request)).then(
      (text) => response.end(text),
      () => response.writeHead(500).end(),
    );
  const server: Server = createServer(withLifecycle(lifecycle, listener));
  lifecycle.attach(server);
  servers.push({ close: () => server.closeAllConnections() ?? server.close() });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function withFastify(lifecycle: Lifecycle, work: Work): Promise<string> {
  const app: FastifyInstance = fastify({ forceCloseConnections: true });
  await app.register(lifecyclePlugin, { lifecycle });
  app.route({ method: ['GET', 'POST'], url: '/*', handler: async (request) => work(request.call) });
  servers.push(app);
  return app.listen({ host: '127.0.0.1', port: 0 });
}

/** Null when it lets somebody in. */
const refusalOf = (origin: string): Promise<string | null> =>
  new Promise((resolve) => {
    const client = connect(Number(new URL(origin).port), '127.0.0.1', () => client.destroy() && resolve(null));
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });

const never = (): Promise<never> => new Promise(() => undefined);
const lifecycleOf = (options: LifecycleOptions = {}): Lifecycle => new Lifecycle({ drainMs: 1, ...options }, {});

describe.each([
  ['node:http', plain],
  ['fastify', withFastify],
] as const)('a lifecycle around %s', (_name, start) => {
  it('answers the probes, and the service the rest', async () => {
    const metrics = async () => ({ text: 'up 1\n', contentType: 'text/plain; version=0.0.4' });
    const lifecycle = lifecycleOf({ dependencies: { database: () => Promise.reject(new Error('10.0.0.1')) }, metrics });
    const origin = await start(lifecycle, async () => 'mine');
    const ask = async (path: string) => {
      const answer = await fetch(`${origin}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await ask('/ready')).toEqual([503, '{"status":"starting"}']);
    expect(await ask('/startupz')).toEqual([503, '{"status":"starting"}']);
    lifecycle.serve();
    expect(await ask('/readyz')).toEqual([200, '{"status":"ready"}']);
    expect(await ask('/livez')).toEqual([200, '{"status":"alive","state":"serving"}']);
    expect(await ask('/startupz')).toEqual([200, '{"status":"started"}']);
    expect(await ask('/healthz')).toEqual([503, '{"status":"failing","checks":{"database":{"ok":false,"reason":"failed"}}}']);
    expect(await ask('/metrics')).toEqual([200, 'up 1\n']);
    expect(await ask('/other?x=/ready')).toEqual([200, 'mine']);
    expect(lifecycle.inFlight.count()).toBe(0);
  });

  it('gives each request a call that ends with its deadline', async () => {
    const lifecycle = lifecycleOf({ requestMs: 40 });
    const calls: Call[] = [];
    const origin = await start(lifecycle, (call) => {
      calls.push(call);
      return new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(new Error('late'))));
    });
    expect((await fetch(`${origin}/slow`, { method: 'POST', headers: { 'idempotency-key': 'k', 'x-priority': 'low' } })).status).toBe(500);
    expect(calls[0]).toMatchObject({ idempotent: true, priority: 'low', signal: { reason: { code: 'E_DEADLINE' } } });
    void fetch(`${origin}/slow`, { method: 'POST', headers: { 'x-priority': 'highest' } });
    await vi.waitFor(() => expect(calls[1]).toMatchObject({ idempotent: false, priority: 'normal' }));
    await vi.waitFor(() => expect(lifecycle.inFlight.count()).toBe(0));
  });

  it('gives it up when its client goes', async () => {
    const lifecycle = lifecycleOf();
    let call: Call | undefined;
    const origin = await start(lifecycle, (given) => {
      call = given;
      return never();
    });
    const client = connect(Number(new URL(origin).port), '127.0.0.1', () => client.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'));
    await vi.waitFor(() => expect(call).toBeDefined());
    expect([call!.signal.aborted, lifecycle.inFlight.names()[0]?.replace(/\d+/, 'N')]).toEqual([false, 'GET /x for N ms']);
    client.destroy();
    await vi.waitFor(() => expect(call!.signal.aborted).toBe(true));
    expect(lifecycle.inFlight.count()).toBe(0);
  });

  it('refuses what is too much with 503 and when to come back, and not the probes', async () => {
    const limit = adaptiveLimit({ targetMs: 100, least: 1, initial: 1, retryAfterMs: 1_500 });
    const lifecycle = lifecycleOf({ limit });
    let answer = (_: string): void => undefined;
    const origin = await start(lifecycle, () => new Promise((resolve) => (answer = resolve)));
    const first = fetch(`${origin}/a`);
    await vi.waitFor(() => expect(limit.running).toBe(1));
    const second = await fetch(`${origin}/b`);
    expect([second.status, second.headers.get('retry-after'), ((await second.json()) as { error: string }).error]).toEqual([
      ...[503, '2', 'overloaded'],
    ]);
    expect((await fetch(`${origin}/livez`)).status).toBe(200);
    answer('done');
    expect(await (await first).text()).toBe('done');
    await vi.waitFor(() => expect([limit.running, lifecycle.inFlight.count()]).toEqual([0, 0]));
  });

  it('stops without losing a request: answers it, asks for the connection to be closed, and lets nobody new in', async () => {
    let closed = false;
    const lifecycle = lifecycleOf({
      close: async () => {
        closed = true;
      },
    });
    lifecycle.serve();
    let answer = (_: string): void => undefined;
    const origin = await start(lifecycle, () => new Promise((resolve) => (answer = resolve)));
    const agent = new Agent({ keepAlive: true });
    const slow = new Promise<{ connection: string | undefined }>((resolve) =>
      get(`${origin}/slow`, { agent }, (response) => {
        response.resume();
        resolve({ connection: response.headers.connection });
      }),
    );
    await vi.waitFor(() => expect(lifecycle.inFlight.count()).toBe(1));
    const stopped = lifecycle.stop();
    expect(lifecycle.stop()).toBe(stopped);
    await vi.waitFor(() => expect(refusalOf(origin)).resolves.toBe('ECONNREFUSED'));
    expect(closed).toBe(false);
    answer('done');
    expect(await slow).toEqual({ connection: 'close' });
    expect(await stopped).toEqual({ exitCode: 0, stillRunning: [] });
    expect(closed).toBe(true);
    agent.destroy();
  });
});

describe('a lifecycle', () => {
  it('names what it could not wait for', async () => {
    const said: unknown[] = [];
    const log = { info: () => undefined, error: (fields: object, message: string) => void said.push([fields, message]) };
    const lifecycle = lifecycleOf({ stopMs: 20, log });
    const origin = await plain(lifecycle, never);
    const client = connect(Number(new URL(origin).port), '127.0.0.1', () => client.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'));
    await vi.waitFor(() => expect(lifecycle.inFlight.count()).toBe(1));
    const { exitCode, stillRunning } = await lifecycle.stop();
    client.destroy();
    expect([exitCode, stillRunning[0]]).toEqual([1, expect.stringMatching(/^GET \/x for \d+ ms$/)]);
    expect(said).toEqual([[{ stillRunning }, 'not finished within 20 ms']]);
  });

  it('takes its times from where it runs, and refuses what cannot be', () => {
    expect(new Lifecycle({}, { NINES_REQUEST_MS: '1000' }).requestMs).toBe(800);
    expect(new Lifecycle({}, {}).requestMs).toBe(10_000);
    expect(new Lifecycle({ requestMs: 5 }, { NINES_REQUEST_MS: '1000' }).requestMs).toBe(5);
    for (const name of ['checkTimeoutMs', 'requestMs', 'stopMs'])
      expect(() => lifecycleOf({ [name]: 0 })).toThrow(new RegExp(`^${name} is 0`));
  });

  it('ends its process on SIGTERM, once, with the code of the stop', async () => {
    const script = `
      import { createServer } from 'node:http';
      import { createLifecycle, withLifecycle } from '${new URL('../index.ts', import.meta.url).href}';
      const lifecycle = createLifecycle({ drainMs: 1, stopMs: 10_000, close: async () => console.log('closed') });
      const server = createServer(withLifecycle(lifecycle, (request, response) => response.end('x')));
      lifecycle.attach(server);
      lifecycle.stopOnSignals();
      server.listen(0, '127.0.0.1', () => { lifecycle.serve(); console.log('serving'); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await vi.waitFor(() => expect(text).toBe('serving\n'), 10_000);
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(text).toBe('serving\nclosed\n');
  });
});
