import type { ClusterSpec } from '../cluster-spec.ts';
import type { RefusedPath } from './refused-identities.ts';

/** Members, ports and names of the groups that hold data. */
export function groupRefusals({ topology: before }: ClusterSpec, { topology: after }: ClusterSpec): RefusedPath[] {
  return [
    ...fixed(['etcd'], before.etcd, after.etcd, { ...MEMBERS, clientPort: PORT, peerPort: PORT }),
    ...eachGroup('postgres', before.postgres, after.postgres, (path, was, is) => [
      ...fixed(path, was, is, { ...MEMBERS, port: PORT, database: 'the data is in the database of that name' }),
      ...lowered([...path, 'parameters'], was.parameters, is.parameters),
    ]),
    ...eachGroup('redis', before.redis, after.redis, (path, was, is) => [
      ...fixed(path, was, is, { ...MEMBERS, port: PORT }),
      ...fixed([...path, 'sentinel'], was.sentinel, is.sentinel, { port: PORT }),
    ]),
  ];
}

/** PostgreSQL's own defaults of the settings in which a standby may not stay below its primary. */
const NEVER_BELOW_PRIMARY: Record<string, number> = {
  max_connections: 100,
  max_locks_per_transaction: 64,
  max_prepared_transactions: 0,
  max_worker_processes: 8,
};

/** A standby that starts with less than its primary ran with stops at once: lowering takes more than a restart of each. */
function lowered(path: string[], was: Record<string, string>, is: Record<string, string>): RefusedPath[] {
  return Object.entries(NEVER_BELOW_PRIMARY).flatMap(([name, fallback]) => {
    const [before, after] = [Number(was[name] ?? fallback), Number(is[name] ?? fallback)];
    if (!(after < before)) return [];
    const why = `it is ${before} and cannot become ${after}: a standby with less than its primary does not start`;
    return [{ path: [...path, name], why }];
  });
}

const MEMBERS = { replicas: 'members cannot be added or taken away while the cluster runs' };
const PORT = 'the members and their clients know each other by it';

function eachGroup<Group>(
  kind: 'postgres' | 'redis',
  before: Record<string, Group>,
  after: Record<string, Group>,
  compare: (path: string[], was: Group, is: Group) => RefusedPath[],
): RefusedPath[] {
  return Object.entries(before).flatMap(([name, was]) => {
    const path = [kind, name];
    const is = after[name];
    return is === undefined
      ? [{ path, why: 'a group cannot be taken away while the cluster runs: its data would be lost' }]
      : compare(path, was, is);
  });
}

function fixed<T extends object>(path: string[], was: T, is: T, why: Partial<Record<keyof T, string>>): RefusedPath[] {
  return (Object.entries(why) as [keyof T & string, string][])
    .filter(([key]) => was[key] !== is[key])
    .map(([key, reason]) => ({ path: [...path, key], why: `it is ${String(was[key])} and cannot become ${String(is[key])}: ${reason}` }));
}
