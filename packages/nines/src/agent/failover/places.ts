/** Which node of a group stands on which host. Pure. */
import { postgresGroup } from '../../engines/postgres/group.ts';
import type { MemberPlace } from '../../failover/group-view.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';

export interface ZonedPlace extends MemberPlace {
  zone: string;
}

/** By ordinal; empty for a group that the spec does not have, or not in a way that could run. */
export function placesOf(spec: ClusterSpec, group: string): ZonedPlace[] {
  try {
    return postgresGroup(spec, group).members.map(({ unit, address, port, replicaName }) => ({
      node: replicaName,
      host: unit.host,
      address,
      port,
      zone: spec.hosts[unit.host]?.zone ?? '',
    }));
  } catch {
    return []; // The unit's own plan says what is wrong with it.
  }
}
