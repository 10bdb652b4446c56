import { expect, test } from 'vitest';
import { type Call, DatabaseError, type Statement, type Transaction } from '@nines/runtime';
import { Failure } from './failure.ts';
import { type KeyedRequest, once } from './idempotency.ts';

const CALL = {} as Call;
const AT = new Date('2026-11-01T00:00:00Z');
const REQUEST: KeyedRequest = { customerId: 1, key: 'k1', fingerprint: 'f1' };

/** One table in memory that forgets what a failed transaction did. */
class FakeDatabase {
  rows = new Map<string, { fingerprint: string; status?: number; body?: string }>();
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
    const [customer, key, third, fourth] = values as [number, string, string | number, string];
    const id = `${customer}/${key}`;
    const known = this.rows.get(id);
    if (name === 'claim-key') {
      if (this.failClaim !== undefined) throw new DatabaseError(this.failClaim, 'work');
      if (known !== undefined) return [];
      this.rows.set(id, { fingerprint: String(third) });
      return [{ created_at: AT }];
    }
    if (name === 'stored-answer') {
      if (this.failStoredAnswer !== undefined) throw new DatabaseError(this.failStoredAnswer, 'work');
      return known === undefined ? [] : [known];
    }
    this.rows.set(id, { ...(known ?? { fingerprint: '' }), status: Number(third), body: fourth });
    return [];
  }
}

function ask(database: FakeDatabase, request: KeyedRequest, effect: () => Promise<{ status: number; body: object }>) {
  return once(database, CALL, request, effect);
}

test('the same key and request: one effect, the same answer', async () => {
  const database = new FakeDatabase();
  let effects = 0;
  const effect = async () => ({ status: 201, body: { order: (effects += 1) } });
  const first = await ask(database, REQUEST, effect);
  const second = await ask(database, REQUEST, effect);
  expect(effects).toBe(1);
  expect(first).toEqual({ status: 201, body: '{"order":1}', replayed: false });
  expect(second).toEqual({ ...first, replayed: true });
});

test('the same key for another request: 422, and no effect', async () => {
  const database = new FakeDatabase();
  await ask(database, REQUEST, async () => ({ status: 201, body: {} }));
  const other = ask(database, { ...REQUEST, fingerprint: 'f2' }, () => Promise.reject(new Error('ran')));
  await expect(other).rejects.toMatchObject({ status: 422, code: 'key_of_another_request' });
});

test('the key of another customer is another key', async () => {
  const database = new FakeDatabase();
  await ask(database, REQUEST, async () => ({ status: 201, body: { of: 1 } }));
  const other = await ask(database, { ...REQUEST, customerId: 2 }, async () => ({ status: 201, body: { of: 2 } }));
  expect(other).toMatchObject({ body: '{"of":2}', replayed: false });
});

test('a refusal leaves no record: the key may be used again', async () => {
  const database = new FakeDatabase();
  const refused = ask(database, REQUEST, () => Promise.reject(new Failure(409, 'out_of_stock', 'none left')));
  await expect(refused).rejects.toMatchObject({ code: 'out_of_stock' });
  expect(await ask(database, REQUEST, async () => ({ status: 201, body: {} }))).toMatchObject({ replayed: false });
});

test('a key that others hold for too long: 409 with Retry-After; a database that is away: 503', async () => {
  const database = new FakeDatabase();
  const effect = async () => ({ status: 201, body: {} });
  const tooLong = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03', severity: 'ERROR' });
  database.failClaim = tooLong;
  await expect(ask(database, REQUEST, effect)).rejects.toMatchObject({ status: 409, code: 'key_in_use', retryAfterSeconds: 1 });
  database.failClaim = new Error('Query read timeout');
  await expect(ask(database, REQUEST, effect)).rejects.toMatchObject({ code: 'E_DATABASE_AWAY' });
  database.failClaim = undefined;
  await ask(database, REQUEST, effect);
  database.failStoredAnswer = tooLong;
  await expect(ask(database, REQUEST, effect)).rejects.toMatchObject({ status: 409, code: 'key_in_use' });
});
