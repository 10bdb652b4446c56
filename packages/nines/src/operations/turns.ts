/** In which order processes are replaced when their settings changed. Pure. */
import type { EngineName, PlacedUnit } from '../topology/cluster-spec.ts';

/** What others stand on first: when the services' turn comes, their stores already run as wanted. */
const ENGINE_ORDER: readonly EngineName[] = [
  'etcd',
  'postgres',
  'redis',
  'sentinel',
  'prometheus',
  'alertmanager',
  'haproxy',
  'keepalived',
  'service',
];

/** By engine; within a group those that follow before the one that led first, else by ordinal. */
export function turnOrder(units: readonly PlacedUnit[]): PlacedUnit[] {
  const rank = (unit: PlacedUnit): number[] => [ENGINE_ORDER.indexOf(unit.engine), unit.initialLeader ? 1 : 0, unit.ordinal];
  return units.toSorted((left, right) => {
    const [a, b] = [rank(left), rank(right)];
    const differs = a.findIndex((value, at) => value !== b[at]);
    return differs === -1 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
  });
}

export const unitKey = (unit: { name: string; host: string }): string => `${unit.name}@${unit.host}`;
