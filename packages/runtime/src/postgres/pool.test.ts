import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool, type NinesPool, type PoolOptions } from './pool.ts';
import { type SmallAgent, startSmallAgent } from './testing/small-agent.ts';
import { type SmallPostgres, type SmallPostgresOptions, startSmallPostgres } from './testing/small-postgres.ts';

const A = '127.0.35.11';
const B = '127.0.35.12';

let folder: string;
let cleanups: (() => Promise<unknown> | void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nines-pool-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
  rmSync(folder, { recursive: true, force: true });
});

const socketPath = () => join(folder, 'agent.sock');
const nobody = (term: number) => ({ leader: null, address: null, port: null, term, phase: 'electing', replicas: [] });
const leads = (address: string, server: SmallPostgres, term: number) => ({
  leader: address === A ? 'a1' : 'b1',
  address,
  port: server.port,
  term,
  phase: 'open',
  replicas: [],
});

async function postgres(address: string, name: string, options?: SmallPostgresOptions): Promise<SmallPostgres> {
  const server = await startSmallPostgres(address, name, options);
  cleanups.push(() => server.close());
  return server;
}

async function agent(place: object): Promise<SmallAgent> {
  const started = await startSmallAgent(socketPath(), place);
  cleanups.push(() => started.close());
  return started;
}

function pool(options: PoolOptions = {}): NinesPool {
  const { pg, ...others } = options;
  const made = createPool({
    socketPath: socketPath(),
    waitMs: 1_500,
    ...others,
    pg: { connectionString: 'postgres://app:secret@127.0.35.13:1/app', max: 2, ...pg },
  });
  made.on('error', () => undefined);
  cleanups.push(async () => {
    await Promise.race([made.end().catch(() => undefined), delay(200)]);
  });
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  const limitMs = performance.now() + 3_000;
  while (!condition()) {
    if (performance.now() > limitMs) throw new Error('the condition did not come true');
    await delay(2);
  }
}

const asked = async (from: NinesPool) => (await from.query<{ name: string }>('SELECT name')).rows[0]?.name;

test('connects to whom the agent names, and turns to the next leader at once', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const told = await agent(leads(A, a, 1));
  const connections = pool();
  expect(await asked(connections)).toBe('a');
  expect(connections.idleCount).toBe(1);
  told.say(leads(B, b, 2));
  await until(() => connections.totalCount === 0);
  expect(await asked(connections)).toBe('b');
  await until(() => a.connections() === 0);
});

test('a query that waits at the old leader gets an error, and its connection is not used again', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const told = await agent(leads(A, a, 1));
  const connections = pool();
  const client = await connections.connect();
  a.freeze();
  const answer = client.query('SELECT name').then(
    () => 'answered',
    () => 'failed',
  );
  told.say(leads(B, b, 2));
  expect(await answer).toBe('failed');
  client.release();
  expect(await asked(connections)).toBe('b');
});

test('a connection that rests in a caller’s hands between two queries does not end the process', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const told = await agent(leads(A, a, 1));
  const connections = pool();
  const client = await connections.connect();
  told.say(leads(B, b, 2));
  await until(() => a.connections() === 0);
  await expect(client.query('SELECT name')).rejects.toThrow();
  client.release();
});

test('while nobody leads a checkout waits, and goes to the next leader', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const told = await agent(leads(A, a, 1));
  const connections = pool();
  expect(await asked(connections)).toBe('a');
  told.say(nobody(2));
  await until(() => connections.totalCount === 0);
  const waiting = asked(connections);
  await until(() => connections.waitingCount === 1);
  told.say(leads(B, b, 2));
  expect(await waiting).toBe('b');
});

test('a checkout that waits for a frozen or full leader moves on to the next one', async () => {
  const [mute, b] = [await postgres(A, 'a', { mute: true }), await postgres(B, 'b')];
  const told = await agent(leads(A, mute, 1));
  const connections = pool({ pg: { max: 1 } });
  // The first makes the only connection, the second stands in the queue behind it.
  const both = [asked(connections), asked(connections)];
  await until(() => mute.connections() === 1);
  told.say(leads(B, b, 2));
  expect(await Promise.all(both)).toEqual(['b', 'b']);
  await until(() => mute.connections() === 0);
});

