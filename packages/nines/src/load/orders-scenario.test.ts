import { describe, expect, it } from 'vitest';
import { operationAt } from './orders-mix.ts';
import { OrdersScenario } from './orders-scenario.ts';
import type { PlannedRequest } from './scenario.ts';
import { aRecord } from './testing/records.ts';

const target = { host: '127.0.25.9', port: 1 };

function answer(body: unknown) {
  return { status: 200, headers: new Map<string, string>(), body: Buffer.from(JSON.stringify(body)), keepAlive: true };
}

function prepared(customers: number): OrdersScenario {
  const scenario = new OrdersScenario({ target, runId: 'r1', customers });
  for (const request of scenario.preparation()) {
    request.accept(answer(request.f === 'login' ? { token: `token-${request.process}` } : { products: [{ id: 4 }, { id: 5 }, { id: 6 }] }));
  }
  return scenario;
}

describe('the mix', () => {
  it('has the shares it promises, and never a long pause of writes', () => {
    const operations = Array.from({ length: 400 }, (_, index) => operationAt(index));
    const share = (...some: string[]) => operations.filter((operation) => some.includes(operation)).length / 400;
    expect(share('placeOrder')).toBeGreaterThanOrEqual(0.2);
    expect(share('products', 'product')).toBeCloseTo(0.475);
    expect(share('orders', 'order')).toBeCloseTo(0.15);
    expect(share('session')).toBeCloseTo(0.1);
    const writes = operations.flatMap((operation, index) => (operation === 'placeOrder' ? [index] : []));
    const pauses = writes.slice(1).map((at, index) => at - (writes[index] as number));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(6);
  });
});

describe('OrdersScenario', () => {
  it('lets every customer do everything', () => {
    const scenario = prepared(20);
    const done = new Map<string, Set<string>>();
    for (let index = 0; index < 4000; index += 1) {
      const { f, process } = scenario.plan(index);
      done.set(process, (done.get(process) ?? new Set()).add(f));
    }
    expect(done.size).toBe(20);
    for (const operations of done.values()) {
      for (const one of ['products', 'product', 'orders', 'session', 'placeOrder']) expect(operations).toContain(one);
    }
  });

  it('never uses a key twice, and spreads the orders over the catalogue', () => {
    const scenario = prepared(5);
    const orders = Array.from({ length: 2000 }, (_, index) => scenario.plan(index)).filter((request) => request.f === 'placeOrder');
    expect(new Set(orders.map((order) => order.key)).size).toBe(orders.length);
    const products = orders.map((order) => /"productId":(\d+)/.exec(order.bytes.toString())?.[1]);
    for (const id of ['4', '5', '6']) expect(products.filter((one) => one === id).length).toBeGreaterThan(orders.length / 5);
  });

  it('pays each acknowledged order once, as its owner', () => {
    const scenario = prepared(5);
    for (let index = 0; index < 10; index += 1) {
      scenario.finished(aRecord({ f: 'placeOrder', process: `r1-${index % 5}`, value: `order-${index}` }));
    }
    scenario.finished(aRecord({ f: 'placeOrder', process: 'r1-0', value: 'refused', class: 'fail' }));
    const paid = Array.from({ length: 2000 }, (_, index) => scenario.plan(index)).filter((request) => request.f === 'pay');
    expect(paid.map((request) => request.value)).toEqual(Array.from({ length: 10 }, (_, index) => `order-${index}`));
    paid.forEach((request, index) => {
      expect(request.process).toBe(`r1-${index % 5}`);
      expect(request.key).not.toBeNull();
      expect(request.bytes.toString()).toContain(`Bearer token-r1-${index % 5}\r\n`);
    });
  });

  it('logs in once for a lost session, and again only after the next refusal', () => {
    const scenario = prepared(2);
    const refused = aRecord({ process: 'r1-1', f: 'session', status: 401, class: 'fail' });
    const [login] = scenario.finished(refused) as [PlannedRequest];
    expect(login).toMatchObject({ f: 'login', process: 'r1-1', key: null });
    expect(scenario.finished(refused)).toEqual([]);
    expect(scenario.finished(aRecord({ process: 'r1-1', f: 'login', class: 'info', status: 503 }))).toEqual([]);
    expect(scenario.finished(aRecord({ process: 'r1-1' }))).toHaveLength(1);
    expect(login.accept(answer({ token: 'new' }))).toEqual({ value: null });
    scenario.finished(aRecord({ process: 'r1-1', f: 'login' }));
    expect(scenario.finished(aRecord({ process: 'r1-1' }))).toEqual([]);
  });

  it('takes no 2xx without what it must say', () => {
    const scenario = prepared(1);
    const order = Array.from({ length: 40 }, (_, index) => scenario.plan(index)).find((request) => request.f === 'placeOrder');
    expect(order?.accept(answer({ id: 'x' }))).toEqual({ value: 'x' });
    for (const body of [{}, null, [], 'x', { id: '' }]) expect(order?.accept(answer(body))).toBe('unusable');
    expect(order?.accept({ ...answer({}), body: Buffer.from('<html>') })).toBe('unusable');
  });
});
