import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient, type ClientOptions } from './client.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of cleanUp.splice(0).toReversed()) await each();
});

interface Seen {
  key: string | undefined;
  body: string;
  port: number | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Each request is answered by the next of these, and the last ones by the last. */
async function service(...answers: Answer[]): Promise<{ url: string; seen: Seen[]; server: Server }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ key: request.headers['idempotency-key'] as string | undefined, body, port: request.socket.remotePort });
      answers[Math.min(seen.length, answers.length) - 1]!(request, response, seen.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/x`, seen, server };
}

function client(options: ClientOptions = {}): Client {
  const made = createClient(options);
  cleanUp.push(() => made.close());
  return made;
}

const good: Answer = (_request, response) => response.end('good');
const dies: Answer = (request) => void request.socket.destroy();
const hangs: Answer = () => undefined;
const cut: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('half', () => void request.socket.destroy());
};
const says =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, headers).end(`said ${status}`);

describe('the client', () => {
  it.each([
    ['a connection that breaks', dies],
    ['an answer that is cut off', cut],
    ['502', says(502)],
    ['503', says(503)],
    ['504', says(504)],
    ['409 with a time to come back, as of a first try that is still at work', says(409, { 'retry-after': '0' })],
  ])('asks again after %s, on another connection, with the same key', async (_what, first) => {
    const { url, seen } = await service(first, good);
    const answer = await client().fetch(url, { method: 'POST', body: { a: 1 } });
    expect([answer.status, await answer.text(), seen.length]).toEqual([200, 'good', 2]);
    expect(seen[0]).toMatchObject({ key: expect.stringMatching(/^[0-9a-f-]{36}$/), body: '{"a":1}' });
    expect(seen[1]).toMatchObject({ key: seen[0]!.key, body: '{"a":1}' });
    expect(seen[1]!.port).not.toBe(seen[0]!.port);
  });

  it('leaves time for another try when the first one hangs', async () => {
    const { url } = await service(hangs, good);
    expect(await (await client({ readMs: 400 }).fetch(url)).text()).toBe('good');
  });

  it('gives the last try all the time that is left', async () => {
    const { url } = await service(dies, (_request, response) => void setTimeout(() => response.end('late'), 350));
    expect(await (await client({ readMs: 500 }).fetch(url)).text()).toBe('late');
  });

  it('ends in time when all hang, and says that nobody knows', async () => {
    const { url, seen } = await service(hangs);
    await expect(client({ writeMs: 100 }).fetch(url, { method: 'POST' })).rejects.toMatchObject({ code: 'E_DEADLINE' });
    expect(seen.length).toBe(2);
  });

  it('repeats nothing that may have had an effect when the server knows no keys', async () => {
    for (const first of [dies, cut, hangs]) {
      const { url, seen } = await service(first, good);
      await expect(client({ writeMs: 150 }).fetch(url, { method: 'POST', idempotencyKey: null })).rejects.toThrow();
      expect(seen.map(({ key }) => key)).toEqual([undefined]);
    }
    const { url } = await service(says(503), good);
    expect((await client().fetch(url, { method: 'PATCH', idempotencyKey: null })).status).toBe(503);
    const put = await service(dies, good);
    expect((await client().fetch(put.url, { method: 'PUT', idempotencyKey: null, body: 'x' })).status).toBe(200);
  });

  it('tries to connect until somebody is there, whatever is to be sent', async () => {
    const { url, server } = await service(good);
    const { port } = new URL(url);
    server.close();
    await once(server, 'close');
    const asked = client().fetch(url, { method: 'POST', idempotencyKey: null });
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.listen(Number(port), '127.0.0.1');
    expect((await asked).status).toBe(200);
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await expect(client({ readMs: 100 }).fetch(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('gives the last answer when there is no better one, and no more than its tries', async () => {
    const { url, seen } = await service(says(503));
    const answer = await client({ attempts: 3 }).fetch(url);
    expect([answer.status, await answer.text(), seen.length]).toEqual([503, 'said 503', 3]);
  });

  it('gives answers that no other try would better as they are', async () => {
    for (const status of [204, 304, 400, 404, 409, 429, 500]) {
      const { url, seen } = await service((_request, response) => response.writeHead(status, { 'set-cookie': ['a=1', 'b=2'] }).end());
      const answer = await client().fetch(url);
      expect([answer.status, answer.headers.getSetCookie(), seen.length]).toEqual([status, ['a=1', 'b=2'], 1]);
    }
  });

  it('does not wait for a time to come back that is past its own', async () => {
    const { url, seen } = await service(says(503, { 'retry-after': '60' }));
    expect([(await client().fetch(url)).status, seen.length]).toEqual([503, 1]);
  });

  it('asks a slow read a second time, takes the first answer and ends the other; a write never', async () => {
    const ended = vi.fn();
    const slow: Answer = (_request, response) => void response.once('close', ended);
    const { url, seen } = await service(slow, good);
    expect(await (await client({ hedgeAfterMs: 20 }).fetch(url)).text()).toBe('good');
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
    expect(seen.length).toBe(2);
    const write = await service((_request, response) => void setTimeout(() => response.end('late'), 100));
    expect(await (await client({ hedgeAfterMs: 20 }).fetch(write.url, { method: 'POST', idempotencyKey: null })).text()).toBe('late');
    expect(write.seen.length).toBe(1);
  });

  it('ends with its caller, and with the connection', async () => {
    const closed = vi.fn();
    const { url, seen } = await service((_request, response) => void response.once('close', closed));
    const caller = new AbortController();
    const asked = client().fetch(url, { signal: caller.signal });
    await vi.waitFor(() => expect(seen.length).toBe(1));
    caller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  });

  it('holds no answer that is too large, and does not ask for it again', async () => {
    const { url, seen } = await service((_request, response) => response.end(Buffer.alloc(2_000)));
    await expect(client({ maxBytes: 1_000 }).fetch(url)).rejects.toMatchObject({ code: 'E_ANSWER_TOO_LARGE' });
    expect(seen.length).toBe(1);
  });

  it('keeps connections', async () => {
    const { url, seen } = await service(good);
    const one = client();
    for (let at = 0; at < 5; at++) await one.fetch(url, { priority: 'low' });
    expect(new Set(seen.map(({ port }) => port)).size).toBe(1);
  });

  it('is not led astray by what is no HTTP', async () => {
    const server = createTcpServer((socket) => void socket.end('nonsense\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp.push(() => server.close());
    const { port } = server.address() as { port: number };
    await expect(client({ readMs: 300 }).fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: expect.stringMatching(/^HPE_/),
    });
  });

  it('refuses what cannot be', async () => {
    await expect(client().fetch('ftp://x/')).rejects.toThrow(/protocol is ftp:/);
    await expect(client().fetch('nonsense')).rejects.toThrow(TypeError);
    await expect(client().fetch('http://x/', { priority: 'high' as never })).rejects.toThrow(/priority is high/);
    for (const name of ['readMs', 'writeMs', 'attempts', 'attemptShare', 'connections', 'maxBytes']) {
      expect(() => createClient({ [name]: 0 })).toThrow(new RegExp(`^${name} is 0`));
    }
  });
});
