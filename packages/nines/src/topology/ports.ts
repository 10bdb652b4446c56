import type { Topology } from './topology.ts';

/** Ports that every host keeps for Nines itself. */
export const AGENT_PORT = 7400;
export const GATEWAY_METRICS_PORT = 8405;

export interface PortRange {
  first: number;
  last: number;
  /** Whose: 'service 'orders'', 'etcd (clients)'. */
  what: string;
  /** The option that sets it; null for a fixed port. */
  path: string[] | null;
}

/**
 * Every port that a host may have to open. A service takes one for each replica: when hosts are lost,
 * all its instances may come to run on one.
 */
export function portRanges(topology: Topology): PortRange[] {
  const { etcd, gateway, observe } = topology;
  return [
    one(AGENT_PORT, 'the agent', null),
    ...(gateway === null
      ? []
      : [one(GATEWAY_METRICS_PORT, "the gateway's metrics", null), one(gateway.port, 'the gateway', ['gateway', 'port'])]),
    one(etcd.clientPort, 'etcd (clients)', ['etcd', 'clientPort']),
    one(etcd.peerPort, 'etcd (members)', ['etcd', 'peerPort']),
    ...Object.entries(topology.postgres).map(([name, { port }]) => one(port, `PostgreSQL group '${name}'`, ['postgres', name, 'port'])),
    ...Object.entries(topology.redis).flatMap(([name, { port, sentinel }]) => [
      one(port, `Redis group '${name}'`, ['redis', name, 'port']),
      one(sentinel.port, `the Sentinels of '${name}'`, ['redis', name, 'sentinel', 'port']),
    ]),
    ...(observe.prometheus ? [one(observe.prometheusPort, 'Prometheus', ['observe', 'prometheusPort'])] : []),
    ...(observe.alertmanager ? [one(observe.alertmanagerPort, 'Alertmanager', ['observe', 'alertmanagerPort'])] : []),
    ...Object.entries(topology.services).map(([name, { port, replicas }]) => ({
      first: port,
      last: port + replicas - 1,
      what: `service '${name}'`,
      path: ['services', name, 'port'],
    })),
  ];
}

function one(port: number, what: string, path: string[] | null): PortRange {
  return { first: port, last: port, what, path };
}
