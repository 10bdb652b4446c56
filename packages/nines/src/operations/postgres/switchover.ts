/** A planned change of leader: the leader stops cleanly, and the successor has all of its log. */
import { NinesError } from '../../errors/errors.ts';
import { followChange, type Followed, type LeaderChange } from './change-of-leader.ts';
import { type GroupCluster, order, presentView, requireMember } from './group.ts';

/**
 * @param to host of the new leader; null: the standby that is least behind.
 * @throws NinesError E_USAGE, E_NO_LEADER, E_ORDER_REFUSED, E_ORDER_FAILED, E_ORDER_UNKNOWN
 */
export async function switchover(cluster: GroupCluster, group: string, to: string | null, options: Followed): Promise<LeaderChange> {
  if (to !== null) requireMember(cluster.spec, group, to);
  const before = await presentView(cluster, group, options.signal);
  const { leader } = before;
  if (leader === null) {
    throw new NinesError('E_NO_LEADER', `group '${group}' has no leader that could hand over: ${before.phase}, term ${before.term}`);
  }
  if (leader.host === to)
    throw new NinesError('E_USAGE', `${to} leads group '${group}' already, in term ${leader.term}`, { hint: 'Nothing to do.' });
  const startedAt = performance.now();
  const reason = await order(cluster, { group, host: leader.host, action: 'switchover', body: { to } }, options.signal);
  return followChange(cluster, { group, before, to, reason, startedAt }, options);
}