test('a checkout ends at its deadline, with nobody leading and with a server that says nothing', async () => {
  const mute = await postgres(A, 'a', { mute: true });
  const told = await agent(nobody(1));
  const connections = pool({ waitMs: 150, agentPatienceMs: 10_000 });
  await until(() => told.readers() === 1);
  await expect(connections.connect()).rejects.toThrow('nobody leads');
  told.say(leads(A, mute, 2));
  await until(() => mute.connections() === 0);
  const startedAt = performance.now();
  await expect(connections.connect()).rejects.toThrow('timeout');
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('an agent that restarts changes nothing, whatever it does not know yet', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const first = await agent(leads(A, a, 4));
  const connections = pool();
  expect(await asked(connections)).toBe('a');
  await first.close();
  expect(await asked(connections)).toBe('a');
  const second = await startSmallAgent(socketPath(), nobody(0));
  cleanups.push(() => second.close());
  await until(() => second.readers() === 1);
  expect(await asked(connections)).toBe('a');
  // Nor does the word of an older term.
  second.say(leads(B, b, 3));
  expect(await asked(connections)).toBe('a');
  second.say(leads(B, b, 5));
  await until(() => connections.totalCount === 0);
  expect(await asked(connections)).toBe('b');
});

test('without an agent the options’ own address is used; with one that comes late, then its word', async () => {
  const [a, b] = [await postgres(A, 'a'), await postgres(B, 'b')];
  const connectionString = `postgres://app:secret@${A}:${a.port}/app`;
  const connections = pool({ agentPatienceMs: 50, pg: { connectionString } });
  expect(await asked(connections)).toBe('a');
  await agent(leads(B, b, 1));
  await until(() => connections.totalCount === 0);
  expect(await asked(connections)).toBe('b');
});

test('the first connection is made alone, the others when it is in, and whoever waits longest gets the next', async () => {
  const a = await postgres(A, 'a');
  a.slow(50);
  await agent(leads(A, a, 1));
  const connections = pool({ pg: { max: 3 } });
  const order: number[] = [];
  const clients = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const client = await connections.connect();
      order.push(index);
      return client;
    }),
  );
  expect(order).toEqual([0, 1, 2]);
  expect(a.seen()).toEqual({ connections: 3, mostHandshakes: 2 });
  for (const client of clients) client.release();
});

test('a connection that is given back serves who waits, sooner than the one that is being made', async () => {
  const a = await postgres(A, 'a');
  await agent(leads(A, a, 1));
  const connections = pool({ pg: { max: 2 }, waitMs: 4_000 });
  const client = await connections.connect();
  a.slow(20_000);
  const waiting = asked(connections);
  await until(() => connections.totalCount === 2);
  client.release();
  expect(await waiting).toBe('a');
});

test('while nobody is let in one tries, less and less often, and all are served when that ends', async () => {
  const a = await postgres(A, 'a');
  a.refuse('57P03');
  await agent(leads(A, a, 1));
  const connections = pool({ pg: { max: 5 } });
  const all = Promise.all(Array.from({ length: 12 }, async () => asked(connections)));
  await delay(600);
  // At once, then after 10 to 20 ms, 20 to 40, ... 125 to 250.
  expect(a.seen().connections).toBeGreaterThan(3);
  expect(a.seen().connections).toBeLessThan(10);
  a.refuse(null);
  expect(await all).toEqual(Array.from({ length: 12 }, () => 'a'));
});

test('a wrong password is told at once, and lateness says what the last try met', async () => {
  const a = await postgres(A, 'a');
  await agent(leads(A, a, 1));
  const connections = pool();
  a.refuse('28P01');
  await expect(connections.connect()).rejects.toMatchObject({ code: '28P01' });
  a.refuse('53300');
  await expect(connections.connect(100)).rejects.toThrow(/within 100 ms \(timeout\); the last try: not now/);
});

test('the end waits for connections in use and refuses the next', async () => {
  const a = await postgres(A, 'a');
  await agent(leads(A, a, 1));
  const connections = pool();
  const client = await connections.connect();
  let ended = false;
  const end = connections.end().then(() => {
    ended = true;
  });
  await expect(connections.connect()).rejects.toThrow('after calling end');
  expect(ended).toBe(false);
  client.release();
  await end;
});
