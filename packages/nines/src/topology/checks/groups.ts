import { sentinelCount } from '../defaults.ts';
import { ownedBecause } from '../postgres-parameters.ts';
import { type Problem, refused } from '../problems.ts';
import type { Topology } from '../topology.ts';

/** Replicas against hosts, quorums against members. */
export function memberProblems(topology: Topology): Problem[] {
  return [...crowded(topology), ...quorums(topology)];
}

function crowded(topology: Topology): Problem[] {
  const hostCount = Object.keys(topology.hosts).length;
  const groups: { path: string[]; replicas: number; what: string }[] = [
    { path: ['etcd'], replicas: topology.etcd.replicas, what: 'etcd member' },
    { path: ['gateway'], replicas: topology.gateway?.replicas ?? 0, what: 'gateway' },
    ...Object.entries(topology.postgres).map(([name, { replicas }]) => ({ path: ['postgres', name], replicas, what: 'server of a group' })),
    ...Object.entries(topology.redis).map(([name, { replicas }]) => ({ path: ['redis', name], replicas, what: 'server of a group' })),
  ];
  return groups
    .filter(({ replicas }) => hostCount > 0 && replicas > hostCount)
    .map(({ path, replicas, what }) => ({
      path: [...path, 'replicas'],
      text: refused(replicas, `at most one ${what} on a host, and the topology has ${hostCount} ${hostCount === 1 ? 'host' : 'hosts'}`),
    }));
}

function quorums(topology: Topology): Problem[] {
  const hostCount = Object.keys(topology.hosts).length;
  return Object.entries(topology.redis).flatMap(([name, { replicas, sentinel }]) => {
    const sentinels = sentinelCount(replicas, hostCount);
    // One server cannot fail over: its single Sentinel only tells clients where it is, whatever the quorum.
    if (replicas === 1 || sentinel.quorum <= sentinels) return [];
    return [
      {
        path: ['redis', name, 'sentinel', 'quorum'],
        text: refused(sentinel.quorum, `at most ${sentinels}, the number of Sentinels of the group`),
      },
    ];
  });
}

export function ownedParameters(topology: Topology): Problem[] {
  return Object.entries(topology.postgres).flatMap(([group, { parameters }]) =>
    Object.keys(parameters).flatMap((parameter) => {
      const reason = ownedBecause(parameter);
      return reason === null
        ? []
        : [{ path: ['postgres', group, 'parameters', parameter], text: `Nines decides this setting: ${reason}; leave it out` }];
    }),
  );
}

export function loneAlertmanager({ observe }: Topology): Problem[] {
  if (observe.prometheus || !observe.alertmanager) return [];
  return [
    { path: ['observe', 'alertmanager'], text: refused(true, 'false while observe.prometheus is false: nothing would send it alerts') },
  ];
}
