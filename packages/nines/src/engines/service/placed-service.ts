/** The topology's words about one service, and where this instance of it listens. Pure. */
import { join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { ServiceTopology } from '../../topology/topology.ts';
import type { HostPaths, UnitContext } from '../engine.ts';

/** All that a service's environment depends on; a migration has no unit of its own. */
export type ServiceContext = Pick<UnitContext, 'spec' | 'paths' | 'secrets' | 'certificate'>;

export function serviceTopology(spec: ClusterSpec, serviceName: string): ServiceTopology {
  const service = spec.topology.services[serviceName];
  if (service === undefined) throw new NinesError('E_CONFIG_INVALID', `the topology has no service '${serviceName}'`);
  return service;
}

export function serviceNameOf(unit: PlacedUnit): string {
  if (unit.group === null) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' belongs to no service`);
  return unit.group;
}

export function listenAddress(spec: ClusterSpec, unit: PlacedUnit): { address: string; port: number } {
  const host = spec.hosts[unit.host];
  if (host === undefined) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' is placed on the unknown host '${unit.host}'`);
  return { address: host.address, port: serviceTopology(spec, serviceNameOf(unit)).port + unit.slot };
}

export function workingFolder(paths: HostPaths, service: ServiceTopology): string {
  return join(paths.projectDir, service.folder);
}
