/** A zone that is cut off silently: connections that the gateway keeps open to it must not cost a request. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { materialise } from '../../packages/nines/src/agent/files.ts';
import { signalProcess, signalSession } from '../../packages/nines/src/agent/process.ts';
import { type Spawned, spawnUnit } from '../../packages/nines/src/agent/spawn.ts';
import { asUser } from '../../packages/nines/src/agent/users.ts';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { haproxy, runtimeSocketOf } from '../../packages/nines/src/engines/haproxy/engine.ts';
import { askRuntime } from '../../packages/nines/src/engines/haproxy/runtime-socket.ts';
import { gatewayStat } from '../../packages/nines/src/engines/haproxy/stat.ts';
import { gatewaySpec, SERVICE } from '../../packages/nines/src/engines/haproxy/testing/gateway-spec.ts';
import { type Backend, forkIn, startBackend } from './gateway/backends.ts';
import type { LoadResult } from './gateway/load.ts';
import { makeNetwork, type TestNetwork } from './keepalived/network.ts';
import { describeLab } from './require-root.ts';

const HOSTS = { h1: '10.223.8.1', h2: '10.223.8.2', h3: '10.223.8.3' };
const CLIENT = '10.223.8.9';
const ADDRESS = '10.223.8.100';

describeLab('engine: gateway with a zone cut off', () => {
  // Long enough to tell apart what saves a request: its connection (within 0.5 s) or the limit on its answer.
  const spec = gatewaySpec({ hosts: HOSTS, gatewayAddress: ADDRESS, services: { orders: { replicas: 6, requestTimeoutMs: 1_400 } } });
  let folder: string;
  let network: TestNetwork;
  let context: UnitContext;
  let gateway: Spawned | undefined;
  let backends: Backend[] = [];

  const servers = async () => gatewayStat(await askRuntime(runtimeSocketOf(context), 'show stat', AbortSignal.timeout(2_000))).servers;
  const until = async (what: string, condition: () => Promise<boolean>, limitMs: number): Promise<number> => {
    const startedAt = performance.now();
    while (!(await condition())) {
      if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      await delay(10);
    }
    return performance.now() - startedAt;
  };
  const usable = async () => (await servers().catch(() => [])).filter((server) => server.usable).length;

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/nines-cut-');
    chmodSync(folder, 0o755);
    network = makeNetwork({ ...HOSTS, client: CLIENT });
    const instances = spec.placement.units.filter((unit) => unit.engine === 'service');
    backends = await Promise.all(
      instances.map((unit) => {
        const address = spec.hosts[unit.host]?.address ?? '';
        return startBackend(address, SERVICE.port + unit.slot, `${unit.host}_${unit.name}`, network.netns(unit.host));
      }),
    );
    const unit = spec.placement.units.find((candidate) => candidate.engine === 'haproxy');
    if (unit === undefined) throw new Error('the spec places no gateway');
    context = {
      spec,
      unit,
      paths: { dataDir: join(folder, 'data'), runDir: join(folder, 'run'), projectDir: '/', nodeFile: process.execPath },
      secrets: { postgres: {}, redis: {}, services: {}, other: {} },
      certificate: () => ({ caFile: '', certFile: '', keyFile: '' }),
    };
    const plan = haproxy.plan(context);
    materialise(plan);
    const argv = ['/usr/sbin/ip', 'netns', 'exec', network.netns('h1'), ...asUser(plan.user, plan.argv)];
    gateway = await spawnUnit({ ...plan, argv, user: 'root' }, join(folder, 'haproxy.log'));
    // The test has no keepalived: the host simply has the address.
    network.give('h1', ADDRESS);
    await until('all instances are usable', async () => (await usable()) === 6, 10_000);
  });
  afterAll(async () => {
    if (gateway !== undefined) {
      signalProcess(gateway.id, 'SIGKILL');
      await gateway.exited;
      signalSession(gateway.id.pid, 'SIGKILL');
    }
    await Promise.all(backends.map((backend) => backend.kill()));
    network?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('costs no request, under load and when idle before; the zone is back soon after the heal', async () => {
    const file = new URL('./gateway/load-process.ts', import.meta.url);
    const load = forkIn(network.netns('client'), file, [`http://${ADDRESS}:8080`, '12', '2000']);
    try {
      await delay(1_500);
      network.cut('h3');
      const outMs = await until('its instances are out', async () => (await usable()) === 4, 10_000);
      await delay(1_500);
      network.heal();
      const backMs = await until('its instances are back', async () => (await usable()) === 6, 10_000);
      await delay(500);
      const answer = once(load, 'message', { signal: AbortSignal.timeout(10_000) });
      load.send('stop');
      const [result] = (await answer) as [LoadResult];
      console.log(
        `cut: ${result.requests} requests, slowest ${result.slowestMs.toFixed(0)} ms, ${result.slow} over 1 s, out in ${outMs.toFixed(0)} ms, back in ${backMs.toFixed(0)} ms`,
      );
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(100);
      // Those whose answer was on its way at that very moment: the instance had acknowledged them, so only the limit
      // on the answer tells. Without `tcp-ut` nearly all 12 clients would wait for that.
      expect(result.slow).toBeLessThanOrEqual(4);
      // On a quiet machine 1.1 s at most and less than 1 s.
      expect(outMs).toBeLessThan(3_000);
      expect(backMs).toBeLessThan(3_000);
    } finally {
      load.kill('SIGKILL');
    }
  });
});
