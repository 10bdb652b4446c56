import { connect } from 'node:net';
import { type Call, createLifecycle, type Database } from '@nines/runtime';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import { createApp } from './app.ts';
import { Catalogue } from './catalogue.ts';
import { Failure } from './failure.ts';
import { createMetrics } from './metrics.ts';
import type { Services } from './services.ts';
import type { Sessions } from './sessions/sessions.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** Every statement answers what `rows` holds for its name; nobody else is asked. */
function application(rows: Record<string, object[]> = {}): { app: FastifyInstance; services: Services } {
  const connections = () => ({ open: 0, idle: 0, waiting: 0 });
  const run = async (statement: { name: string }): Promise<object[]> => rows[statement.name] ?? [];
  const find = async (token: string) => (token === 'good' ? { customerId: 1, name: 'Ada' } : null);
  const metrics = createMetrics({ connections }, () => lifecycle.inFlight.count());
  const lifecycle = createLifecycle({ requestMs: 800, drainMs: 60_000, metrics: () => metrics.render() });
  const services: Services = {
    catalogue: new Catalogue({ run: (...asked) => services.database.run(...asked) }),
    database: { run, connections } as unknown as Database,
    sessions: { find, open: async () => 'token' } as unknown as Sessions,
    lifecycle,
    metrics,
    instance: { name: 'orders-3', zone: 'b' },
  };
  const app = createApp(services, { log: false });
  apps.push(app);
  return { app, services };
}

const KEYED = { authorization: 'Bearer good', 'idempotency-key': 'k1' };

const WRONG: [string, object][] = [
  ['items', { method: 'POST', url: '/orders', headers: KEYED, payload: {} }],
  ['items', { method: 'POST', url: '/orders', headers: KEYED, payload: { items: [] } }],
  [
    'additional properties',
    { method: 'POST', url: '/orders', headers: KEYED, payload: { items: [{ productId: 1, quantity: 1 }], gift: 1 } },
  ],
  ['items/0/quantity', { method: 'POST', url: '/orders', headers: KEYED, payload: { items: [{ productId: 1, quantity: 0 }] } }],
  ['items/0/productId', { method: 'POST', url: '/orders', headers: KEYED, payload: { items: [{ productId: '1', quantity: 1 }] } }],
  ['items/0/productId', { method: 'POST', url: '/orders', headers: KEYED, payload: { items: [{ productId: 2 ** 40, quantity: 1 }] } }],
  [
    'idempotency-key',
    { method: 'POST', url: '/orders', headers: { authorization: 'Bearer good' }, payload: { items: [{ productId: 1, quantity: 1 }] } },
  ],
  ['JSON', { method: 'POST', url: '/orders', headers: { ...KEYED, 'content-type': 'application/json' }, payload: '{"items":' }],
  ['params/id', { method: 'GET', url: '/orders/1', headers: KEYED }],
  ['params/id', { method: 'GET', url: '/products/1e3' }],
  ['querystring/limit', { method: 'GET', url: '/orders?limit=101', headers: KEYED }],
  ['querystring/after', { method: 'GET', url: '/products?after=-1' }],
  ['name', { method: 'POST', url: '/login', payload: { name: ' ' } }],
  ['name', { method: 'POST', url: '/login', payload: { name: 'x'.repeat(81) } }],
];

test.each(WRONG)('400 that names %s', async (field, request) => {
  const answer = await application().app.inject(request);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error).toBe('invalid_request');
  expect(answer.json().message).toContain(field);
});

test('other content than JSON, a body too large and an unknown path are refused as such', async () => {
  const { app } = application();
  const text = await app.inject({ method: 'POST', url: '/login', headers: { 'content-type': 'text/plain' }, payload: 'Ada' });
  expect(text.statusCode).toBe(415);
  const large = await app.inject({ method: 'POST', url: '/login', payload: { name: 'x'.repeat(70_000) } });
  expect(large.statusCode).toBe(413);
  expect((await app.inject('/nothing?secret=1')).json()).toEqual({ error: 'not_found', message: 'There is no GET /nothing.' });
});

