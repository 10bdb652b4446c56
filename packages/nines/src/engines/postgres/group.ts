/** The members of one PostgreSQL group, as placement decided them. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { NodeName } from '../../failover/record.ts';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { PostgresTopology } from '../../topology/topology.ts';

export interface PostgresMember {
  unit: PlacedUnit;
  address: string;
  port: number;
  role: 'primary' | 'standby';
  /**
   * `replica_<ordinal>`: its replication role, its slot and its application name at once. Names in `ANY k (...)` are
   * matched exactly and one name on two connections counts twice, so each member has its own.
   */
  replicaName: string;
}

export interface PostgresGroup {
  name: string;
  settings: PostgresTopology;
  /** By ordinal. */
  members: PostgresMember[];
  primary: PostgresMember;
}

/** @throws NinesError E_CONFIG_INVALID when the spec has no such group, no primary or more than one. */
export function postgresGroup(spec: ClusterSpec, name: string): PostgresGroup {
  const settings = spec.topology.postgres[name];
  if (settings === undefined) throw new NinesError('E_CONFIG_INVALID', `there is no PostgreSQL group '${name}' in the topology`);
  const members = spec.placement.units
    .filter((unit) => unit.engine === 'postgres' && unit.group === name)
    .toSorted((left, right) => left.ordinal - right.ordinal)
    .map((unit) => memberOf(spec, unit, settings));
  const [primary, second] = members.filter((member) => member.role === 'primary');
  if (primary === undefined || second !== undefined) {
    throw new NinesError('E_CONFIG_INVALID', `PostgreSQL group '${name}' needs exactly one initial primary in its placement`);
  }
  return { name, settings, members, primary };
}

function memberOf(spec: ClusterSpec, unit: PlacedUnit, settings: PostgresTopology): PostgresMember {
  const host = spec.hosts[unit.host];
  if (host === undefined) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' is placed on the unknown host '${unit.host}'`);
  return {
    unit,
    address: host.address,
    port: settings.port,
    role: unit.initialLeader ? 'primary' : 'standby',
    replicaName: `replica_${unit.ordinal}`,
  };
}

/** The group of a unit and the unit's own place in it. */
export function membershipOf(spec: ClusterSpec, unit: PlacedUnit): { group: PostgresGroup; member: PostgresMember } {
  if (unit.group === null) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' belongs to no PostgreSQL group`);
  const group = postgresGroup(spec, unit.group);
  const member = group.members.find((candidate) => candidate.unit.ordinal === unit.ordinal);
  if (member === undefined) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' is not in the placement of '${unit.group}'`);
  return { group, member };
}

/** @throws NinesError E_CONFIG_INVALID when no other member is called so. */
export function otherMember(group: PostgresGroup, me: PostgresMember, node: NodeName): PostgresMember {
  const found = group.members.find(({ replicaName }) => replicaName === node);
  if (found !== undefined && found.replicaName !== me.replicaName) return found;
  throw new NinesError('E_CONFIG_INVALID', `'${node}' is no other member of PostgreSQL group '${group.name}'`);
}
