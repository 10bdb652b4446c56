/** In which order processes are replaced when their settings changed. Pure. */
import type { EngineName, PlacedUnit } from '../topology/cluster-spec.ts';
import type { HostAnswer } from './agent-client.ts';

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

/** What a unit says of itself when the others of its group depend on it. */
const LEADING_ROLES: readonly (string | null)[] = ['primary', 'master', 'active'];

/** unit@host of those that lead now, by their own word. */
export function leadingUnits(answers: readonly HostAnswer[]): Set<string> {
  return new Set(
    answers.flatMap(({ host, state }) =>
      (state?.units ?? []).filter(({ role }) => LEADING_ROLES.includes(role)).map(({ name }) => unitKey({ name, host })),
    ),
  );
}

/**
 * By engine; within a group those that follow before the one that leads, else by ordinal. So a group changes its leader once at
 * most, to one that is done already. @param leading `leadingUnits`
 */
export function turnOrder(units: readonly PlacedUnit[], leading: ReadonlySet<string>): PlacedUnit[] {
  const rank = (unit: PlacedUnit): number[] => [ENGINE_ORDER.indexOf(unit.engine), leading.has(unitKey(unit)) ? 1 : 0, unit.ordinal];
  return units.toSorted((left, right) => {
    const [a, b] = [rank(left), rank(right)];
    const differs = a.findIndex((value, at) => value !== b[at]);
    return differs === -1 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
  });
}

export const unitKey = (unit: { name: string; host: string }): string => `${unit.name}@${unit.host}`;
