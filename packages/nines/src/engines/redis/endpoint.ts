/** Where clients find a Redis group. Pure; no passwords. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { placeOf, redisGroup } from './group.ts';
import type { Place } from './role-at-start.ts';

export interface RedisEndpoint {
  /** What to ask the Sentinels for. */
  masterName: string;
  /** TLS only, as are the nodes; ACL user `app` on both. */
  sentinels: Place[];
  nodes: Place[];
}

export function redisEndpoint(spec: ClusterSpec, group: string): RedisEndpoint {
  const { name, nodes, sentinels } = redisGroup(spec, group);
  return { masterName: name, sentinels: sentinels.map(placeOf), nodes: nodes.map(placeOf) };
}
