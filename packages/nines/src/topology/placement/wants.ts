import { sentinelCount } from '../defaults.ts';
import type { EngineName } from '../cluster-spec.ts';
import type { Topology } from '../topology.ts';

/** So many units of one engine and group, wherever they fit best. */
export interface Want {
  engine: EngineName;
  group: string | null;
  count: number;
  /** Several on one host are allowed; they are stateless and may be moved for a better spread. */
  crowding: boolean;
  /** One of its units leads at first. */
  leads: boolean;
  /** An engine of which one unit stands beside each of these, with the same ordinal. */
  companion: EngineName | null;
}

/** Everything the topology asks for, in the order in which it is placed: the least movable first. */
export function wants(topology: Topology): Want[] {
  const hostCount = Object.keys(topology.hosts).length;
  const plain = { crowding: false, leads: false, companion: null };
  return [
    { ...plain, engine: 'etcd', group: null, count: topology.etcd.replicas },
    { ...plain, engine: 'haproxy', group: null, count: topology.gateway?.replicas ?? 0, leads: true, companion: 'keepalived' },
    ...sorted(topology.postgres).map(([group, { replicas }]) => ({
      ...plain,
      engine: 'postgres' as const,
      group,
      count: replicas,
      leads: true,
    })),
    ...sorted(topology.redis).flatMap(([group, { replicas }]) => [
      { ...plain, engine: 'redis' as const, group, count: replicas, leads: true },
      { ...plain, engine: 'sentinel' as const, group, count: sentinelCount(replicas, hostCount) },
    ]),
    ...sorted(topology.services).map(([group, { replicas }]) => ({
      ...plain,
      engine: 'service' as const,
      group,
      count: replicas,
      crowding: true,
    })),
    {
      ...plain,
      engine: 'prometheus',
      group: null,
      count: topology.observe.prometheus ? 1 : 0,
      companion: topology.observe.alertmanager ? 'alertmanager' : null,
    },
  ];
}

/** Unique on a host: 'etcd', 'postgres-main', 'orders-2'. */
export function unitName(engine: EngineName, group: string | null, ordinal: number): string {
  if (engine === 'service') return `${group}-${ordinal}`;
  return group === null ? engine : `${engine}-${group}`;
}

function sorted<T>(groups: Record<string, T>): [string, T][] {
  return Object.entries(groups).sort(([left], [right]) => byText(left, right));
}

/** The same order on every machine, whatever its locale. */
export function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
