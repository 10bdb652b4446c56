/** Hosts and nothing on them: as much of a topology as an identity needs. */
import type { Topology } from '../../packages/nines/src/topology/topology.ts';

export function specOfPeers(addresses: Record<string, string>): Topology {
  return {
    name: 'test',
    hosts: Object.fromEntries(Object.entries(addresses).map(([host, address]) => [host, { region: 'west', zone: host, address }])),
    services: {},
    gateway: null,
    postgres: {},
    redis: {},
    etcd: { replicas: 0, clientPort: 2379, peerPort: 2380 },
    observe: {
      ...{ prometheus: false, alertmanager: false, prometheusPort: 9090, alertmanagerPort: 9093, scrapeIntervalMs: 1000, retentionMs: 1 },
    },
    objectives: { availability: 99.9, readDeadlineMs: 1000, writeDeadlineMs: 1000 },
  };
}
