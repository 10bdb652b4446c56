import { defineTopology } from 'nines';

/** The article's highly available REST API: three zones, any one of which may be lost. */
export default defineTopology({
  name: 'orders',
  regions: {
    west: {
      zones: {
        a: { hosts: ['a1'] },
        b: { hosts: ['b1'] },
        c: { hosts: ['c1'] },
      },
    },
  },
  services: {
    orders: {
      command: ['node', 'src/main.ts'],
      migrate: ['node', 'src/migrate.ts', '--seed'],
      port: 3000,
      // Two in each zone: with a zone lost, the other four carry the load.
      replicas: 6,
      uses: { postgres: 'main', redis: 'cache' },
      health: { live: '/livez', ready: '/ready', startup: '/startupz' },
      metrics: '/metrics',
      requestTimeout: '1s',
      // Each works on five connections of the database: what is more would only grow old inside it.
      maxConcurrent: 12,
      stopTimeout: '10s',
    },
  },
  gateway: {
    replicas: 2,
    port: 8080,
    // The article's words. What is sent again must be idempotent or carry an Idempotency-Key.
    maxFails: 3,
    failTimeout: '30s',
    nextUpstream: ['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'],
  },
  postgres: {
    main: { replicas: 3, durability: 'quorum' },
  },
  redis: {
    // The article's Sentinel with a shorter patience: 1 s instead of 5.
    cache: { replicas: 3, sentinel: { quorum: 2, downAfter: '1s', failoverTimeout: '10s', parallelSyncs: 1 } },
  },
  objectives: { availability: 99.99, readDeadline: '2s', writeDeadline: '3s' },
});
