/** The example as a unit: beside the real engines with TLS and passwords, as its own user, from the plan alone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../packages/nines/src/agent/run.ts';
import type { Engine, UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { redis } from '../../packages/nines/src/engines/redis/engine.ts';
import { sentinel } from '../../packages/nines/src/engines/sentinel/engine.ts';
import { service } from '../../packages/nines/src/engines/service/engine.ts';
import { migrationPlan } from '../../packages/nines/src/engines/service/migration.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import type { ClusterSpec, EngineName } from '../../packages/nines/src/topology/cluster-spec.ts';
import type { ServiceTopology } from '../../packages/nines/src/topology/topology.ts';
import { ADDRESSES, exposedSecrets, type TestCluster, testCluster } from './data-engine-cluster.ts';
import { until } from './orders/child.ts';
import { ask, askForSure } from './orders/instance.ts';
import { lonePrimary } from './postgres-members.ts';
import { describeLab } from './require-root.ts';

const ROOT = join(import.meta.dirname, '../..');
const LEADER = 1;

const ORDERS: ServiceTopology = {
  command: ['node', 'src/main.ts'],
  folder: 'examples/orders',
  env: {},
  secrets: [],
  port: 3_000,
  replicas: 1,
  uses: { postgres: 'main', redis: 'cache' },
  health: { livePath: '/livez', readyPath: '/ready', startupPath: '/startupz', intervalMs: 250, timeoutMs: 500 },
  metricsPath: '/metrics',
  migrate: ['node', 'src/migrate.ts', '--seed'],
  startTimeoutMs: 15_000,
  stopTimeoutMs: 5_000,
  requestTimeoutMs: 1_000,
  maxConcurrent: 64,
  path: '/',
};

describeLab('engine: service', () => {
  let cluster: TestCluster;
  let projectDir: string;
  let context: UnitContext;
  let instance: StartedUnit;
  let database: Awaited<ReturnType<typeof lonePrimary>> | undefined;
  const started: StartedUnit[] = [];
  const origin = `http://${ADDRESSES[0]}:3000`;

  const start = async (engine: Engine, name: EngineName, ordinal: number): Promise<void> => {
    started.push(await startUnit(engine, cluster.context(name, ordinal)));
  };

  beforeAll(async () => {
    cluster = await testCluster({
      postgres: { main: { replicas: 3, durability: 'async', port: 5_432, database: 'app', parameters: {} } },
      redis: {
        cache: {
          replicas: 3,
          port: 6_379,
          maxMemoryBytes: 32 * 1024 * 1024,
          sentinel: { port: 26_379, quorum: 2, downAfterMs: 1_000, failoverTimeoutMs: 10_000, parallelSyncs: 1 },
        },
      },
      leader: LEADER,
      engines: ['postgres', 'redis', 'sentinel'],
    });
    // As the lab does it: a checkout under a private folder cannot be read by the service's user.
    projectDir = join(cluster.folder, 'project');
    mkdirSync(projectDir);
    execFileSync('/usr/bin/mount', ['--bind', ROOT, projectDir]);
    database = await lonePrimary(cluster.context('postgres', LEADER));
    await start(redis, 'redis', LEADER);
    // A master without a replica takes no writes.
    await start(redis, 'redis', 2);
    await start(sentinel, 'sentinel', LEADER);
    context = serviceContext(cluster, projectDir);
    const migration = migrationPlan(context, 'orders');
    const options = { user: migration.user, env: migration.env, cwd: migration.cwd, signal: AbortSignal.timeout(90_000) };
    expect((await run(migration.argv, options)).stdout).toContain('ran 001_schema.sql');
    instance = await startUnit(service, context);
    started.push(instance);
  });

  afterAll(async () => {
    for (const unit of started.toReversed()) await unit.stop();
    await database?.end();
    if (projectDir !== undefined) execFileSync('/usr/bin/umount', [projectDir]);
    cluster?.remove();
  });

  it('reaches the database and Redis through TLS, with their passwords, through the Sentinel', async () => {
    await expect
      .poll(() => ask({ origin }, 'GET', '/healthz'), { timeout: 10_000 })
      .toMatchObject({
        status: 200,
        body: { checks: { database: { ok: true }, redis: { ok: true } } },
      });
    const login = await askForSure({ origin }, 'POST', '/login', { body: { name: 'Ada' } });
    expect(login.status, login.text).toBe(200);
    const { token = '' } = login.body;
    const order = await askForSure({ origin }, 'POST', '/orders', { token, key: 'one', body: { items: [{ productId: 1, quantity: 2 }] } });
    expect(order).toMatchObject({ status: 201, headers: { 'x-instance': 'orders-0; zone=a' } });
  });

  it('runs as nobody else, and shows no secret', async () => {
    const { uid } = instance.plan.user as { uid: number };
    const status = readFileSync(`/proc/${instance.pid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s`, 'm'));
    expect(status).toMatch(/^Groups:\s*$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(
      exposedSecrets(
        cluster,
        [...started, database!].map(({ logFile }) => logFile),
      ),
    ).toEqual([]);
  });

  it('says how it is: ready, frozen, dead, and ready again for little CPU', async () => {
    await expect
      .poll(() => instance.observe(), { timeout: 10_000 })
      .toMatchObject({ ready: true, live: true, details: { status: 'ready' } });
    instance.kill('SIGSTOP');
    expect(await instance.observe()).toMatchObject({ ready: false, live: false });
    instance.kill('SIGCONT');
    await until('it is well again', async () => (await instance.observe()).ready);
    instance.kill('SIGKILL');
    await instance.exited();
    expect(await instance.observe()).toMatchObject({ ready: false });
    await instance.restart();
    // CPU, not time: the machine may be busy, and a start that is cheap is quick on one that is not (0.35 s).
    expect(cpuMsOf(instance.pid)).toBeLessThan(2_500);
  });

  it('is not ready while it drains, and has gone well before it would be killed', async () => {
    const before = performance.now();
    const stopped = instance.stop();
    await until('it is not ready', async () => (await instance.observe()).reason.includes('/ready answers 404'), 1_000);
    expect((await ask({ origin }, 'GET', '/products')).status).toBe(200);
    await stopped;
    const tookMs = performance.now() - before;
    expect(tookMs).toBeGreaterThanOrEqual(Number(instance.plan.env['NINES_DRAIN_MS']));
    expect(tookMs).toBeLessThan(instance.plan.stop.timeoutMs);
    expect(readFileSync(instance.logFile, 'utf8')).toContain('"stopped"');
  });
});

/** User and system time so far. Fields 14 and 15 of stat, in hundredths of a second; the name before them has no space. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** The same cluster with one instance of the example on its first host. */
function serviceContext(cluster: TestCluster, projectDir: string): UnitContext {
  const base = cluster.context('postgres', 0);
  const unit = {
    name: 'orders-0',
    engine: 'service',
    group: 'orders',
    host: base.unit.host,
    ordinal: 0,
    slot: 0,
    initialLeader: false,
    reason: 'test',
  } as const;
  const spec: ClusterSpec = {
    ...cluster.spec,
    topology: { ...cluster.spec.topology, services: { orders: ORDERS } },
    placement: { units: [...cluster.spec.placement.units, unit] },
  };
  const inRoot = relative(ROOT, process.execPath);
  const nodeFile = inRoot.startsWith('..') ? process.execPath : join(projectDir, inRoot);
  return { ...base, spec, unit, paths: { ...base.paths, projectDir, nodeFile } };
}
