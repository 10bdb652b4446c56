/**
 * The PostgreSQL groups' part of the configuration: two addresses for each group, one to write and one to read. Which server
 * gets connections, the agent says at run time: a configuration knows the members, never the leader. Pure.
 */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { replicaPort } from '../../topology/ports.ts';

/** A host that is cut off never answers a SYN: what a connection loses there. */
const CONNECT_TIMEOUT_MS = 500;
/** Data that the other side's kernel does not acknowledge for so long: the host is gone. A busy server's kernel acknowledges. */
const UNACKNOWLEDGED_LIMIT_MS = 5_000;

export interface DatabaseRoute {
  group: string;
  port: number;
  /** By ordinal. A server has the name of its host. */
  servers: { name: string; address: string; port: number }[];
}

/** Backend (and frontend) of the group's leader; names of services have no underscore. */
export function primaryBackend(group: string): string {
  return `postgres_${group}_primary`;
}

export function replicasBackend(group: string): string {
  return `postgres_${group}_replicas`;
}

export function isDatabaseBackend(backend: string): boolean {
  return /^postgres_.*_(?:primary|replicas)$/.test(backend);
}

/** The groups in order of their names. */
export function databaseRoutes(spec: ClusterSpec): DatabaseRoute[] {
  return Object.entries(spec.topology.postgres)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([group, { port }]) => ({ group, port, servers: members(spec, group, port) }));
}

function members(spec: ClusterSpec, group: string, port: number): DatabaseRoute['servers'] {
  return spec.placement.units
    .filter((unit) => unit.engine === 'postgres' && unit.group === group)
    .toSorted((left, right) => left.ordinal - right.ordinal)
    .flatMap(({ host }) => {
      const address = spec.hosts[host]?.address;
      return address === undefined ? [] : [{ name: host, address, port }];
    });
}

/** @param maxConnections of one group's port, so that databases never take every connection of the gateway. */
export function databaseLines(table: DatabaseRoute[], gatewayAddress: string, maxConnections: number): string[] {
  if (table.length === 0) return [];
  return [
    ...databaseDefaults(maxConnections),
    ...table.flatMap((route) => [
      ...listenLines(primaryBackend(route.group), `${gatewayAddress}:${route.port}`, route, [
        // One server at most is ready: whoever is refused there asks again, and may be sent to the next leader.
        '    retries 0',
      ]),
      ...listenLines(replicasBackend(route.group), `${gatewayAddress}:${replicaPort(route.port)}`, route, [
        '    balance leastconn',
        '    retries 2',
        '    option redispatch 1',
      ]),
    ]),
  ];
}

/** A section of its own: what stands in the first `defaults` is HTTP's. */
function databaseDefaults(maxConnections: number): string[] {
  return [
    'defaults',
    '    mode tcp',
    '    log global',
    '    option dontlognull',
    `    maxconn ${maxConnections}`,
    `    timeout connect ${CONNECT_TIMEOUT_MS}ms`,
    // A connection may rest in a pool for long. Dead peers are found by TCP itself, half-closed ones end soon.
    '    timeout client 24h',
    '    timeout server 24h',
    '    timeout client-fin 5s',
    '    timeout server-fin 5s',
    ...['cli', 'srv'].flatMap((side) => [
      `    option ${side}tcpka`,
      `    ${side}tcpka-idle 5s`,
      `    ${side}tcpka-intvl 2s`,
      `    ${side}tcpka-cnt 3`,
    ]),
    '',
  ];
}

/**
 * Every server starts `disabled`: after a start or a reload nobody is sent anywhere before the agent says where.
 * No checks: one that disagrees with the agent would take the leader out, or a deposed one in.
 */
function listenLines(name: string, bind: string, route: DatabaseRoute, balancing: string[]): string[] {
  return [
    `listen ${name}`,
    `    bind ${bind}`,
    ...balancing,
    ...route.servers.map(
      (server) =>
        `    server ${server.name} ${server.address}:${server.port} disabled on-marked-down shutdown-sessions tcp-ut ${UNACKNOWLEDGED_LIMIT_MS}ms`,
    ),
    '',
  ];
}
