import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { NinesError } from '../errors/errors.ts';
import { defineTopology } from './define-topology.ts';
import { normaliseTopology } from './normalise.ts';
import type { topologySchema } from './schema/schema.ts';
import type { TopologyWords } from './words.ts';

const FULL = defineTopology({
  name: 'orders',
  regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: { c1: { address: '10.0.0.3' } } } } } },
  services: {
    orders: {
      command: ['node', 'src/main.ts'],
      folder: '.',
      port: 3000,
      replicas: 6,
      env: { LOG: 'info' },
      secrets: ['SESSION_KEY'],
      uses: { postgres: 'main', redis: 'cache' },
      health: { live: '/livez', ready: '/ready', startup: '/startupz', interval: '250ms', timeout: '500ms' },
      metrics: '/metrics',
      migrate: ['node', 'src/migrate.ts'],
      startTimeout: '15s',
      stopTimeout: '10s',
      requestTimeout: '1s',
      path: '/',
    },
  },
  gateway: {
    replicas: 2,
    address: '10.0.0.100',
    port: 8080,
    maxFails: 3,
    failTimeout: '30s',
    nextUpstream: ['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'],
    replayBody: '256kB',
  },
  postgres: { main: { replicas: 3, durability: 'quorum', port: 5432, database: 'orders', parameters: { work_mem: '8MB' } } },
  redis: {
    cache: {
      replicas: 3,
      port: 6379,
      maxMemory: '64MB',
      sentinel: { port: 26379, quorum: 2, downAfter: '1s', failoverTimeout: '10s', parallelSyncs: 1 },
    },
  },
  etcd: { replicas: 3 },
  observe: { prometheus: true, alertmanager: true, retention: '2h', scrapeInterval: '5s' },
  objectives: { availability: 99.99, readDeadline: '2s', writeDeadline: '3s' },
});

const SMALL: TopologyWords = {
  name: 'small',
  regions: { home: { zones: { a: { hosts: ['a1'] } } } },
  services: { web: { command: ['node', 'main.ts'] } },
};

function linesOf(words: unknown): string[] {
  try {
    normaliseTopology(words);
  } catch (error) {
    if (error instanceof NinesError && error.code === 'E_CONFIG_INVALID') return [...error.details];
    throw error;
  }
  return [];
}

/** FULL with one value replaced. */
function having(path: string, value: unknown): unknown {
  const words = structuredClone(FULL) as never as Record<string, never>;
  const steps = path.split('.');
  const last = steps.pop() as string;
  let place: Record<string, unknown> = words;
  for (const step of steps) place = (place[step] ??= {}) as Record<string, unknown>;
  place[last] = value;
  return words;
}

