import fc from 'fast-check';
import { expect, test } from 'vitest';
import orders from '../../../../../examples/orders/nines.config.ts';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import { makeClusterSpec } from '../../topology/make-cluster-spec.ts';
import { normaliseTopology } from '../../topology/normalise.ts';
import type { Topology } from '../../topology/topology.ts';
import type { UnitContext } from '../engine.ts';
import { postgresEndpoint } from '../postgres/endpoint.ts';
import { commandArgv } from './command.ts';
import { migrationPlan } from './migration.ts';
import { planService } from './plan.ts';
import { serviceUser } from './user.ts';

const ADDRESSES = { a1: '10.1.0.1', b1: '10.1.0.2', c1: '10.1.0.3' };
const PATHS = { dataDir: '/var/lib/nines', runDir: '/run/nines', projectDir: '/project', nodeFile: '/opt/node/bin/node' };

function specOf(change: Record<string, unknown> = {}): ClusterSpec {
  const words = { ...orders, services: { orders: { ...orders.services['orders'], ...change } } };
  return makeClusterSpec({ topology: normaliseTopology(words), addresses: ADDRESSES, gatewayAddress: '10.1.0.100', networkPrefix: 24 });
}

function contextOf(spec: ClusterSpec, unit: PlacedUnit): UnitContext {
  return {
    spec,
    unit,
    paths: PATHS,
    secrets: {
      postgres: { 'main/app': 'pg/secret' },
      redis: { 'cache/app': 'redis-secret' },
      services: { 'orders/SIGNING_KEY': 'signing-secret' },
      other: {},
    },
    certificate: (name) => ({ caFile: '/id/ca.pem', certFile: `/id/${name}.pem`, keyFile: `/id/${name}.key` }),
  };
}

function instances(spec: ClusterSpec): PlacedUnit[] {
  return spec.placement.units.filter((unit) => unit.engine === 'service');
}

test('an instance finds its place, its database and its Redis in its environment', () => {
  const spec = specOf({ secrets: ['SIGNING_KEY'], env: { LOG_LEVEL: 'info' } });
  const unit = instances(spec).find(({ host, slot }) => host === 'b1' && slot === 1);
  if (unit === undefined) throw new Error('the default topology has two instances on b1');
  const plan = planService(contextOf(spec, unit));
  expect(plan.argv).toEqual(['/opt/node/bin/node', 'src/main.ts']);
  expect(plan.cwd).toBe('/project');
  expect(plan.listens).toEqual([{ address: '10.1.0.2', port: 3001, what: 'orders' }]);
  expect(plan.env).toMatchObject({
    HOST: '10.1.0.2',
    PORT: '3001',
    NINES_SERVICE: 'orders',
    NINES_INSTANCE: unit.name,
    NINES_HOST: 'b1',
    NINES_ZONE: 'b',
    NINES_STOP_MS: '10000',
    NINES_REQUEST_MS: '1000',
    NINES_SOCKET: '/run/nines/agent.sock',
    NINES_CA_FILE: '/id/ca.pem',
    // By the gateway, which knows the primary of the moment.
    DATABASE_URL: 'postgres://app:pg%2Fsecret@10.1.0.100:5432/app',
    NINES_POSTGRES: 'main',
    REDIS_MASTER: 'cache',
    REDIS_USERNAME: 'app',
    REDIS_PASSWORD: 'redis-secret',
    SIGNING_KEY: 'signing-secret',
    LOG_LEVEL: 'info',
    NODE_COMPILE_CACHE: `/var/lib/nines/units/${unit.name}/cache`,
  });
  expect(plan.env['REDIS_SENTINELS']?.split(',').toSorted()).toEqual(['10.1.0.1:26379', '10.1.0.2:26379', '10.1.0.3:26379']);
  expect(plan.stop).toEqual({ signal: 'SIGTERM', timeoutMs: 10_500 });
});

test('an instance keeps serving until every gateway has seen two of its checks', () => {
  const drainMs = (interval: string): number => {
    const spec = specOf({ health: { interval, timeout: '200ms' } });
    return Number(planService(contextOf(spec, instances(spec)[0] as PlacedUnit)).env['NINES_DRAIN_MS']);
  };
  expect(drainMs('100ms')).toBeGreaterThanOrEqual(100 + 200);
  expect(drainMs('400ms')).toBeGreaterThan(drainMs('100ms'));
});

