import type { ClusterSpec, PlacedUnit } from '../cluster-spec.ts';

export interface RefusedPath {
  path: string[];
  why: string;
}

const STATEFUL = ['etcd', 'postgres', 'redis'];

/** The cluster's name, and where hosts are. */
export function identityRefusals(before: ClusterSpec, after: ClusterSpec): RefusedPath[] {
  const refused: RefusedPath[] = [];
  if (before.topology.name !== after.topology.name) {
    refused.push({
      path: ['name'],
      why: `the running cluster is called '${before.topology.name}'; its certificates and data carry the name`,
    });
  }
  if (before.networkPrefix !== after.networkPrefix) {
    refused.push({ path: ['hosts'], why: 'the network of the hosts cannot change while they run' });
  }
  for (const [host, was] of Object.entries(before.hosts)) refused.push(...hostRefusals(host, was, before, after));
  return refused;
}

function hostRefusals(host: string, was: ClusterSpec['hosts'][string], before: ClusterSpec, after: ClusterSpec): RefusedPath[] {
  const path = ['hosts', host];
  const is = after.hosts[host];
  if (is === undefined) {
    const units = before.placement.units.filter((unit) => unit.host === host && STATEFUL.includes(unit.engine));
    return units.map((unit) => ({ path, why: `it cannot be taken away while it holds ${unit.name}: ${lossOf(unit)}` }));
  }
  if (is.region !== was.region || is.zone !== was.zone) {
    return [{ path, why: `it stands in ${was.region}/${was.zone}; take it out and add it under another name in ${is.region}/${is.zone}` }];
  }
  const address = after.topology.hosts[host]?.address ?? is.address;
  if (address === was.address) return [];
  return [{ path: [...path, 'address'], why: `it is known to the others as ${was.address}; add it under another name with ${address}` }];
}

function lossOf(unit: PlacedUnit): string {
  if (unit.engine === 'etcd') return 'the members of etcd are fixed while the cluster runs';
  return 'its copy of the data would go, and who leads cannot be moved yet';
}