describe('normaliseTopology', () => {
  it('reads every word of a full topology', () => expect(normaliseTopology(FULL)).toMatchSnapshot());
  it('fills in the defaults of a small one, on one host', () => expect(normaliseTopology(SMALL)).toMatchSnapshot());

  it('takes whatever the type of the words allows', () => {
    // The assignment is the test: it does not compile when words.ts says more than the schema takes.
    const taken: z.input<typeof topologySchema> = FULL;
    expect(linesOf(taken)).toEqual([]);
  });

  it('gives the same for the words as JSON', () => {
    expect(normaliseTopology(JSON.parse(JSON.stringify(FULL)))).toEqual(normaliseTopology(FULL));
  });

  it.each([
    ['name', 'Orders', "name: got 'Orders'; allowed: a name of 1 to 20 characters"],
    ['name', undefined, 'name: is missing; give a name'],
    ['services', {}, 'services: is empty; give at least one service'],
    ['regions', {}, 'regions: is empty'],
    ['regions.west.zones.a.hosts', [], 'regions.west.zones.a.hosts: is empty'],
    ['regions.west.zones.a.hosts', ['b1'], "regions.west.zones.b.hosts[0]: the host name 'b1' is taken by regions.west.zones.a.hosts[0]"],
    ['regions.west.zones.a.hosts', 'a1', "regions.west.zones.a.hosts: got 'a1'; allowed: a list of host names"],
    ['regions.west.zones.a.hosts', ['A'], "regions.west.zones.a.hosts[0]: got 'A'; allowed: a name"],
    ['regions.east', { zones: { a: { hosts: ['e1'] } } }, "regions.east.zones.a: the zone name 'a' is taken by regions.west.zones.a"],
    ['regions.west.zones.c.hosts', { c1: { address: '10.0.0.256' } }, "hosts.c1.address: got '10.0.0.256'; allowed: an IPv4"],
    ['gateway.address', '10.0.0.3', "gateway.address: got '10.0.0.3'; allowed: an address that nothing else has"],
    ['gateway.maxfails', 3, "gateway.maxfails: is not an option here; did you mean 'maxFails'?"],
    ['gateway.port', '8080', "gateway.port: got '8080'; allowed: a whole number from 1024 to 65435"],
    ['gateway.port', 9090, 'observe.prometheusPort: got 9090; allowed: ports that the gateway (9090) does not use; 9091 is free'],
    ['gateway.failTimeout', 30, "gateway.failTimeout: got 30; allowed: a duration from '1s' to '1h'"],
    ['gateway.nextUpstream', ['http_501'], "gateway.nextUpstream[0]: got 'http_501'; allowed: one of 'error'"],
    ['gateway.replicas', 4, 'gateway.replicas: got 4; allowed: at most one gateway on a host, and the topology has 3 hosts'],
    ['gateway.replayBody', '1GB', "gateway.replayBody: got '1GB'; allowed: a size from '16kB' to '16MB'"],
    ['postgres.main.replicas', 4, 'postgres.main.replicas: got 4; allowed: at most one server'],
    ['postgres.main.durability', 'sync', "postgres.main.durability: got 'sync'; allowed: 'quorum', 'strict', 'async'"],
    ['postgres.main.parameters', { fsync: 'off' }, 'postgres.main.parameters.fsync: Nines decides this setting: without it a power loss'],
    ['postgres.main.parameters', { ssl_ciphers: 'x' }, 'postgres.main.parameters.ssl_ciphers: Nines decides this setting'],
    ['postgres.main.parameters', { work_mem: 'a\nb' }, "postgres.main.parameters.work_mem: got 'a\\nb'; allowed: text on one line"],
    [
      'postgres.other',
      {},
      "postgres.other.port: got 5432; allowed: ports that PostgreSQL group 'main' (5432 to 5433) does not use (with 5432 to 5433, the gateway's second for replicas); 5434 is free",
    ],
    ['redis.cache.sentinel.quorum', 4, 'redis.cache.sentinel.quorum: got 4; allowed: at most 3'],
    ['etcd.replicas', 2, 'etcd.replicas: got 2; allowed: 1, 3, 5'],
    ['etcd.replicas', 5, 'etcd.replicas: got 5; allowed: at most one etcd member on a host'],
    ['etcd.clientPort', 7400, 'etcd.clientPort: got 7400; allowed: ports that the agent (7400) does not use'],
    ['observe.prometheus', false, 'observe.alertmanager: got true; allowed: false while'],
    ['objectives.readDeadline', '1s', "services.orders.requestTimeout: got '1s'; allowed: less than objectives.readDeadline ('1s')"],
    ['services.orders.uses.postgres', 'mian', "services.orders.uses.postgres: got 'mian'; allowed: 'main'; did you mean 'main'?"],
    ['services.orders.secrets', ['LOG'], "services.orders.env.LOG: is one of the service's secrets too"],
    ['services.orders.env', { PORT: '1' }, 'services.orders.env.PORT: PORT is set by Nines: where each instance listens'],
    [
      'services.orders.env',
      { DATABASE_URL: 'x' },
      "services.orders.env.DATABASE_URL: DATABASE_URL is set by Nines: where PostgreSQL group 'main' is",
    ],
    ['services.orders.secrets', ['REDIS_PASSWORD'], 'services.orders.secrets[0]: REDIS_PASSWORD is set by Nines'],
    ['services.orders.env', { 'A-B': 'x' }, 'services.orders.env.A-B: the name is not allowed'],
    ['services.orders.folder', '../x', "services.orders.folder: got '../x'; allowed: a folder inside the project"],
    ['services.orders.command', [], 'services.orders.command: got an empty list; allowed: a list of words'],
    ['services.orders.health.live', 'livez', "services.orders.health.live: got 'livez'; allowed: a URL path"],
    ['services.redis-x', { command: ['x'], port: 4000, path: '/x' }, 'services.redis-x: the name is taken by the engine redis'],
    ['services.other', { command: ['x'], port: 4000 }, "services.other.path: got '/'; allowed: a prefix that no other service has"],
    [
      'services.other',
      { command: ['x'], port: 3005, path: '/x' },
      "services.other.port: got 3005; allowed: ports that service 'orders' (3000 to 3005) does not use (with 3005 to 3010, one for each replica); 3006 is free",
    ],
  ])('refuses %s = %j', (path, value, line) => {
    const lines = linesOf(having(path, value));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(line);
  });

  it('reports everything at once, the checks between options included', () => {
    const words = having('gateway.replica', 9) as { etcd: unknown; name: string; redis: { cache: { sentinel: unknown } } };
    words.name = '9';
    words.etcd = { replicas: 'three' };
    words.redis.cache.sentinel = { quorum: 7 };
    expect(linesOf(words).map((line) => line.split(':')[0])).toEqual([
      'name',
      'gateway.replica',
      'etcd.replicas',
      'redis.cache.sentinel.quorum',
    ]);
  });

  it('looks at the rest when a service has a refused value', () => {
    const words = having('services.orders.replicas', 0) as { gateway: { replicas: number } };
    words.gateway.replicas = 9;
    expect(linesOf(words).map((line) => line.split(':')[0])).toEqual(['services.orders.replicas', 'gateway.replicas']);
  });

  it('says nothing that stands on a refused value only', () => {
    expect(linesOf(having('services.orders.replicas', 0))).toHaveLength(1);
    expect(linesOf(having('postgres', { main: { port: 'x' }, other: { port: 5433 } }))).toHaveLength(1);
  });

  it('never fails otherwise than by E_CONFIG_INVALID, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom('name', 'regions', 'services', 'gateway', 'regions.west.zones.a', 'services.orders.env', 'redis.cache'),
        (value, path) => {
          linesOf(value);
          linesOf(having(path, value));
        },
      ),
    );
  });
});
