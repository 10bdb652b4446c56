import { connect, createServer, type Socket } from 'node:net';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { ask } from './transaction.ts';

/** A "client" that answers when its peer's byte has been read from a real socket. */
function clientOver(socket: Socket): Pick<pg.ClientBase, 'query'> {
  const query = () => new Promise((resolve) => socket.once('data', () => resolve({ rows: [{ one: 1 }] })));
  return { query } as unknown as Pick<pg.ClientBase, 'query'>;
}

test('an answer that arrived in time counts, although the event loop was late', async () => {
  const server = createServer((peer) => peer.write('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  try {
    await new Promise((resolve) => socket.once('connect', resolve));
    const answer = ask(clientOver(socket), { text: 'SELECT 1' }, 30);
    // The loop stands still past the deadline; meanwhile the byte comes in.
    const until = performance.now() + 120;
    while (performance.now() < until);
    await expect(answer).resolves.toMatchObject({ rows: [{ one: 1 }] });
  } finally {
    socket.destroy();
    server.close();
  }
});

test('no answer ends at the deadline', async () => {
  const silent = { query: () => new Promise(() => undefined) } as unknown as Pick<pg.ClientBase, 'query'>;
  const started = performance.now();
  await expect(ask(silent, { text: 'SELECT 1' }, 40)).rejects.toThrow('timeout');
  expect(performance.now() - started).toBeGreaterThanOrEqual(39);
});
