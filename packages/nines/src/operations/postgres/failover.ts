/** The way out when the last complete log is gone for good: a member leads with what it has. Acknowledged writes may be lost. */
import { NinesError } from '../../errors/errors.ts';
import type { GroupView } from '../../failover/group-view.ts';
import { followChange, type Followed, type LeaderChange } from './change-of-leader.ts';
import { type GroupCluster, order, requireMember, toldViews } from './group.ts';
import { newestView } from './newest-view.ts';

export interface FailoverPlan {
  group: string;
  to: string;
  before: GroupView;
  /** What may be lost, and what would be better, for whoever has to agree; one sentence each. */
  warnings: string[];
}

/** @throws NinesError E_USAGE when the group has a leader that works, or the host no member; E_NO_LEADER when nobody answers. */
export async function planFailover(cluster: GroupCluster, group: string, to: string, signal: AbortSignal): Promise<FailoverPlan> {
  requireMember(cluster.spec, group, to);
  const told = await toldViews(cluster, group, signal);
  const proven = told.find(({ host, view }) => view.proven && view.leader?.host === host);
  if (proven !== undefined) {
    throw new NinesError('E_USAGE', `${proven.host} leads group '${group}' and proves it: nothing has to be lost`, {
      hint: `Use 'nines switchover ${group} --to ${to}', which loses nothing.`,
    });
  }
  const before = newestView(told);
  if (before === null) throw new NinesError('E_NO_LEADER', `no agent says anything about PostgreSQL group '${group}'`);
  return { group, to, before, warnings: warningsOf(group, to, before) };
}

function warningsOf(group: string, to: string, { leader, term, lone }: GroupView): string[] {
  const last = leader === null ? `the leader of term ${term}` : `${leader.host}, the leader of term ${leader.term},`;
  return [
    `Every write that ${last} acknowledged and ${to} does not hold is lost for good.`,
    ...(lone ? [`The leader was alone: it acknowledged writes that no other member has seen.`] : []),
    `Better, where it is possible: bring the missing hosts of group '${group}' back, and nothing is lost. A change of leader by choice is 'nines switchover'.`,
  ];
}

/** Throws E_USAGE when it was not said. */
export function requireLossAllowed(group: string, isAllowed: boolean): void {
  if (isAllowed) return;
  throw new NinesError('E_USAGE', `acknowledged writes of group '${group}' may be lost, which has to be said: --allow-data-loss`, {
    hint: `Nothing was changed. 'nines switchover' loses nothing; 'nines explain' says what an automatic failover waits for.`,
  });
}

/** @throws NinesError E_ORDER_REFUSED, E_ORDER_FAILED, E_ORDER_UNKNOWN */
export async function failover(cluster: GroupCluster, plan: FailoverPlan, options: Followed): Promise<LeaderChange> {
  const { group, to, before } = plan;
  const startedAt = performance.now();
  const reason = await order(cluster, { group, host: to, action: 'failover', body: { to, allowDataLoss: true } }, options.signal);
  return followChange(cluster, { group, before, to, reason, startedAt }, options);
}
