/** Agents that speak with each other: real certificates, real connections over loopback, processes that stand still. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createPeers, type PeersOptions } from '../../packages/nines/src/agent/peers/create-peers.ts';
import type { Peers } from '../../packages/nines/src/agent/peers/peers.ts';
import { createClusterIdentity } from '../../packages/nines/src/identity/cluster-identity.ts';
import { issueHostIdentity, issueOperatorIdentity } from '../../packages/nines/src/identity/host-identity.ts';
import { type CertificateName, certificatePaths } from '../../packages/nines/src/identity/identity.ts';
import { AGENT_PEER_PORT } from '../../packages/nines/src/topology/ports.ts';
import { eventually } from './data-engine-cluster.ts';
import { cutProxy } from './cut-proxy.ts';
import { specOfPeers } from './agent-peers-topology.ts';

const ADDRESSES: Record<string, string> = { h0: '127.0.34.1', h1: '127.0.34.2', h2: '127.0.34.3' };
/** Less than the 5 s after which a connection is ended because it is silent. */
const ENDED_LIMIT_MS = 4_000;
const folder = mkdtempSync(join(tmpdir(), 'nines-peers-'));
const logs: string[] = [];
const open: { close(): Promise<void> }[] = [];
const children: ChildProcess[] = [];

const readTls = (identityDir: string, name: CertificateName) => {
  const { caFile, certFile, keyFile } = certificatePaths(identityDir, name);
  return { ca: readFileSync(caFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
};
const identityDir = (host: string): string => join(folder, host);
const optionsOf = (host: string): PeersOptions => ({
  host,
  address: ADDRESSES[host] ?? '',
  port: AGENT_PEER_PORT,
  peers: () => ADDRESSES,
  tls: readTls(identityDir(host), 'agent'),
  log: (message) => logs.push(`${host}: ${message}`),
});

async function start(host: string, more: Partial<PeersOptions> = {}): Promise<{ peers: Peers; got: { from: string; message: unknown }[] }> {
  const peers = await createPeers({ ...optionsOf(host), ...more });
  open.push(peers);
  const got: { from: string; message: unknown }[] = [];
  peers.onMessage((from, message) => got.push({ from, message }));
  return { peers, got };
}

/** A connection by hand, to h0. */
async function call(from: string, name: CertificateName): Promise<TLSSocket> {
  const socket = connect({ host: ADDRESSES['h0'] ?? '', port: AGENT_PEER_PORT, servername: 'h0', ...readTls(identityDir(from), name) });
  open.push({ close: async () => void socket.destroy() });
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once('secureConnect', () => resolve());
    socket.once('close', () => resolve());
  });
  return socket;
}

beforeAll(async () => {
  chmodSync(folder, 0o700);
  const clusterDir = join(folder, 'cluster');
  const signal = AbortSignal.timeout(60_000);
  await createClusterIdentity({ dir: clusterDir, topology: specOfPeers(ADDRESSES), signal });
  for (const [host, address] of Object.entries(ADDRESSES)) {
    await issueHostIdentity({ clusterDir, outDir: identityDir(host), host, address, signal });
  }
  await issueOperatorIdentity({ clusterDir, outDir: identityDir('operator'), signal });
});

