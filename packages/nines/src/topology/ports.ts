import type { Topology } from './topology.ts';

/** Ports that every host keeps for Nines itself. */
export const AGENT_PORT = 7400;
/** What agents say to each other about PostgreSQL's leadership. */
export const AGENT_PEER_PORT = 7401;
export const GATEWAY_METRICS_PORT = 8405;
/** The agent's plain answers for load balancers: who may be asked for what. As Patroni's. */
export const AGENT_HEALTH_PORT = 8008;

/** Where the gateway sends to the replicas of a PostgreSQL group; the group's own port leads to its primary. */
export function replicaPort(port: number): number {
  return port + 1;
}

export interface PortRange {
  first: number;
  last: number;
  /** Whose: 'service 'orders'', 'etcd (clients)'. */
  what: string;
  /** The option that sets it; null for a fixed port. */
  path: string[] | null;
  /** Of more than one port: what each is for. */
  why?: string;
}

/**
 * Every port that a host may have to open. A service takes one for each replica: when hosts are lost,
 * all its instances may come to run on one.
 */
export function portRanges(topology: Topology): PortRange[] {
  const { etcd, gateway, observe } = topology;
  return [
    one(AGENT_PORT, 'the agent', null),
    one(AGENT_PEER_PORT, 'the agents among themselves', null),
    one(AGENT_HEALTH_PORT, "the agent's health endpoints", null),
    ...(gateway === null
      ? []
      : [one(GATEWAY_METRICS_PORT, "the gateway's metrics", null), one(gateway.port, 'the gateway', ['gateway', 'port'])]),
    one(etcd.clientPort, 'etcd (clients)', ['etcd', 'clientPort']),
    one(etcd.peerPort, 'etcd (members)', ['etcd', 'peerPort']),
    ...Object.entries(topology.postgres).map(([name, { port }]) => ({
      first: port,
      last: gateway === null ? port : replicaPort(port),
      what: `PostgreSQL group '${name}'`,
      path: ['postgres', name, 'port'],
      why: "the gateway's second for replicas",
    })),
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
      why: 'one for each replica',
    })),
  ];
}

function one(port: number, what: string, path: string[] | null): PortRange {
  return { first: port, last: port, what, path };
}
