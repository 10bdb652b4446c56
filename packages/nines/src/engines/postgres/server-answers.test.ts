import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { serverAnswers } from './server-answers.ts';

const ADDRESS = '127.0.34.1';
const open: { server: Server; sockets: Socket[] }[] = [];

afterEach(() => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

async function listen(onData: (socket: Socket, data: Buffer) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (data) => onData(socket, data));
    socket.on('error', () => {});
  });
  open.push({ server, sockets });
  await once(server.listen(0, ADDRESS), 'listening');
  return (server.address() as AddressInfo).port;
}

const ask = (port: number, signal = new AbortController().signal) => serverAnswers(ADDRESS, port, 150, signal);

it.each(['G', 'N'])('is so when the server answers %s', async (answer) => {
  const asked: string[] = [];
  const port = await listen((socket, data) => {
    asked.push(data.toString('hex'));
    socket.write(answer);
  });
  expect(await ask(port)).toBe(true);
  expect(asked).toEqual(['0000000804d21630']);
});

it.each<[string, (socket: Socket) => void]>([
  ['it says something else', (socket) => socket.write('E')],
  ['it closes', (socket) => socket.end()],
  ['its kernel accepts, and nothing comes', () => {}],
])('is not so when %s', async (_, onData) => {
  const startedMs = performance.now();
  expect(await ask(await listen(onData))).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(600);
});

it('is not so when nobody listens, and when the agent ends', async () => {
  const port = await listen(() => {});
  const ending = new AbortController();
  const asked = ask(port, ending.signal);
  ending.abort();
  expect(await asked).toBe(false);
  expect(await ask(1)).toBe(false);
});

it('is so when the answer came while this process stood still', async () => {
  const port = await listen((socket) => socket.write('N'));
  const asked = ask(port);
  // The answer is written by this process too: it must have its turn first.
  await once(open[0]?.server as Server, 'connection');
  await new Promise((resolve) => setTimeout(resolve, 1));
  const untilMs = performance.now() + 250;
  while (performance.now() < untilMs);
  expect(await asked).toBe(true);
});
