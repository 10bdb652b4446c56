/** Automatic failover off and on again: for work on the network or on etcd that would look like an outage. */
import { NinesError } from '../../errors/errors.ts';
import { type GroupCluster, order, toldViews, watchViews } from './group.ts';

/** @returns what the agent said. @throws NinesError E_NO_LEADER, E_ORDER_REFUSED, E_ORDER_UNKNOWN when not every agent that answers has seen it in time */
export async function setPaused(
  cluster: GroupCluster,
  group: string,
  paused: boolean,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<string> {
  const [any] = await toldViews(cluster, group, signal);
  if (any === undefined) throw new NinesError('E_NO_LEADER', `no agent says anything about PostgreSQL group '${group}'`);
  const reason = await order(cluster, { group, host: any.host, action: paused ? 'pause' : 'resume' }, signal);
  const hosts = Object.keys(cluster.addresses).length;
  let others: string[] = [];
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const seen = await watchViews(cluster, group, deadline, (told) => {
    others = told.filter(({ view }) => view.paused !== paused).map(({ host }) => host);
    return told.length === hosts && others.length === 0 ? true : null;
  });
  signal.throwIfAborted();
  if (seen === true) return reason;
  if (others.length === 0) return `${reason}; not every host answers: the others see it when they are back`;
  throw new NinesError(
    'E_ORDER_UNKNOWN',
    `${others.join(', ')} did not see it within ${timeoutMs / 1000} s; they reach etcd later, or not at all`,
  );
}
