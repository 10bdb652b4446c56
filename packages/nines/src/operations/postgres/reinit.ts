/** A member's data is replaced by a copy of the leader. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import type { Followed } from './change-of-leader.ts';
import { type GroupCluster, order, presentView, requireMember, toldViews } from './group.ts';
import { newestView } from './newest-view.ts';

const ASK_AGAIN_MS = 150;

export interface Reinitialised {
  group: string;
  host: string;
  leader: string;
  reason: string;
  /** Until it streams from the leader again. */
  tookMs: number;
}

/** @throws NinesError E_USAGE (the leader, or no member), E_NO_LEADER, E_ORDER_REFUSED, E_ORDER_UNKNOWN at the deadline */
export async function reinit(cluster: GroupCluster, group: string, host: string, options: Followed): Promise<Reinitialised> {
  requireMember(cluster.spec, group, host);
  const { leader } = await presentView(cluster, group, options.signal);
  if (leader === null) throw new NinesError('E_NO_LEADER', `group '${group}' has no leader to copy from`);
  if (leader.host === host) {
    throw new NinesError('E_USAGE', `${host} leads group '${group}': what it has is what the others copy`, {
      hint: `Let another one lead first: nines switchover ${group}.`,
    });
  }
  const startedAt = performance.now();
  const before = await processOf(cluster, group, host, options.signal);
  const reason = await order(cluster, { group, host, action: 'reinit' }, options.signal);
  await untilItFollows(cluster, { group, host, startedBeforeMs: before.startedAtMs }, options);
  return { group, host, leader: leader.host, reason, tookMs: performance.now() - startedAt };
}

/** Its server was another process before, and the new one streams from the leader. */
async function untilItFollows(
  cluster: GroupCluster,
  { group, host, startedBeforeMs }: { group: string; host: string; startedBeforeMs: number | null },
  { timeoutMs, signal, progress }: Followed,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let said = '';
  while (!deadline.aborted) {
    const { startedAtMs, reason } = await processOf(cluster, group, host, deadline);
    const view = newestView(await toldViews(cluster, group, deadline).catch(() => []));
    if (reason !== said && !deadline.aborted) progress((said = reason));
    const isAnother = startedAtMs !== null && startedAtMs !== startedBeforeMs;
    if (isAnother && view?.replicas.some((replica) => replica.host === host) === true) return;
    await delay(ASK_AGAIN_MS, undefined, { signal: deadline }).catch(() => undefined);
  }
  signal.throwIfAborted();
  throw new NinesError(
    'E_ORDER_UNKNOWN',
    `the member on ${host} does not follow the leader again after ${timeoutMs / 1000} s: ${said || 'it says nothing'}`,
  );
}

async function processOf(
  cluster: GroupCluster,
  group: string,
  host: string,
  signal: AbortSignal,
): Promise<{ startedAtMs: number | null; reason: string }> {
  const [answer] = await cluster.agents.states({ [host]: cluster.addresses[host] ?? '' }, signal);
  const unit = answer?.state?.units.find((one) => one.engine === 'postgres' && one.group === group);
  return { startedAtMs: unit?.startedAtMs ?? null, reason: unit?.reason ?? answer?.error ?? 'its agent does not know it' };
}