/** Gone, and its port free for the next test. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await exit;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map(ended));
  await Promise.all(open.splice(0).map((each) => each.close()));
  logs.length = 0;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const delivered = (side: { got: { message: unknown }[] }, message: unknown) => async () =>
  side.got.some((each) => JSON.stringify(each.message) === JSON.stringify(message));

it('delivers to the host that is named, and says who spoke', async () => {
  const [first, second, third] = [await start('h0'), await start('h1'), await start('h2')];
  await eventually('a message arrives', 10_000, async () => {
    first.peers.send('h1', { hello: 1 });
    return second.got.length > 0;
  });
  expect(second.got[0]).toEqual({ from: 'h0', message: { hello: 1 } });
  second.peers.send('h0', ['back', 'ü']);
  await eventually('the answer arrives', 10_000, delivered(first, ['back', 'ü']));
  expect(third.got).toEqual([]);
  first.peers.send('nobody', {});
});

it('keeps the order, and loses nothing while the connection lives', async () => {
  const [first, second] = [await start('h0'), await start('h1')];
  await eventually('connected', 10_000, async () => logs.includes('h0: speaks to h1'));
  for (let at = 0; at < 1_000; at++) first.peers.send('h1', at);
  await eventually('all arrive', 10_000, async () => second.got.length === 1_000);
  expect(second.got.map(({ message }) => message)).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
});

it('comes back when the other does', async () => {
  const first = await start('h0');
  for (let at = 0; at < 2; at++) {
    const second = await start('h1');
    const tookMs = await eventually('a message arrives', 10_000, async () => {
      first.peers.send('h1', at);
      return second.got.length > 0;
    });
    expect(tookMs).toBeLessThan(3_000);
    await second.peers.close();
    await eventually('the loss is noticed', 10_000, async () => logs.includes('h0: does not reach h1 any more'));
  }
});

it.each<[string, string, CertificateName]>([
  ['the operator', 'operator', 'operator'],
  ['another program of a host', 'h1', 'redis'],
  ['itself', 'h0', 'agent'],
])('is deaf to %s', async (_, from, name) => {
  const side = await start('h0');
  const socket = await call(from, name);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write('{"from":"nobody"}\n');
  if (!socket.closed) await closed;
  expect(side.got).toEqual([]);
});

it('is deaf to a host that left the cluster', async () => {
  const side = await start('h0', { peers: () => ({ h0: ADDRESSES['h0'] ?? '', h2: ADDRESSES['h2'] ?? '' }) });
  const socket = await call('h1', 'agent');
  socket.write('{}\n');
  await eventually('the connection is ended', ENDED_LIMIT_MS, async () => socket.closed);
  expect(side.got).toEqual([]);
});

it('does not speak to a program of the other host that is no agent', async () => {
  const impostor = await start('h1', { tls: readTls(identityDir('h1'), 'redis') });
  await start('h0');
  await eventually('it is noticed', 10_000, async () => logs.includes('h0: what answers for h1 is no agent'));
  expect(impostor.got).toEqual([]);
});

it.each([
  ['no JSON', 'nonsense\n'],
  ['a line without an end', 'x'.repeat(70_000)],
])('ends a connection with %s, and goes on', async (_, garbage) => {
  const [first, second] = [await start('h0'), await start('h1')];
  const socket = await call('h2', 'agent');
  socket.write(garbage);
  await eventually('the connection is ended', ENDED_LIMIT_MS, async () => socket.closed);
  await eventually('others are heard', 10_000, async () => {
    second.peers.send('h0', 'well');
    return first.got.length > 0;
  });
});

it('keeps one connection of each host, the newest', async () => {
  await start('h0');
  const older = await call('h1', 'agent');
  const newer = await call('h1', 'agent');
  await eventually('the older one is ended', ENDED_LIMIT_MS, async () => older.closed);
  expect(newer.closed).toBe(false);
});

it('survives a receiver that fails', async () => {
  const [first, second] = [await start('h0'), await start('h1')];
  let calls = 0;
  second.peers.onMessage(() => {
    calls++;
    throw new Error('no');
  });
  await eventually('two were received', 10_000, async () => {
    first.peers.send('h1', {});
    return calls >= 2;
  });
});

/** Another process, which can be frozen: it answers every message, and prints how many it has had. */
async function startChild(host: string): Promise<{ child: ChildProcess; lines: string[] }> {
  const program = join(import.meta.dirname, 'agent-peers-program.ts');
  const { caFile, certFile, keyFile } = certificatePaths(identityDir(host), 'agent');
  const child = spawn(process.execPath, [program, host, JSON.stringify(ADDRESSES), caFile, certFile, keyFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => lines.push(line));
  await eventually(`${host} listens`, 20_000, async () => lines.includes('listens'));
  return { child, lines };
}

it('drops what a frozen agent does not take, does not grow, and reaches it soon when it wakes up', async () => {
  const first = await start('h0');
  const { child } = await startChild('h1');
  const answered = async (): Promise<boolean> => {
    first.peers.send('h1', { at: performance.now() });
    return first.got.length > 0;
  };
  await eventually('it answers', 10_000, answered);
  child.kill('SIGSTOP');
  const before = process.memoryUsage().rss;
  const large = 'x'.repeat(20_000);
  for (let at = 0; at < 60; at++) {
    for (let burst = 0; burst < 50; burst++) first.peers.send('h1', large);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
  await eventually('the loss is noticed', 10_000, async () => logs.includes('h0: does not reach h1 any more'));
  first.got.length = 0;
  child.kill('SIGCONT');
  expect(await eventually('it answers again', 10_000, answered)).toBeLessThan(3_000);
});

it('notices soon that a link that was cut is whole again', async () => {
  const proxy = await cutProxy('127.0.34.9', ADDRESSES['h1'] ?? '', AGENT_PEER_PORT);
  open.push(proxy);
  const first = await start('h0', { peers: () => ({ ...ADDRESSES, h1: '127.0.34.9' }) });
  const second = await start('h1');
  const arrives = async (): Promise<boolean> => {
    first.peers.send('h1', {});
    return second.got.length > 0;
  };
  await eventually('connected', 10_000, arrives);
  for (const cutMs of [300, 2_500]) {
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, cutMs));
    if (cutMs > 1_000) await eventually('the loss is noticed', 10_000, async () => logs.includes('h0: does not reach h1 any more'));
    second.got.length = 0;
    proxy.heal();
    expect(await eventually('it is whole', 10_000, arrives)).toBeLessThan(3_000);
  }
});

it('is quick, and costs little: three agents with twenty messages a second to each other', async () => {
  const first = await start('h0');
  await Promise.all([startChild('h1'), startChild('h2')]);
  await eventually('all are connected', 10_000, async () => {
    first.peers.send('h1', 0);
    first.peers.send('h2', 0);
    return new Set(first.got.map(({ from }) => from)).size === 2;
  });
  const trips: number[] = [];
  first.peers.onMessage((_, message) => {
    const { at } = message as { at?: number };
    if (at !== undefined) trips.push(performance.now() - at);
  });
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  while (performance.now() - startedMs < 4_000) {
    for (const host of ['h1', 'h2']) first.peers.send(host, { at: performance.now(), padding: 'x'.repeat(300) });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 1000 / (performance.now() - startedMs);
  trips.sort((left, right) => left - right);
  const at = (part: number): string => (trips[Math.floor(part * (trips.length - 1))] ?? 0).toFixed(2);
  process.stdout.write(`there and back p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms; ${(share * 100).toFixed(1)} % of a CPU\n`);
  expect(trips.length).toBeGreaterThan(40);
  expect(Number(at(0.5))).toBeLessThan(20);
});
