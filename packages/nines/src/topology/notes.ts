import { majority, sentinelCount } from './defaults.ts';
import { formatDuration } from './durations.ts';
import type { Topology } from './topology.ts';

/** What is allowed but worth knowing, one sentence each: single points of failure and settings that work against each other. */
export function topologyNotes(topology: Topology): string[] {
  return [...placeNotes(topology), ...groupNotes(topology), ...timeNotes(topology)];
}

function placeNotes({ hosts, gateway, etcd }: Topology): string[] {
  const list = Object.values(hosts);
  const zones = new Set(list.map((host) => host.zone)).size;
  const regions = new Set(list.map((host) => host.region)).size;
  const notes: string[] = [];
  if (list.length === 1) notes.push('One host: losing it loses everything.');
  else if (zones === 1) notes.push('One zone: losing it loses everything.');
  else if (zones === 2) notes.push('Two zones: losing the one with most etcd members stops every failover until it is back.');
  if (regions > 1) notes.push(`${regions} regions: groups spread over them, so every commit waits for the way between regions.`);
  if (gateway?.replicas === 1 && list.length > 1) notes.push('gateway.replicas is 1: losing its host makes every service unreachable.');
  if (etcd.replicas === 1 && list.length > 2) notes.push('etcd.replicas is 1: losing its host stops every failover until it is back.');
  return notes;
}

function groupNotes(topology: Topology): string[] {
  const hostCount = Object.keys(topology.hosts).length;
  const notes: string[] = [];
  for (const [name, { replicas, durability }] of Object.entries(topology.postgres)) {
    if (replicas === 1) notes.push(`postgres.${name}: one server; losing its host loses the service and perhaps its data.`);
    if (replicas === 1 && durability !== 'async') notes.push(`postgres.${name}: durability '${durability}' has no standby to wait for.`);
    if (replicas === 2 && durability === 'strict')
      notes.push(`postgres.${name}: durability 'strict' with two servers stops writes when either is lost.`);
    if (replicas > 1 && durability === 'async')
      notes.push(`postgres.${name}: durability 'async' loses acknowledged writes when the primary is lost.`);
  }
  for (const [name, { replicas, sentinel }] of Object.entries(topology.redis)) {
    const sentinels = sentinelCount(replicas, hostCount);
    if (replicas === 1) notes.push(`redis.${name}: one server; nothing takes over when its host is lost.`);
    else if (sentinels === 2) notes.push(`redis.${name}: two Sentinels; neither can elect a master without the other.`);
    else if (sentinel.quorum < majority(sentinels)) {
      notes.push(
        `redis.${name}.sentinel.quorum is ${sentinel.quorum} of ${sentinels}: a minority may call the master down, though only a majority can elect another.`,
      );
    } else if (sentinel.quorum > majority(sentinels)) {
      notes.push(
        `redis.${name}.sentinel.quorum is ${sentinel.quorum} of ${sentinels}: losing ${sentinels - sentinel.quorum + 1} of them stops the failover, where a majority would go on.`,
      );
    }
  }
  return notes;
}

function timeNotes(topology: Topology): string[] {
  const { readDeadlineMs } = topology.objectives;
  const hostCount = Object.keys(topology.hosts).length;
  return Object.entries(topology.services).flatMap(([name, service]) => {
    const notes: string[] = [];
    if (2 * service.requestTimeoutMs > readDeadlineMs) {
      notes.push(
        `services.${name}.requestTimeout is ${formatDuration(service.requestTimeoutMs)}: after a hang no time for a full second attempt is left of objectives.readDeadline (${formatDuration(readDeadlineMs)}).`,
      );
    }
    if (service.replicas === 1 && hostCount > 1)
      notes.push(`services.${name}.replicas is 1: losing its host takes it away until it runs elsewhere.`);
    return notes;
  });
}
