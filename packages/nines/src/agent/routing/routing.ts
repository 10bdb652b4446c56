/** Everybody who has to find PostgreSQL's leader learns it here: this host's gateway, and load balancers of others. */
import { masterSocketOf, runtimeSocketOf } from '../../engines/haproxy/engine.ts';
import type { HostPaths } from '../../engines/engine.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { AGENT_HEALTH_PORT } from '../../topology/ports.ts';
import type { Failover } from '../failover/groups.ts';
import { GatewayRoutes, type GatewaySockets } from './gateway-routes.ts';
import { startHealthServer } from './health.ts';

export interface RoutingOptions {
  failover: Failover;
  /** The desired state as it is now. */
  spec(): ClusterSpec;
  host: string;
  paths: HostPaths;
  log(message: string): void;
}

/** Without the port for load balancers the rest works all the same: that is logged. Closing leaves the gateway as it is. */
export async function startRouting({ failover, spec, host, paths, log }: RoutingOptions): Promise<{ close(): Promise<void> }> {
  const address = spec().hosts[host]?.address ?? '127.0.0.1';
  const health = await startHealthServer(failover, { address, port: AGENT_HEALTH_PORT }).catch((error: Error) => {
    log(`load balancers get no answers on port ${AGENT_HEALTH_PORT}: ${error.message}`);
    return null;
  });
  const sockets = (): GatewaySockets | null => {
    const unit = spec().placement.units.find((placed) => placed.host === host && placed.engine === 'haproxy');
    return unit === undefined ? null : { runtime: runtimeSocketOf({ paths, unit }), master: masterSocketOf({ paths, unit }) };
  };
  const routes = new GatewayRoutes({ sockets, log, now: () => performance.now() });
  const stopFollowing = failover.onView((view) => routes.follow(view));
  return {
    close: async () => {
      stopFollowing();
      health?.closeAllConnections();
      await Promise.all([routes.close(), new Promise<void>((resolve) => (health === null ? resolve() : health.close(() => resolve())))]);
    },
  };
}
