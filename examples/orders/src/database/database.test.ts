import { afterEach, expect, test } from 'vitest';
import { startSmallPostgres } from '../../../../packages/runtime/src/postgres/testing/small-postgres.ts';
import { readConfig } from '../config.ts';
import { Deadline } from '../deadline.ts';
import { DependencyLog } from '../dependency-log.ts';
import { Database } from './database.ts';

const ADDRESS = '127.0.36.11';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function slowDatabase() {
  const server = await startSmallPostgres(ADDRESS, 'a');
  cleanups.push(server.close);
  server.slow(100);
  const env = { DATABASE_URL: `postgres://app:secret@${ADDRESS}:${server.port}/orders`, REDIS_URL: 'redis://127.0.0.1:1' };
  const database = new Database(readConfig(env).database, new DependencyLog('database', SILENT));
  cleanups.push(() => database.close());
  return { server, database };
}

const STATEMENT = { name: 'one', text: 'SELECT 1' };

test.each([
  ['a statement', (database: Database, deadline: Deadline) => database.run(deadline, STATEMENT)],
  ['a transaction', (database: Database, deadline: Deadline) => database.transaction(deadline, async () => undefined)],
])('%s for a client that went away while it waited for a connection is not begun', async (_what, begin) => {
  const { server, database } = await slowDatabase();
  const deadline = new Deadline(2_000);
  const asked = begin(database, deadline);
  deadline.abandon();
  await expect(asked).rejects.toMatchObject({ status: 503 });
  expect(server.seen().connections).toBe(1);
  expect(server.statements()).toBe(0);
});
