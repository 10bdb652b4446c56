import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { engineIo, KeptClients } from '../../agent/engine-io.ts';
import type { UnitContext } from '../engine.ts';
import { observeService } from './observe.ts';
import { detailsOf, runningObservation } from './verdict.ts';

type Answers = Record<string, { status: number; body?: string } | 'hang'>;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** An instance that answers as told; `connections` counts what it accepted. */
async function instance(answers: Answers): Promise<{ port: number; connections: () => number; server: Server }> {
  let connections = 0;
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''] ?? { status: 404 };
    if (answer === 'hang') return;
    response.statusCode = answer.status;
    response.end(answer.body ?? '');
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.24.9', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, server };
}

function observer(port: number): () => ReturnType<typeof observeService> {
  const health = { livePath: '/livez', readyPath: '/ready', startupPath: '/startupz', intervalMs: 100, timeoutMs: 150 };
  const context = {
    spec: { topology: { services: { api: { port, health } } }, hosts: { h1: { address: '127.0.24.9' } } },
    unit: { name: 'api-0', group: 'api', host: 'h1', slot: 0 },
  } as unknown as UnitContext;
  const clients = new KeptClients();
  const firstTime = { mayBegin: async () => true, done: async () => undefined };
  cleanups.push(() => clients.dropAll());
  return () => observeService(context, engineIo({ clients, firstTime, log: () => undefined }, AbortSignal.timeout(2_000)));
}

test('asks the start-up first, then readiness and liveness, over kept connections', async () => {
  const answers: Answers = {
    '/startupz': { status: 503 },
    '/ready': { status: 200, body: '{"status":"ready","queue":3}' },
    '/livez': { status: 200 },
  };
  const { port, connections } = await instance(answers);
  const observe = observer(port);
  expect(await observe()).toMatchObject({ ready: false, live: true, reason: 'starting: /startupz answers 503' });
  answers['/startupz'] = { status: 200 };
  for (let round = 0; round < 5; round += 1) {
    expect(await observe()).toEqual({ ready: true, live: true, reason: 'answers', details: { status: 'ready', queue: 3 } });
  }
  expect(connections()).toBeLessThanOrEqual(2);
  answers['/startupz'] = { status: 503 };
  expect((await observe()).ready).toBe(true);
});

test('not ready is not dead, and dead is not ready', async () => {
  const answers: Answers = { '/startupz': { status: 200 }, '/ready': { status: 404 }, '/livez': { status: 200 } };
  const { port } = await instance(answers);
  const observe = observer(port);
  expect(await observe()).toMatchObject({ ready: false, live: true, reason: 'not ready: /ready answers 404' });
  answers['/ready'] = { status: 200 };
  answers['/livez'] = { status: 500 };
  expect(await observe()).toMatchObject({ ready: false, live: false, reason: 'not alive: /livez answers 500' });
});

test('a hang is an answer within the deadline: not alive', async () => {
  const answers: Answers = { '/startupz': { status: 200 }, '/ready': { status: 200 }, '/livez': { status: 200 } };
  const { port } = await instance(answers);
  const observe = observer(port);
  expect((await observe()).ready).toBe(true);
  answers['/ready'] = 'hang';
  answers['/livez'] = 'hang';
  const startedAt = performance.now();
  expect(await observe()).toMatchObject({ ready: false, live: false, reason: 'not alive: /livez: no answer within 150 ms' });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('while nothing listens yet the instance is starting; once it has started, silence is death', async () => {
  const answers: Answers = { '/startupz': { status: 200 }, '/ready': { status: 200 }, '/livez': { status: 200 } };
  const { port, server } = await instance(answers);
  const observe = observer(port);
  expect((await observe()).ready).toBe(true);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await observe()).toMatchObject({ ready: false, live: false, reason: 'not alive: /livez: nothing listens there' });
  expect(await observer(port)()).toMatchObject({ ready: false, live: true, reason: 'starting: /startupz: nothing listens there' });
});

test('details are the flat figures of a JSON answer, and nothing of anything else', () => {
  expect(detailsOf('{"a":1,"b":"x","c":true,"d":{"e":1},"f":null}')).toEqual({ a: 1, b: 'x', c: true });
  for (const body of ['', 'ok', '[1]', '"x"', 'null', '{}', '{"a":']) expect(detailsOf(body)).toBeUndefined();
});

test('a redirect counts as good, as it does for the gateway', () => {
  const good = { status: 302, body: '' };
  expect(runningObservation({ ready: good, live: good }, { readyPath: '/r', livePath: '/l' })).toMatchObject({ ready: true, live: true });
});
