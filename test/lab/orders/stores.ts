/** A real PostgreSQL and a real Redis for the example, alone on one loopback address. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { type Child, childrenOf, startChild, until } from './child.ts';

const POSTGRES_BIN = '/usr/lib/postgresql/15/bin';

export interface Stores {
  databaseUrl: string;
  redisUrl: string;
  postgres: Child;
  redis: Child;
  /** On a connection of its own, past the service. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  freezePostgres(): void;
  thawPostgres(): void;
  startPostgres(): Promise<void>;
  startRedis(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStores(address: string): Promise<Stores> {
  const folder = mkdtempSync('/tmp/nines-orders-');
  chmodSync(folder, 0o755);
  const dataDir = ownedFolder(folder, 'postgres', 'postgres');
  const redisDir = ownedFolder(folder, 'redis', 'redis');
  const running = new Set<Child>();
  const start = (argv: string[], user: string): Child => {
    const child = startChild(argv, { user });
    running.add(child);
    return child;
  };
  execFileSync(
    '/usr/bin/setpriv',
    [
      '--reuid=postgres',
      '--regid=postgres',
      '--clear-groups',
      `${POSTGRES_BIN}/initdb`,
      '-D',
      join(dataDir, 'data'),
      '-U',
      'postgres',
      '--auth=trust',
      '--no-sync',
    ],
    { stdio: 'ignore' },
  );
  const databaseUrl = `postgres://postgres@${address}:5432/postgres`;
  const query = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000, query_timeout: 10_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  };
  const stores = {
    databaseUrl,
    redisUrl: `redis://${address}:6379`,
    query,
    freezePostgres: () => everyProcess(stores.postgres.pid, 'SIGSTOP'),
    thawPostgres: () => everyProcess(stores.postgres.pid, 'SIGCONT'),
    async startPostgres() {
      stores.postgres = start(
        [
          `${POSTGRES_BIN}/postgres`,
          '-D',
          join(dataDir, 'data'),
          '-c',
          `listen_addresses=${address}`,
          '-c',
          `unix_socket_directories=${dataDir}`,
          '-c',
          'fsync=off',
        ],
        'postgres',
      );
      await until('PostgreSQL answers', async () => (await query('select 1')).length === 1);
    },
    async startRedis() {
      stores.redis = start(
        ['/usr/bin/redis-server', '--bind', address, '--port', '6379', '--dir', redisDir, '--appendonly', 'yes', '--save', ''],
        'redis',
      );
      await until('Redis answers', () => accepts(address, 6379));
    },
    async stop() {
      for (const child of running) {
        if (child === stores.postgres) stores.thawPostgres();
        await child.stop(child === stores.postgres ? 'SIGINT' : 'SIGTERM');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  } as Stores;
  try {
    await stores.startPostgres();
    await stores.startRedis();
  } catch (error) {
    await stores.stop();
    throw error;
  }
  return stores;
}

function everyProcess(pid: number, signal: NodeJS.Signals): void {
  for (const one of [pid, ...safeChildren(pid)]) {
    try {
      process.kill(one, signal);
    } catch {
      // A backend that ended in the meantime.
    }
  }
}

function safeChildren(pid: number): number[] {
  try {
    return childrenOf(pid);
  } catch {
    return []; // It has ended.
  }
}

function ownedFolder(parent: string, name: string, user: string): string {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${user}:`));
  const [, , uid, gid] = entry?.split(':') ?? [];
  const folder = join(parent, name);
  mkdirSync(folder);
  chownSync(folder, Number(uid), Number(gid));
  return folder;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => resolve(false));
    socket.once('close', (failed) => resolve(!failed));
  });
}
