/** Sets of hosts, to say between whom a fault stands. Pure. */
import type { HostName, ZoneName } from '../topology/topology.ts';
import { type Lab, type LabEndpoint, MACHINE } from './lab.ts';

export function hostsInZone(lab: Lab, zone: ZoneName): HostName[] {
  return Object.values(lab.hosts)
    .filter((host) => host.zone === zone)
    .map(({ name }) => name);
}

/** All other hosts, and the machine: the far side of a zone that is cut off. */
export function everyoneBut(lab: Lab, endpoints: readonly LabEndpoint[]): LabEndpoint[] {
  return [...Object.keys(lab.hosts), MACHINE].filter((endpoint) => !endpoints.includes(endpoint));
}
