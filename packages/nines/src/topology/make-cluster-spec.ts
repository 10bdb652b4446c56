import { isDeepStrictEqual } from 'node:util';
import { NinesError } from '../errors/errors.ts';
import type { ClusterSpec, HostSpec, Placement } from './cluster-spec.ts';
import { place } from './placement/place.ts';
import type { HostName, Topology } from './topology.ts';

export interface ClusterSpecInput {
  topology: Topology;
  /** Address of every host; one that the topology gives may be left out. */
  addresses: Record<HostName, string>;
  /** Null without a gateway. */
  gatewayAddress: string | null;
  networkPrefix: number;
  /** The spec in force: its placement is kept where it may be, and its revision counts on. */
  previous?: ClusterSpec;
}

/**
 * The desired state of the cluster. The same input over the same previous spec gives that spec again, revision included.
 * Throws E_CONFIG_INVALID when a host has no address.
 */
export function makeClusterSpec(input: ClusterSpecInput): ClusterSpec {
  const { topology, previous } = input;
  const placement = place(topology, previous?.placement);
  const spec: ClusterSpec = {
    revision: previous?.revision ?? 1,
    topology,
    hosts: hostSpecs(topology, input.addresses),
    gatewayAddress: topology.gateway === null ? null : (input.gatewayAddress ?? topology.gateway.address),
    networkPrefix: input.networkPrefix,
    placement,
    restarts: livingRestarts(placement, previous?.restarts ?? {}),
    holds: previous?.holds ?? [],
  };
  if (topology.gateway !== null && spec.gatewayAddress === null) {
    throw new NinesError('E_CONFIG_INVALID', 'gateway.address: is missing; give the virtual address of the gateway');
  }
  if (previous === undefined || isDeepStrictEqual(spec, previous)) return spec;
  return { ...spec, revision: previous.revision + 1 };
}

function hostSpecs(topology: Topology, addresses: Record<HostName, string>): Record<HostName, HostSpec> {
  return Object.fromEntries(
    Object.entries(topology.hosts).map(([host, { region, zone, address }]) => {
      const own = addresses[host] ?? address;
      if (own === null) throw new NinesError('E_CONFIG_INVALID', `host ${host}: no address is known; give it in the topology`);
      return [host, { address: own, zone, region }];
    }),
  );
}

/** A unit that is gone takes its count along: one that comes back there later has not been asked to restart. */
function livingRestarts(placement: Placement, restarts: Record<string, number>): Record<string, number> {
  const living = new Set(placement.units.map((unit) => `${unit.name}@${unit.host}`));
  return Object.fromEntries(Object.entries(restarts).filter(([unit]) => living.has(unit)));
}
