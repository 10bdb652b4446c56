/** Which host to ask for what, by the agents' word. */
import { NinesError } from '../../errors/errors.ts';
import { type GroupCluster, presentView } from './group.ts';

/** The host whose server admits writers. Throws E_NO_LEADER when none is known to. */
export async function leaderHost(cluster: GroupCluster, group: string, signal: AbortSignal): Promise<string> {
  const { leader, phase, term } = await presentView(cluster, group, signal);
  if (leader === null) throw new NinesError('E_NO_LEADER', `PostgreSQL group '${group}' has no leader now: ${phase}, term ${term}`);
  return leader.host;
}

/** The standby that is least behind. Throws E_NO_LEADER when none streams from the leader. */
export async function replicaHost(cluster: GroupCluster, group: string, signal: AbortSignal): Promise<string> {
  const { replicas } = await presentView(cluster, group, signal);
  const [first] = replicas;
  if (first === undefined) throw new NinesError('E_NO_LEADER', `no standby of PostgreSQL group '${group}' streams from its leader`);
  return first.host;
}
