import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { NinesError } from '../errors/errors.ts';
import { type ClientContract, CONTRACT } from './contract.ts';
import { OrdersScenario } from './orders-scenario.ts';
import type { RequestRecord } from './record.ts';
import { type LoadRun, startLoad } from './run.ts';
import { type Fate, OrdersTwin, type TwinRequest } from './testing/orders-twin.ts';

/** A tenth of the real deadlines: the same shares, shorter tests. */
const QUICK: ClientContract = { readDeadlineMs: 400, writeDeadlineMs: 600, retryAtShare: CONTRACT.retryAtShare };
const HOST = '127.0.25.1';
const serve: Fate = { kind: 'serve' };

let twins: OrdersTwin[] = [];
let run: LoadRun | null = null;

afterEach(async () => {
  await run?.stop();
  run = null;
  await Promise.all(twins.map((twin) => twin.die()));
  twins = [];
});

async function aTwin(port = 0): Promise<{ twin: OrdersTwin; target: { host: string; port: number } }> {
  const twin = new OrdersTwin();
  twins.push(twin);
  return { twin, target: await twin.listen(HOST, port) };
}

interface Drive {
  requests: number;
  ratePerSecond?: number;
  maxConnections?: number;
  freshEvery?: number;
  /** Once the preparation is over. */
  running?: (run: LoadRun, records: RequestRecord[]) => void;
}

async function drive(target: { host: string; port: number }, settings: Drive): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  const { requests, ratePerSecond = 400, maxConnections = 500, freshEvery = 10, running } = settings;
  const scenario = new OrdersScenario({ target, runId: 'test', customers: 20 });
  const signal = AbortSignal.timeout(10_000);
  run = await startLoad(
    { target, ratePerSecond, rampMs: 0, contract: QUICK, maxConnections, freshEvery, scenario, record: (record) => records.push(record) },
    signal,
  );
  running?.(run, records);
  while (run.nowMs() < (requests * 1000) / ratePerSecond) await delay(5);
  await run.stop();
  return records;
}

/** Spoils requests of one key or path only the first time they come. */
function firstTime(spoil: (request: TwinRequest) => Fate | null): (request: TwinRequest) => Fate {
  const seen = new Set<string>();
  return (request) => {
    const name = request.key ?? '';
    const fate = name === '' || seen.has(name) ? null : spoil(request);
    seen.add(name);
    return fate ?? serve;
  };
}

const ordersOf = (records: RequestRecord[]) => records.filter((record) => record.f === 'placeOrder');

