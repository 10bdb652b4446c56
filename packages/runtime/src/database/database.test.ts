import { afterEach, describe, expect, test, vi } from 'vitest';
import { CallContext } from '../call/call.ts';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { startSmallPostgres } from '../postgres/testing/small-postgres.ts';
import { Database } from './database.ts';
import { DatabaseError } from './database-error.ts';
import { limitsOf } from './limits.ts';

const ADDRESS = '127.0.36.11';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const callOf = (ms: number): CallContext =>
  new CallContext(SYSTEM_CLOCK, null, { deadlineMs: SYSTEM_CLOCK.nowMs() + ms, attempt: 1, idempotent: false, priority: 'normal' });

async function slowDatabase() {
  const server = await startSmallPostgres(ADDRESS, 'a');
  cleanups.push(server.close);
  server.slow(100);
  const watch = { worked: vi.fn(), failed: vi.fn() };
  const connectionString = `postgres://app:secret@${ADDRESS}:${server.port}/orders`;
  const database = new Database({ requestMs: 800, watch, pg: { connectionString } }, {});
  cleanups.push(() => database.close());
  return { server, database, watch };
}

const STATEMENT = { name: 'one', text: 'SELECT 1' };

test.each([
  ['a statement', (database: Database, call: CallContext) => database.run(STATEMENT, call)],
  ['a transaction', (database: Database, call: CallContext) => database.transaction(async () => undefined, call)],
])('%s for a client that went away while it waited for a connection is not begun', async (_what, begin) => {
  const { server, database } = await slowDatabase();
  const call = callOf(2_000);
  const asked = begin(database, call);
  call.abort(new Error('gone'));
  await expect(asked).rejects.toMatchObject({ code: 'E_DATABASE_AWAY', outcome: 'nothing-sent' });
  expect(server.seen().connections).toBe(1);
  expect(server.statements()).toBe(0);
});

test('a database that is nowhere is asked until the deadline, and then told as away', async () => {
  const watch = { worked: vi.fn(), failed: vi.fn() };
  const database = new Database({ requestMs: 300, watch, pg: { connectionString: 'postgres://app:secret@127.0.36.12:1/x' } }, {});
  cleanups.push(() => database.close());
  const startedMs = performance.now();
  await expect(database.run(STATEMENT)).rejects.toMatchObject({ code: 'E_DATABASE_AWAY', retryAfterMs: 1_000 });
  expect(performance.now() - startedMs).toBeLessThan(600);
  expect(watch.failed).toHaveBeenCalled();
  expect(watch.worked).not.toHaveBeenCalled();
});

test('a call that was given up in a pause between two tries is told as one that left nothing behind', async () => {
  const database = new Database({ requestMs: 5_000, connectMs: 50, pg: { connectionString: 'postgres://app:secret@127.0.36.12:1/x' } }, {});
  cleanups.push(() => database.close());
  const call = callOf(5_000);
  const asked = database.run(STATEMENT, call);
  setTimeout(() => call.abort(new Error('gone')), 60);
  await expect(asked).rejects.toBeInstanceOf(DatabaseError);
});

describe('limits', () => {
  test('leave time for a second query, and let the server end a statement first', () => {
    expect(limitsOf(800)).toEqual({
      ...{ connectMs: 400, handshakeMs: 1_600, queryMs: 400, statementMs: 340, lockMs: 300, idleTransactionMs: 800 },
    });
    expect(limitsOf(800, { queryMs: 100 })).toMatchObject({ connectMs: 100, queryMs: 100, statementMs: 85, lockMs: 75 });
    expect(() => limitsOf(9)).toThrow(/^requestMs is 9/);
    expect(() => limitsOf(800, { lockMs: 0 })).toThrow(/^lockMs is 0/);
    expect(() => new Database({ requestMs: 9 }, {})).toThrow(/^requestMs is 9/);
  });
});

test('what a failure means is in its code', () => {
  const code = (state: string | null, phase: 'connect' | 'work' | 'commit') =>
    new DatabaseError(state === null ? new Error('x') : Object.assign(new Error(state), { code: state, severity: 'ERROR' }), phase).code;
  expect([code(null, 'connect'), code('40001', 'work'), code('28P01', 'connect'), code('53100', 'work')]).toEqual([
    ...['E_DATABASE_AWAY', 'E_DATABASE_AWAY', 'E_DATABASE_AWAY', 'E_DATABASE_AWAY'],
  ]);
  expect([code(null, 'commit'), code('57P01', 'commit')]).toEqual(['E_OUTCOME_UNKNOWN', 'E_OUTCOME_UNKNOWN']);
  expect([code('23505', 'work'), code('42601', 'work'), code('23503', 'commit')]).toEqual([
    ...['E_STATEMENT_REFUSED', 'E_STATEMENT_REFUSED', 'E_STATEMENT_REFUSED'],
  ]);
});