test('no secret stands in argv, and every instance of the cluster has a port of its own on its host', () => {
  const spec = specOf({ secrets: ['SIGNING_KEY'] });
  const plans = instances(spec).map((unit) => planService(contextOf(spec, unit)));
  expect(plans).toHaveLength(6);
  expect(JSON.stringify(plans.map(({ argv, files }) => ({ argv, files })))).not.toMatch(/secret/);
  expect(new Set(plans.map(({ listens }) => JSON.stringify(listens))).size).toBe(6);
});

test('a missing secret is an error that names it, not an empty password', () => {
  const spec = specOf();
  const [unit] = instances(spec);
  const context = { ...contextOf(spec, unit as PlacedUnit), secrets: { postgres: {}, redis: {}, services: {}, other: {} } };
  expect(() => planService(context)).toThrow("no secret 'main/app'");
});

test("the user's own words win over defaults", () => {
  const spec = specOf({ env: { NODE_ENV: 'test', NODE_COMPILE_CACHE: '/elsewhere' } });
  const [unit] = instances(spec);
  expect(planService(contextOf(spec, unit as PlacedUnit)).env).toMatchObject({ NODE_ENV: 'test', NODE_COMPILE_CACHE: '/elsewhere' });
});

test('a service without a database gets no database', () => {
  const spec = specOf({ uses: {} });
  const { env } = planService(contextOf(spec, instances(spec)[0] as PlacedUnit));
  expect(Object.keys(env).filter((name) => /^(DATABASE|REDIS)/.test(name))).toEqual([]);
});

test('a migration runs as the service, with its database and without a port', () => {
  const spec = specOf();
  const unit = instances(spec)[0] as PlacedUnit;
  const migration = migrationPlan(contextOf(spec, unit), 'orders');
  expect(migration.argv).toEqual(['/opt/node/bin/node', 'src/migrate.ts', '--seed']);
  expect(migration.user).toEqual(planService(contextOf(spec, unit)).user);
  expect(migration.env['DATABASE_URL']).toContain('@10.1.0.100:5432/app');
  const alone = contextOf({ ...spec, gatewayAddress: null }, unit);
  expect(migrationPlan(alone, 'orders').env['DATABASE_URL']).toContain(`@${postgresEndpoint(spec, 'main').host}:5432/app`);
  expect(migration.env['PORT']).toBeUndefined();
  expect(() => migrationPlan(contextOf(specOf({ migrate: null }), unit), 'orders')).toThrow('no migrations');
});

test('the first word of a command becomes an absolute path', () => {
  expect(commandArgv(['node', 'x.js'], '/project/api', PATHS)).toEqual(['/opt/node/bin/node', 'x.js']);
  expect(commandArgv(['./bin/api', '-v'], '/project/api', PATHS)).toEqual(['/project/api/bin/api', '-v']);
  expect(commandArgv(['/usr/bin/ruby', 'x'], '/project', PATHS)).toEqual(['/usr/bin/ruby', 'x']);
  expect(commandArgv(['python3', 'x.py'], '/project', PATHS)).toEqual(['/usr/bin/env', 'python3', 'x.py']);
});

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), { minLength: 1, maxLength: 40 });

function topologyOf(services: string[]): Topology {
  return { services: Object.fromEntries(services.map((name) => [name, {}])) } as unknown as Topology;
}

test('property: every service has a user of its own in the range of dynamic users, whatever the order of words', () => {
  fc.assert(
    fc.property(names, (services) => {
      const ids = services.map((name) => serviceUser(topologyOf(services), name).uid);
      expect(new Set(ids).size).toBe(services.length);
      for (const id of ids) expect(id >= 61_184 && id <= 65_519).toBe(true);
      expect(services.map((name) => serviceUser(topologyOf(services.toReversed()), name).uid)).toEqual(ids);
    }),
  );
});

test('adding a service does not give another user to those that run', () => {
  const before = ['orders', 'payments', 'search'];
  const after = ['accounts', ...before];
  for (const name of before) expect(serviceUser(topologyOf(after), name)).toEqual(serviceUser(topologyOf(before), name));
});