describe('the load client', () => {
  it('keeps the schedule, mixes kept and new connections, and is answered well', async () => {
    const { twin, target } = await aTwin();
    const records = await drive(target, { requests: 200 });
    expect(records.length).toBeGreaterThanOrEqual(200);
    expect(records.every((record) => record.class === 'ok' && record.attempts === 1)).toBe(true);
    const byIndex = records.toSorted((one, other) => one.index - other.index);
    byIndex.forEach((record, index) => {
      expect(record.dueMs).toBeCloseTo(index * 2.5, 6);
      expect(record.sentMs).toBeGreaterThanOrEqual(record.dueMs);
      expect(record.doneMs).toBeGreaterThanOrEqual(record.sentMs);
    });
    expect(records.some((record) => record.connection === 'kept')).toBe(true);
    expect(records.filter((record) => record.connection === 'new').length).toBeGreaterThanOrEqual(20);
    expect(records.every((record) => record.instance === 'twin')).toBe(true);
    const keyed = ordersOf(records);
    expect(keyed.length / records.length).toBeGreaterThanOrEqual(0.2);
    expect(twin.orders.map((order) => order.id).sort()).toEqual(keyed.map((record) => record.value).sort());
  });

  for (const [name, fate, cause] of [
    ['a reset before the effect', { kind: 'reset', done: false }, 'reset'],
    ['a reset after the effect', { kind: 'reset', done: true }, 'reset'],
    ['a 503', { kind: 'refuse', status: 503 }, '503'],
    ['silence after the effect', { kind: 'silence', done: true }, 'timeout'],
  ] as const) {
    it(`makes one order of ${name}, by one retry with the same key on a new connection`, async () => {
      const { twin, target } = await aTwin();
      twin.fate = firstTime(() => fate);
      const records = await drive(target, { requests: 120 });
      const orders = ordersOf(records);
      expect(orders.length).toBeGreaterThan(20);
      for (const order of orders) {
        expect(order).toMatchObject({ class: 'ok', attempts: 2, causes: [cause], connection: 'new' });
        expect(order.doneMs - order.dueMs).toBeGreaterThanOrEqual(QUICK.writeDeadlineMs * QUICK.retryAtShare);
        expect(twin.orders.filter((stored) => stored.key === order.key)).toHaveLength(1);
      }
    });
  }

  it('retries once only, and what was sent and not answered stays unknown', async () => {
    const { twin, target } = await aTwin();
    twin.fate = (request) => (request.key === undefined ? serve : { kind: 'reset', done: request.index % 2 === 0 });
    const orders = ordersOf(await drive(target, { requests: 80 }));
    expect(orders.length).toBeGreaterThan(10);
    for (const order of orders) expect(order).toMatchObject({ class: 'info', attempts: 2, causes: ['reset', 'reset'], status: null });
  });

  it('does not retry a 500, nor what the service refuses', async () => {
    const { twin, target } = await aTwin();
    twin.fate = (request) => (request.key === undefined ? serve : { kind: 'refuse', status: request.index % 2 === 0 ? 500 : 422 });
    const orders = ordersOf(await drive(target, { requests: 80 }));
    for (const order of orders) {
      expect(order.attempts).toBe(1);
      expect(order.class).toBe(order.status === 500 ? 'info' : 'fail');
    }
    expect(new Set(orders.map((order) => order.status))).toEqual(new Set([500, 422]));
  });

  it('gives up at the deadline, not later, and leaves the retry its time', async () => {
    const { twin, target } = await aTwin();
    const arrivals: number[] = [];
    const records = await drive(target, {
      requests: 60,
      running: (running) => {
        twin.fate = () => {
          arrivals.push(running.nowMs());
          return { kind: 'silence', done: false };
        };
      },
    });
    expect(records.length).toBeGreaterThanOrEqual(60);
    for (const record of records) {
      const deadlineMs = ['placeOrder', 'pay', 'login'].includes(record.f) ? QUICK.writeDeadlineMs : QUICK.readDeadlineMs;
      expect(record).toMatchObject({ class: 'info', attempts: 2, causes: ['timeout', 'timeout'] });
      expect(record.doneMs - record.dueMs).toBeGreaterThanOrEqual(deadlineMs);
      expect(record.doneMs - record.dueMs).toBeLessThan(deadlineMs + 150);
    }
    expect(arrivals.length).toBe(2 * records.length);
  });

  it('counts an answer that comes after the deadline as none', async () => {
    const { twin, target } = await aTwin();
    twin.fate = (request) => (request.path.startsWith('/products/') ? { kind: 'serve', delayMs: 450 } : serve);
    const late = (await drive(target, { requests: 60 })).filter((record) => record.f === 'product');
    expect(late.length).toBeGreaterThan(10);
    for (const record of late) expect(record).toMatchObject({ class: 'info', status: null });
  });

  it('says `fail` only of what was never sent: a dead server, and back again', async () => {
    const { twin, target } = await aTwin();
    let backAtMs = 0;
    const dieAndReturn = async (running: LoadRun) => {
      await delay(200);
      const { sessions, orders } = twin;
      await twin.die();
      await delay(500);
      const again = await aTwin(target.port);
      for (const [token, name] of sessions) again.twin.sessions.set(token, name);
      again.twin.orders.push(...orders);
      backAtMs = running.nowMs();
    };
    let returned = Promise.resolve();
    const records = await drive(target, {
      requests: 500,
      running: (running) => {
        returned = dieAndReturn(running);
      },
    });
    await returned;
    const refused = records.filter((record) => record.class !== 'ok');
    expect(refused.length).toBeGreaterThan(20);
    for (const record of refused) {
      expect(record.class).toBe(record.causes.every((cause) => cause === 'refused') ? 'fail' : 'info');
      expect(record.dueMs).toBeLessThan(backAtMs);
    }
    const well = records.filter((record) => record.dueMs > backAtMs + 10);
    expect(well.length).toBeGreaterThan(50);
    expect(well.every((record) => record.class === 'ok')).toBe(true);
  });

  it('logs in again when a session is lost; the request that found out has failed', async () => {
    const { twin, target } = await aTwin();
    const records = await drive(target, { requests: 300, running: () => setTimeout(() => twin.sessions.clear(), 100) });
    const lost = records.filter((record) => record.status === 401);
    const losers = new Set(lost.map((record) => record.process));
    expect(losers.size).toBeGreaterThanOrEqual(15);
    for (const record of lost) expect(record).toMatchObject({ class: 'fail', attempts: 1 });
    expect(records.filter((record) => record.f === 'login' && record.class === 'ok')).toHaveLength(losers.size);
    expect(records.filter((record) => record.dueMs > 500).every((record) => record.class === 'ok')).toBe(true);
  });

  it('fails what is over the connection cap, and never skips it', async () => {
    const { twin, target } = await aTwin();
    const records = await drive(target, {
      requests: 100,
      maxConnections: 5,
      running: () => {
        twin.fate = () => ({ kind: 'silence', done: false });
      },
    });
    expect(records.length).toBeGreaterThanOrEqual(100);
    const capped = records.filter((record) => record.causes.includes('capped'));
    expect(capped.length).toBeGreaterThan(50);
    expect(capped.filter((record) => record.attempts === 0).every((record) => record.class === 'fail')).toBe(true);
  });

  it('says what is wrong when it cannot even start', async () => {
    const { twin, target } = await aTwin();
    await twin.die();
    const scenario = new OrdersScenario({ target, runId: 'test', customers: 1 });
    const settings = {
      target,
      ratePerSecond: 1,
      rampMs: 0,
      contract: QUICK,
      maxConnections: 5,
      freshEvery: 10,
      scenario,
      record: () => undefined,
    };
    await expect(startLoad(settings, AbortSignal.timeout(300))).rejects.toThrow(/timeout/i);
    await expect(startLoad({ ...settings, preparationMs: 500 }, AbortSignal.timeout(5000))).rejects.toThrow(NinesError);
  });
});
