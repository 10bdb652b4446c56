import type { ClusterSpec } from '../cluster-spec.ts';
import { pathText } from '../problems.ts';
import { groupRefusals } from './refused-groups.ts';
import { identityRefusals } from './refused-identities.ts';

/**
 * Changes that may not be made while the cluster runs, because they would lose data or leave it in two minds:
 * a line for each, 'etcd.replicas: it is 3 and cannot become 5: ...'. `apply` does nothing when there is one.
 */
export function refusals(before: ClusterSpec, after: ClusterSpec): string[] {
  return [...identityRefusals(before, after), ...groupRefusals(before, after)].map(({ path, why }) => `${pathText(path)}: ${why}`);
}
