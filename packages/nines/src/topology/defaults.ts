import type { ParsedWords } from './schema/schema.ts';
import type { HostTopology, PostgresTopology, RedisTopology, ServiceTopology, Topology } from './topology.ts';

/** Fills in the defaults that depend on the rest of the topology. */
export function resolveDefaults(words: ParsedWords): Topology {
  const hosts = Object.fromEntries(listHosts(words).map(({ name, host }) => [name, host]));
  const hostCount = Object.keys(hosts).length;
  const zoneCount = new Set(Object.values(hosts).map((host) => `${host.region}/${host.zone}`)).size;
  return {
    name: words.name,
    hosts,
    services: mapped(words.services, (service) => serviceOf(service, zoneCount)),
    gateway: gatewayOf(words.gateway, hostCount),
    postgres: mapped(words.postgres, (group) => postgresOf(group, hostCount)),
    redis: mapped(words.redis, (group) => redisOf(group, hostCount)),
    etcd: { ...words.etcd, replicas: words.etcd.replicas ?? (hostCount < 3 ? 1 : 3) },
    observe: observeOf(words.observe),
    objectives: {
      availability: words.objectives.availability,
      readDeadlineMs: words.objectives.readDeadline,
      writeDeadlineMs: words.objectives.writeDeadline,
    },
  };
}

export interface HostWritten {
  name: string;
  path: (string | number)[];
  host: HostTopology;
}

/** Every host as the user wrote it, also two of one name. */
export function listHosts(words: ParsedWords): HostWritten[] {
  return Object.entries(words.regions).flatMap(([region, { zones }]) =>
    Object.entries(zones).flatMap(([zone, { hosts }]) => {
      const path = ['regions', region, 'zones', zone, 'hosts'];
      const list = Array.isArray(hosts)
        ? hosts.map((name, index) => ({ name, at: index, address: undefined }))
        : Object.entries(hosts).map(([name, host]) => ({ name, at: name, address: host.address }));
      return list.map(({ name, at, address }) => ({ name, path: [...path, at], host: { region, zone, address: address ?? null } }));
    }),
  );
}

/**
 * Sentinels of a Redis group. Two servers get a third Sentinel on another host where there is one:
 * two Sentinels cannot elect anything once either is lost.
 */
export function sentinelCount(redisReplicas: number, hostCount: number): number {
  return redisReplicas === 1 ? 1 : Math.max(redisReplicas, Math.min(3, hostCount));
}

export function majority(members: number): number {
  return Math.floor(members / 2) + 1;
}

function serviceOf(words: ParsedWords['services'][string], zoneCount: number): ServiceTopology {
  const { health } = words;
  return {
    command: words.command,
    folder: words.folder,
    env: words.env,
    secrets: words.secrets,
    port: words.port,
    replicas: words.replicas ?? 2 * zoneCount,
    uses: words.uses,
    health: {
      livePath: health.live,
      readyPath: health.ready,
      startupPath: health.startup,
      intervalMs: health.interval,
      timeoutMs: health.timeout,
    },
    metricsPath: words.metrics,
    migrate: words.migrate,
    startTimeoutMs: words.startTimeout,
    stopTimeoutMs: words.stopTimeout,
    requestTimeoutMs: words.requestTimeout,
    maxConcurrent: words.maxConcurrent,
    path: words.path,
  };
}

function gatewayOf(words: ParsedWords['gateway'], hostCount: number): Topology['gateway'] {
  if (words === null) return null;
  return {
    replicas: words.replicas ?? Math.min(2, hostCount),
    address: words.address ?? null,
    port: words.port,
    maxFails: words.maxFails,
    failTimeoutMs: words.failTimeout,
    nextUpstream: words.nextUpstream,
    replayBodyBytes: words.replayBody,
  };
}

function postgresOf(words: ParsedWords['postgres'][string], hostCount: number): PostgresTopology {
  return { ...words, replicas: words.replicas ?? Math.min(3, hostCount) };
}

function redisOf(words: ParsedWords['redis'][string], hostCount: number): RedisTopology {
  const replicas = words.replicas ?? Math.min(3, hostCount);
  const { sentinel } = words;
  return {
    replicas,
    port: words.port,
    maxMemoryBytes: words.maxMemory,
    sentinel: {
      port: sentinel.port,
      quorum: sentinel.quorum ?? majority(sentinelCount(replicas, hostCount)),
      downAfterMs: sentinel.downAfter,
      failoverTimeoutMs: sentinel.failoverTimeout,
      parallelSyncs: sentinel.parallelSyncs,
    },
  };
}

function observeOf(words: ParsedWords['observe']): Topology['observe'] {
  const { retention, scrapeInterval, ...rest } = words;
  return { ...rest, scrapeIntervalMs: scrapeInterval, retentionMs: retention };
}

function mapped<From, To>(things: Record<string, From>, make: (thing: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, make(thing)]));
}
