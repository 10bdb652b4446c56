import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { ServiceTopology } from '../../topology/topology.ts';

export interface Route {
  serviceName: string;
  service: ServiceTopology;
  /** Without a slash at its end; empty for the whole site. */
  prefix: string;
  servers: { name: string; address: string; port: number; zone: string }[];
}

/** Services in the order in which the gateway tries their paths: the longest prefix first, then by name. */
export function routes(spec: ClusterSpec): Route[] {
  return Object.entries(spec.topology.services)
    .map(([serviceName, service]) => ({
      serviceName,
      service,
      prefix: service.path.replace(/\/+$/, ''),
      servers: servers(spec, serviceName, service),
    }))
    .sort((a, b) => b.prefix.length - a.prefix.length || (a.serviceName < b.serviceName ? -1 : 1));
}

function servers(spec: ClusterSpec, serviceName: string, service: ServiceTopology): Route['servers'] {
  return spec.placement.units
    .filter((unit) => unit.engine === 'service' && unit.group === serviceName)
    .sort((a, b) => a.ordinal - b.ordinal)
    .flatMap((unit) => {
      const host = spec.hosts[unit.host];
      if (host === undefined) return [];
      return [{ name: `${unit.host}_${unit.name}`, address: host.address, port: service.port + unit.slot, zone: host.zone }];
    });
}
