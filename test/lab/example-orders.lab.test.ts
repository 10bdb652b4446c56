/** The example's promises on a real PostgreSQL and a real Redis, which are killed, frozen and held up. */
import { readdirSync } from 'node:fs';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from './orders/child.ts';
import { type Answer, ask, askForSure, type Instance, launchInstance, login, migrateOnce, startInstance } from './orders/instance.ts';
import { startKeepAliveLoad } from './orders/keep-alive-load.ts';
import { startStores, type Stores } from './orders/stores.ts';
import { describeLab } from './require-root.ts';

const ADDRESS = '127.0.24.2';
/** The service answers within 800 ms; the rest is for a busy machine. */
const ANSWER_LIMIT_MS = 3_000;

function socketsOf(instance: Instance): number {
  return readdirSync(`/proc/${instance.child.pid}/fd`).length;
}

describeLab('example: orders', () => {
  let stores: Stores;
  let first: Instance;
  let second: Instance;
  let token: string;
  const extra: Instance[] = [];

  beforeAll(async () => {
    stores = await startStores(ADDRESS);
    // At once, as two hosts might.
    const runs = [migrateOnce(stores), migrateOnce(stores)];
    const codes = await Promise.all(runs.map((run) => run.ended));
    expect(codes, runs.map((run) => run.output()).join('\n')).toEqual([0, 0]);
    first = await startInstance(stores, ADDRESS, 3000);
    second = await startInstance(stores, ADDRESS, 3001);
    token = await login(first, 'Ada');
  });

  afterEach(async () => {
    stores.thawPostgres();
    stores.redis.kill('SIGCONT');
    await setStandbys(null);
    for (const instance of extra.splice(0)) await instance.child.stop('SIGKILL');
  });

  afterAll(async () => {
    for (const instance of [first, second]) await instance?.child.stop('SIGKILL');
    await stores?.stop();
  });

  const order = (key: string, productId = 1, quantity = 1) => ({ token, key, body: { items: [{ productId, quantity }] } });
  const placeOrder = (instance: Instance, ...what: Parameters<typeof order>): Promise<Answer> =>
    ask(instance, 'POST', '/orders', order(...what));
  const placeForSure = (instance: Instance, ...what: Parameters<typeof order>): Promise<Answer> =>
    askForSure(instance, 'POST', '/orders', order(...what));
  /** Again until the answer names that error: on a busy machine Redis or an earlier statement may be late first. */
  const placeUntil = async (error: string, instance: Instance, ...what: Parameters<typeof order>): Promise<Answer> => {
    let answer: Answer | undefined;
    const isSo = async () => (answer = await placeOrder(instance, ...what)).body.error === error;
    await until(`${what[0]} is answered with ${error}`, isSo);
    return answer as Answer;
  };
  const ordersWithKey = async (key: string): Promise<number> =>
    (await stores.query('SELECT 1 FROM orders WHERE idempotency_key = $1', [key])).length;
  const stockOf = async (id: number): Promise<number> =>
    (await stores.query<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [id]))[0]?.stock ?? Number.NaN;
  /** A name that no standby has: every COMMIT waits for it. Null: none waits. */
  const setStandbys = async (name: string | null): Promise<void> => {
    await stores.query(
      name === null ? 'ALTER SYSTEM RESET synchronous_standby_names' : `ALTER SYSTEM SET synchronous_standby_names = '${name}'`,
    );
    await stores.query('SELECT pg_reload_conf()');
  };
  /** Locks the product until the returned function is called. */
  const holdRow = async (id: number): Promise<() => Promise<void>> => {
    const client = new pg.Client({ connectionString: stores.databaseUrl, query_timeout: 5_000 });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM products WHERE id = $1 FOR UPDATE', [id]);
    return () => client.end();
  };
  const works =
    (instance: Instance): (() => Promise<boolean>) =>
    async () =>
      (await ask(instance, 'GET', '/orders', { token })).status === 200 && (await ask(instance, 'GET', '/products')).status === 200;

  it('a customer logs in, browses, orders, reads and pays, on whichever instance', async () => {
    const { products = [] } = (await askForSure(second, 'GET', '/products')).body;
    expect(products).toHaveLength(40);
    const placed = await placeForSure(first, 'story', 2, 3);
    expect(placed).toMatchObject({ status: 201, body: { status: 'placed', totalCents: 3 * (products[1]?.priceCents ?? Number.NaN) } });
    const { id } = placed.body;
    expect((await askForSure(second, 'GET', `/orders/${id}`, { token })).body).toEqual(placed.body);
    const payment = await askForSure(second, 'POST', `/orders/${id}/pay`, { token, key: 'story-pay' });
    expect(payment).toMatchObject({ status: 201, body: { orderId: id, amountCents: placed.body.totalCents } });
    const again = await askForSure(first, 'POST', `/orders/${id}/pay`, { token, key: 'story-pay' });
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([payment.body, 'true']);
    expect(await askForSure(first, 'POST', `/orders/${id}/pay`, { token, key: 'other' })).toMatchObject({
      status: 409,
      body: { error: 'already_paid' },
    });
    expect((await askForSure(first, 'GET', '/orders?limit=1', { token })).body.orders?.[0]?.status).toBe('paid');
    const other = await login(second, 'Grace');
    expect((await askForSure(first, 'GET', `/orders/${id}`, { token: other })).status).toBe(404);
    await until('all is well', async () => (await ask(first, 'GET', '/healthz')).status === 200);
  });

  it('one key, twenty requests at once on two instances: one order, one answer', async () => {
    const before = await stockOf(3);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => placeOrder(index % 2 === 0 ? first : second, 'twenty', 3)));
    expect(answers.filter(({ status }) => ![201, 409, 503].includes(status))).toEqual([]);
    const good = [...answers.filter(({ status }) => status === 201), await placeForSure(first, 'twenty', 3)];
    expect(new Set(good.map(({ body }) => body.id)).size).toBe(1);
    // The order's own answer may have been late: who waited for it was told that the outcome is unknown.
    const unknown = answers.filter(({ body }) => body.error === 'outcome_unknown').length;
    const made = good.filter(({ headers }) => headers['idempotency-replayed'] === undefined).length;
    expect(unknown > 0 ? [0, 1] : [1]).toContain(made);
    expect(await ordersWithKey('twenty')).toBe(1);
    expect(await stockOf(3)).toBe(before - 1);
    expect(await placeForSure(first, 'twenty', 4)).toMatchObject({ status: 422, body: { error: 'key_of_another_request' } });
  });

  it('fifty orders at once for what is enough for thirty-three', async () => {
    await stores.query('UPDATE products SET stock = 100 WHERE id = 5');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => placeForSure(index % 2 === 0 ? first : second, `rush-${index}`, 5, 3)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(33);
    expect(answers.filter(({ body }) => body.error === 'out_of_stock')).toHaveLength(17);
    expect(await stockOf(5)).toBe(1);
  });

  it('carts that cross each other do not deadlock', async () => {
    const items = [
      { productId: 7, quantity: 1 },
      { productId: 8, quantity: 1 },
    ];
    const cross = async (index: number): Promise<void> => {
      const body = { items: index % 3 === 0 ? items.toReversed() : items };
      const place = async () =>
        (await ask(index % 2 === 0 ? first : second, 'POST', '/orders', { token, key: `cross-${index}`, body })).status === 201;
      await until(`cart ${index} is ordered`, place, 30_000);
    };
    await Promise.all(Array.from({ length: 30 }, (_, index) => cross(index)));
    expect(await stores.query('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()')).toEqual([
      { deadlocks: 0 },
    ]);
  });

  it('a frozen database: 503 in time for everything that needs it, ready all the while, and well again', async () => {
    const catalogue = await askForSure(first, 'GET', '/products');
    const socketsBefore = socketsOf(first);
    stores.freezePostgres();
    for (let round = 0; round < 3; round += 1) {
      const reads = Array.from({ length: 10 }, () => ask(first, 'GET', '/orders', { token }));
      const answers = await Promise.all([...reads, placeOrder(first, 'frozen')]);
      expect(await ask(first, 'GET', '/products')).toMatchObject({ status: 200, body: catalogue.body });
      for (const answer of answers) expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(ANSWER_LIMIT_MS);
    }
    expect((await ask(first, 'GET', '/ready')).status).toBe(200);
    expect((await ask(first, 'GET', '/livez')).status).toBe(200);
    await expect
      .poll(() => ask(first, 'GET', '/healthz'), { timeout: 10_000 })
      .toMatchObject({
        status: 503,
        body: { checks: { database: { ok: false }, redis: { ok: true } } },
      });
    await until('no socket is left over', async () => socketsOf(first) <= socketsBefore + 2);
    stores.thawPostgres();
    expect(await until('reads and orders work again', works(first))).toBeLessThan(5_000);
    expect((await placeForSure(first, 'frozen')).status).toBe(201);
    expect(await ordersWithKey('frozen')).toBe(1);
  });

  it('a killed database: 503 at once, no crash, and well again when it is back', async () => {
    stores.postgres.kill('SIGKILL');
    await stores.postgres.ended;
    await until('the database is missed', async () => (await ask(first, 'GET', '/orders', { token })).status === 503);
    expect((await placeOrder(second, 'killed')).status).toBe(503);
    await until('the catalogue is shown as old', async () => {
      const { status, headers } = await ask(first, 'GET', '/products');
      expect(status).toBe(200);
      return headers['warning'] === '110 - "Response is Stale"';
    });
    await stores.startPostgres();
    expect(await until('reads and orders work again', works(first))).toBeLessThan(5_000);
    expect((await placeForSure(second, 'killed')).status).toBe(201);
    expect(await ordersWithKey('killed')).toBe(1);
  });

  it('a COMMIT that is not confirmed: 503, and the same key tells what became of it', async () => {
    await setStandbys('nobody');
    // The checkpointer arms the waiting a moment after the setting is shown.
    const isUnknown = ({ body }: Answer) => body.error === 'outcome_unknown';
    await until('commits wait', async () => isUnknown(await placeOrder(first, `probe-${performance.now()}`)));
    const held = await placeUntil('outcome_unknown', first, 'unconfirmed', 9);
    expect(held).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { error: 'outcome_unknown' } });
    expect(held.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    expect(await placeUntil('key_in_use', second, 'unconfirmed', 9)).toMatchObject({
      status: 409,
      headers: { 'retry-after': '1' },
      body: { error: 'key_in_use' },
    });
    // A cancelled wait is success with a WARNING to PostgreSQL, and no confirmation to us.
    const cancelled = placeUntil('outcome_unknown', second, 'cancelled', 13);
    await until('the wait is cancelled', async () => {
      const rows = await stores.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'orders-3001'",
      );
      return rows.length > 0;
    });
    expect(await cancelled).toMatchObject({ status: 503, body: { error: 'outcome_unknown' } });
    // Its order is in the table now, though no standby has it: the stored answer would be no promise either.
    await until('the order is in the table', async () => (await ordersWithKey('cancelled')) === 1);
    expect(await placeUntil('outcome_unknown', second, 'cancelled', 13)).toMatchObject({ status: 503, body: { error: 'outcome_unknown' } });
    await setStandbys(null);
    for (const key of ['unconfirmed', 'cancelled']) {
      expect((await placeForSure(second, key, key === 'unconfirmed' ? 9 : 13)).headers['idempotency-replayed'], key).toBe('true');
      expect(await ordersWithKey(key)).toBe(1);
    }
  });

  it('a frozen instance that holds locks loses them before its clients lose patience', async () => {
    const busy = await startInstance(stores, ADDRESS, 3002, { NINES_REQUEST_MS: '6000' });
    extra.push(busy);
    const stateOf = (state: string) => stores.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'orders-3002' AND ${state}`);
    // It waits for a row that somebody holds (1.8 s at most), is frozen, and gets the row: now it holds it and its key, for ever.
    const releaseRow = await holdRow(10);
    const busyOrder = placeForSure(busy, 'busy', 10).catch(() => undefined);
    await until('it waits for the row', async () => (await stateOf("wait_event_type = 'Lock'")).length === 1);
    busy.child.kill('SIGSTOP');
    await releaseRow();
    await until('it has the row', async () => (await stateOf("state = 'idle in transaction'")).length === 1);
    const startedAt = performance.now();
    expect((await placeForSure(second, 'busy', 10)).status).toBe(201);
    expect((await placeForSure(second, 'next', 10)).status).toBe(201);
    expect(performance.now() - startedAt).toBeLessThan(9_000);
    await busy.child.stop('SIGKILL');
    await busyOrder;
    expect(await ordersWithKey('busy')).toBe(1);
  });

  it('Redis killed: what needs a session is 503 in time, the catalogue goes on, and the session is there again', async () => {
    stores.redis.kill('SIGKILL');
    await stores.redis.ended;
    await until('Redis is missed', async () => (await ask(first, 'GET', '/orders', { token })).status === 503);
    const missed = await ask(first, 'GET', '/orders', { token });
    expect(missed).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { error: 'sessions_unavailable' } });
    expect(missed.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    expect((await ask(first, 'POST', '/login', { body: { name: 'Ada' } })).status).toBe(503);
    expect((await ask(first, 'GET', '/products')).status).toBe(200);
    expect((await ask(first, 'GET', '/ready')).status).toBe(200);
    await stores.startRedis();
    expect(await until('sessions work again', works(first))).toBeLessThan(5_000);
  });

  it('Redis frozen: 503 in time, and well again', async () => {
    stores.redis.kill('SIGSTOP');
    for (let round = 0; round < 5; round += 1) {
      const answer = await ask(second, 'GET', '/orders', { token });
      expect(answer.status).toBe(503);
      expect(answer.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    }
    stores.redis.kill('SIGCONT');
    expect(await until('sessions work again', works(second))).toBeLessThan(5_000);
  });

  it('SIGTERM under load: no request of a keep-alive client that never retries is lost', async () => {
    // With time to answer: it is the stop that is tested here, not the speed of a busy machine.
    const patient = { NINES_REQUEST_MS: '5000', SESSION_TIMEOUT_MS: '4000', NINES_DRAIN_MS: '2000', NINES_STOP_MS: '15000' };
    const leaving = await startInstance(stores, ADDRESS, 3003, patient);
    const staying = await startInstance(stores, ADDRESS, 3006, patient);
    extra.push(leaving, staying);
    let count = 0;
    const load = startKeepAliveLoad([leaving.origin, staying.origin], {
      workers: 8,
      send: (worker) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `load-${(count += 1)}` };
        const body = JSON.stringify({ items: [{ productId: 11 + worker, quantity: 1 }] });
        if (worker % 4 < 2) return { method: 'POST', path: '/orders', headers, body, expected: 201 };
        return { method: 'GET', path: '/products', headers: {}, expected: 200 };
      },
    });
    try {
      await until(
        'both are under load',
        async () => Math.min(load.answeredBy(leaving.origin), load.answeredBy(staying.origin)) > 100,
        30_000,
      );
      expect(await leaving.child.stop('SIGTERM', 20_000)).toBe(0);
      const before = load.answeredBy(staying.origin);
      await until('the other one carries it on', async () => load.answeredBy(staying.origin) > before + 100, 30_000);
    } finally {
      expect((await load.stop()).failures).toEqual([]);
    }
    const made = await stores.query("SELECT idempotency_key FROM orders WHERE idempotency_key LIKE 'load-%'");
    expect(new Set(made.map((row) => JSON.stringify(row))).size).toBe(made.length);
  });

  it('a stop that cannot finish in time exits 1 and names what was still at work', async () => {
    const stuck = await startInstance(stores, ADDRESS, 3004, { NINES_REQUEST_MS: '8000', NINES_STOP_MS: '600', NINES_DRAIN_MS: '100' });
    extra.push(stuck);
    const releaseRow = await holdRow(12);
    const stuckOrder = placeForSure(stuck, 'stuck', 12).catch(() => undefined);
    await until('the order is at work', async () => (await ask(stuck, 'GET', '/metrics')).text.includes('http_requests_in_flight 1'));
    expect(await stuck.child.stop('SIGTERM')).toBe(1);
    expect(stuck.child.output()).toContain('POST /orders for');
    await stuckOrder;
    await releaseRow();
  });

  it('starts without its database and Redis: serves in the end, and fully when they are there', async () => {
    stores.freezePostgres();
    stores.redis.kill('SIGSTOP');
    const early = launchInstance(stores, ADDRESS, 3005);
    extra.push(early);
    await until('it listens', async () => (await ask(early, 'GET', '/livez')).status === 200);
    expect((await ask(early, 'GET', '/ready')).status).toBe(503);
    expect((await ask(early, 'GET', '/startupz')).status).toBe(503);
    await until('it is ready all the same', async () => (await ask(early, 'GET', '/ready')).status === 200, 20_000);
    expect((await ask(early, 'GET', '/products')).status).toBe(503);
    stores.thawPostgres();
    stores.redis.kill('SIGCONT');
    await until('it works', works(early));
  });

  it('has written one line when a dependency went and one when it was back', () => {
    const gone = first.child.output().match(/database does not answer/g)?.length ?? 0;
    const back = first.child.output().match(/database answers again/g)?.length ?? 0;
    expect(gone).toBeGreaterThanOrEqual(2);
    expect(gone).toBeLessThan(20);
    expect(Math.abs(gone - back)).toBeLessThanOrEqual(1);
    expect(first.child.output()).not.toMatch(/unhandled|uncaught|unexpected error/i);
  });
});
