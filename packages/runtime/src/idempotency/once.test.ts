import { expect, test } from 'vitest';
import { DatabaseError } from '../database/database-error.ts';
import type { Statement, Transaction } from '../database/transaction.ts';
import { fingerprintOf, type KeyedRequest, once } from './once.ts';

const AT = new Date('2026-11-01T00:00:00Z');
const REQUEST: KeyedRequest = { scope: '1', key: 'k1', fingerprint: 'f1' };

/** One table in memory that forgets what a failed transaction did. */
class FakeDatabase {
  rows = new Map<string, { fingerprint: string; answer: string | null }>();
  failClaim: Error | undefined;
  failStoredAnswer: Error | undefined;

  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const before = new Map(this.rows);
    try {
      return await work({ run: async (statement) => this.#run(statement) as never });
    } catch (error) {
      this.rows = before;
      throw error;
    }
  }

  #run({ name, values = [] }: Statement): object[] {
    const [scope, key, third] = values as [string, string, string];
    const id = `${scope}/${key}`;
    const known = this.rows.get(id);
    if (name === 'nines-claim-key') {
      if (this.failClaim !== undefined) throw new DatabaseError(this.failClaim, 'work');
      if (known !== undefined) return [];
      this.rows.set(id, { fingerprint: third, answer: null });
      return [{ created_at: AT }];
    }
    if (name === 'nines-stored-answer') {
      if (this.failStoredAnswer !== undefined) throw new DatabaseError(this.failStoredAnswer, 'work');
      return known === undefined ? [] : [known];
    }
    this.rows.set(id, { fingerprint: known?.fingerprint ?? '', answer: third });
    return [];
  }
}

test('the same key and request: one effect, the same answer', async () => {
  const database = new FakeDatabase();
  let effects = 0;
  const effect = async (_transaction: Transaction, at: Date) => ({ order: (effects += 1), at });
  const first = await once<object>(database, REQUEST, effect);
  const second = await once<object>(database, REQUEST, effect);
  expect(effects).toBe(1);
  expect(first).toEqual({ value: { order: 1, at: AT.toISOString() }, replayed: false });
  expect(second).toEqual({ ...first, replayed: true });
  expect(await once(database, { ...REQUEST, key: 'k2' }, async () => undefined)).toEqual({ value: null, replayed: false });
});

test('the same key for another request is refused, without an effect', async () => {
  const database = new FakeDatabase();
  await once(database, REQUEST, async () => 1);
  const other = once(database, { ...REQUEST, fingerprint: 'f2' }, () => Promise.reject(new Error('ran')));
  await expect(other).rejects.toMatchObject({ code: 'E_KEY_REUSED', retryAfterMs: null });
});

test('the key of another caller is another key', async () => {
  const database = new FakeDatabase();
  await once(database, REQUEST, async () => 1);
  expect(await once(database, { ...REQUEST, scope: '2' }, async () => 2)).toEqual({ value: 2, replayed: false });
});

test('what the effect throws leaves no record: the key may be used again', async () => {
  const database = new FakeDatabase();
  await expect(once(database, REQUEST, () => Promise.reject(new Error('out of stock')))).rejects.toThrow('out of stock');
  expect(await once(database, REQUEST, async () => 1)).toMatchObject({ replayed: false });
});

test('a key that others hold for too long is in use; a database that is away is away', async () => {
  const database = new FakeDatabase();
  const effect = async (): Promise<number> => 1;
  const tooLong = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03', severity: 'ERROR' });
  database.failClaim = tooLong;
  await expect(once(database, REQUEST, effect)).rejects.toMatchObject({ code: 'E_KEY_IN_USE', retryAfterMs: 1_000 });
  database.failClaim = new Error('Query read timeout');
  await expect(once(database, REQUEST, effect)).rejects.toMatchObject({ code: 'E_DATABASE_AWAY' });
  database.failClaim = undefined;
  await once(database, REQUEST, effect);
  database.failStoredAnswer = tooLong;
  await expect(once(database, REQUEST, effect)).rejects.toMatchObject({ code: 'E_KEY_IN_USE' });
});

test('a fingerprint is of the method, the path and what is asked for', () => {
  const prints = [
    fingerprintOf('POST', '/orders', [1]),
    fingerprintOf('POST', '/orders', [2]),
    fingerprintOf('PUT', '/orders', [1]),
    fingerprintOf('POST', '/x', [1]),
  ];
  expect(new Set(prints).size).toBe(4);
  expect(fingerprintOf('POST', '/orders', [1])).toBe(prints[0]);
});
