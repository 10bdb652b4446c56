import { defineTopology } from 'nines';

// What should run where. `nines up` makes it true on this machine: every host below becomes a network namespace
// with its own address, disk and processes, so that a zone can really be lost. Your editor knows every option.
export default defineTopology({
  name: 'my-cluster',

  // Three zones with one host each: any one zone may be lost.
  regions: {
    west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: ['c1'] } } },
  },

  services: {
    hello: {
      command: ['node', 'service/server.ts'],
      port: 3000,
      // Two in each zone. While one zone is lost, the other four carry the load.
      replicas: 6,
      // SIGTERM, then this long to finish the requests in flight, then SIGKILL.
      stopTimeout: '10s',
      // Instances get the connection settings of these groups in their environment:
      // uses: { postgres: 'main', redis: 'cache' },
    },
  },

  // Two HAProxy behind one virtual address. The words are those that you know from nginx.
  gateway: {
    replicas: 2,
    port: 8080,
    maxFails: 3,
    failTimeout: '30s',
  },

  // One PostgreSQL primary with two standbys, and one Redis master with two replicas and three Sentinels:
  // postgres: { main: {} },
  // redis: { cache: {} },

  // What you promise your clients.
  objectives: { availability: 99.9, readDeadline: '2s', writeDeadline: '3s' },
});