test('without a session there is no order, and the instance says who it is', async () => {
  const { app } = application();
  for (const headers of [{}, { authorization: 'Bearer bad' }, { cookie: 'session=bad' }]) {
    const answer = await app.inject({ url: '/orders', headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['x-instance']).toBe('orders-3; zone=b');
  }
  expect((await app.inject({ url: '/orders', headers: { cookie: 'theme=dark; session=good' } })).statusCode).toBe(200);
});

test('the session cookie cannot be read by scripts, and is secure behind TLS', async () => {
  const { app } = application({ 'customer-by-name': [{ id: 7 }] });
  const login = { method: 'POST', url: '/login', payload: { name: 'Ada' } } as const;
  expect((await app.inject(login)).headers['set-cookie']).toMatch(/^session=token;.*HttpOnly; SameSite=Lax$/);
  const secure = await app.inject({ ...login, headers: { 'x-forwarded-proto': 'https' } });
  expect(secure.headers['set-cookie']).toMatch(/; Secure$/);
});

test('the catalogue may be cached, and is not sent twice', async () => {
  const { app } = application({ products: [{ id: 1, sku: 'a', name: 'A', priceCents: 5, stock: 3 }] });
  const first = await app.inject('/products');
  expect(first.headers['cache-control']).toContain('public');
  expect(first.json().products).toHaveLength(1);
  const tag = String(first.headers['etag']);
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await app.inject({ url: '/products', headers: { 'if-none-match': known } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  }
  expect((await app.inject({ url: '/products', headers: { 'if-none-match': '"other"' } })).statusCode).toBe(200);
});

test('without the database the catalogue is shown as it was, and says so', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { app, services } = application({ products: [{ id: 1, sku: 'a', name: 'A', priceCents: 5, stock: 3 }] });
    const fresh = await app.inject('/products');
    expect(fresh.headers).toMatchObject({ age: '0' });
    expect(fresh.headers['warning']).toBeUndefined();
    services.database.run = async () => Promise.reject(new Failure(503, 'database_unavailable', 'away'));
    vi.advanceTimersByTime(3_600_000);
    const old = await app.inject('/products');
    expect([old.statusCode, old.body]).toEqual([200, fresh.body]);
    expect(old.headers).toMatchObject({ age: '3600', warning: '110 - "Response is Stale"' });
    vi.advanceTimersByTime(86_400_000);
    expect((await app.inject('/products')).statusCode).toBe(503);
  } finally {
    vi.useRealTimers();
  }
});

test('what belongs to one customer is kept by nobody', async () => {
  const { app } = application();
  const answer = await app.inject({ url: '/orders', headers: { authorization: 'Bearer good' } });
  expect(answer.headers['cache-control']).toContain('no-store');
});

test('while stopping every answer asks for the connection to be closed', async () => {
  const { app, services } = application();
  services.lifecycle.serve();
  expect((await app.inject('/ready')).headers.connection).toBe('keep-alive');
  void services.lifecycle.stop();
  const [ready, live, started, orders] = await Promise.all(['/ready', '/livez', '/startupz', '/orders'].map((url) => app.inject(url)));
  expect([ready?.statusCode, live?.statusCode, started?.statusCode]).toEqual([404, 200, 200]);
  for (const answer of [ready, live, orders]) expect(answer?.headers.connection).toBe('close');
});

test('/readyz is /ready', async () => {
  const { app, services } = application();
  expect((await app.inject('/readyz')).statusCode).toBe(503);
  services.lifecycle.serve();
  expect((await app.inject('/readyz')).statusCode).toBe(200);
});

test('a bug is a 500 without its details, and is counted', async () => {
  const { app, services } = application();
  services.database.run = async () => Promise.reject(new Error('column "x" does not exist'));
  const answer = await app.inject('/products');
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain('column');
  const metrics = (await app.inject('/metrics')).body;
  expect(metrics).toContain('http_requests_total{status="500",method="GET",route="/products"} 1');
  expect(metrics).toMatch(/process_cpu_seconds_total \d/);
  expect(metrics).not.toContain('route="/ready"');
  expect(services.lifecycle.inFlight.count()).toBe(0);
});

test('work for a client that has gone is known to be for nobody', async () => {
  const { app, services } = application();
  const begun = Promise.withResolvers<Call>();
  const rows = Promise.withResolvers<object[]>();
  services.database.run = (async (_statement: unknown, call: Call) => {
    begun.resolve(call);
    return rows.promise;
  }) as Database['run'];
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const client = connect(Number(port), '127.0.0.1', () =>
    client.write('GET /orders HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer good\r\n\r\n'),
  );
  const call = await begun.promise;
  expect(call.isAborted).toBe(false);
  client.destroy();
  await vi.waitFor(() => expect(call.isAborted).toBe(true));
  rows.resolve([]);
});

test('an answered request is not abandoned', async () => {
  const { app, services } = application();
  let seen: Call | null = null;
  services.database.run = async (_statement: unknown, call?: Call) => {
    seen = call ?? null;
    return [];
  };
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  expect((await fetch(`${origin}/orders`, { headers: { authorization: 'Bearer good', connection: 'close' } })).status).toBe(200);
  await app.close();
  expect(seen).toMatchObject({ isAborted: false });
});

test('the description is valid OpenAPI of every route that is for clients', async () => {
  const document = (await application().app.inject('/openapi.json')).json();
  expect(document.openapi).toMatch(/^3\.0\./);
  expect(Object.keys(document.paths).toSorted()).toEqual([
    '/login',
    '/orders',
    '/orders/{id}',
    '/orders/{id}/pay',
    '/products',
    '/products/{id}',
  ]);
  for (const [path, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const operation of Object.values(methods)) {
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
      for (const answer of Object.values(operation.responses)) expect(typeof answer.description).toBe('string');
      const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path');
      expect(inPath.map((one) => [`{${one.name}}`, one.required])).toEqual((path.match(/\{\w+\}/g) ?? []).map((name) => [name, true]));
    }
  }
  expect(JSON.stringify(document)).not.toContain('"$ref"');
  const keyed = document.paths['/orders'].post.parameters.find((one: { name: string }) => one.name === 'idempotency-key');
  expect(keyed).toMatchObject({ in: 'header', required: true });
});

interface Operation {
  responses: Record<string, { description: unknown }>;
  parameters?: { name: string; in: string; required?: boolean }[];
}
