/** The Redis servers and Sentinels of one group, as placement decided them. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { ClusterSpec, EngineName, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { RedisTopology } from '../../topology/topology.ts';
import type { Place } from './role-at-start.ts';

export interface RedisMember {
  unit: PlacedUnit;
  address: string;
  port: number;
}

export interface RedisGroup {
  /** Also the name under which the Sentinels know the master. */
  name: string;
  settings: RedisTopology;
  /** By ordinal. */
  nodes: RedisMember[];
  sentinels: RedisMember[];
  /** The master at the very first start. */
  initialMaster: RedisMember;
}

/** @throws NinesError E_CONFIG_INVALID when the spec has no such group, no initial master or more than one. */
export function redisGroup(spec: ClusterSpec, name: string | null): RedisGroup {
  const settings = name === null ? undefined : spec.topology.redis[name];
  if (name === null || settings === undefined)
    throw new NinesError('E_CONFIG_INVALID', `there is no Redis group '${name}' in the topology`);
  const nodes = membersOf(spec, name, 'redis', settings.port);
  const [initialMaster, second] = nodes.filter(({ unit }) => unit.initialLeader);
  if (initialMaster === undefined || second !== undefined) {
    throw new NinesError('E_CONFIG_INVALID', `Redis group '${name}' needs exactly one initial master in its placement`);
  }
  return { name, settings, nodes, sentinels: membersOf(spec, name, 'sentinel', settings.sentinel.port), initialMaster };
}

function membersOf(spec: ClusterSpec, group: string, engine: EngineName, port: number): RedisMember[] {
  return spec.placement.units
    .filter((unit) => unit.engine === engine && unit.group === group)
    .toSorted((left, right) => left.ordinal - right.ordinal)
    .map((unit) => {
      const host = spec.hosts[unit.host];
      if (host === undefined) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' is placed on the unknown host '${unit.host}'`);
      return { unit, address: host.address, port };
    });
}

/** Where a member listens, as Redis and Sentinel name it. */
export function placeOf({ address, port }: RedisMember): Place {
  return { host: address, port };
}

/** The member that this unit is. */
export function memberOf(members: readonly RedisMember[], unit: PlacedUnit): RedisMember {
  const member = members.find((candidate) => candidate.unit.ordinal === unit.ordinal);
  if (member === undefined) throw new NinesError('E_CONFIG_INVALID', `unit '${unit.name}' is not in the placement of '${unit.group}'`);
  return member;
}
