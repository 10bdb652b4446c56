/** What the services of a host may ask their agent over the unix socket: where things are. No secrets. Pure. */
import { redisEndpoint } from '../engines/redis/endpoint.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';

/** `/v1/host`, `/v1/redis/GROUP`; null for anything else. Where PostgreSQL is, changes: `routing/postgres-feed.ts`. */
export function localView(spec: ClusterSpec, host: string, path: string): unknown {
  const [, version, kind, group] = path.split('/');
  if (version !== 'v1') return null;
  if (kind === 'host' && group === undefined) {
    return { cluster: spec.topology.name, host, ...spec.hosts[host], revision: spec.revision, gateway: spec.gatewayAddress };
  }
  if (kind === 'redis' && group !== undefined && Object.hasOwn(spec.topology.redis, group)) return redisEndpoint(spec, group);
  return null;
}
