/** Follows an order that moves the leadership to its end, which the views show. */
import { NinesError } from '../../errors/errors.ts';
import type { GroupView } from '../../failover/group-view.ts';
import { type GroupCluster, watchViews } from './group.ts';
import { newestView, viewWords } from './newest-view.ts';

export interface LeaderChange {
  group: string;
  /** Who led before; null: nobody was known to. */
  from: { host: string; term: number } | null;
  to: { host: string; term: number };
  /** What the agent said when it took the order. */
  reason: string;
  /** From the order to the first agent that says that the new leader admits clients. */
  tookMs: number;
}

export interface Ordered {
  group: string;
  before: GroupView;
  /** Null: any member but the leader of before. */
  to: string | null;
  reason: string;
  startedAt: number;
}

export interface Followed {
  timeoutMs: number;
  signal: AbortSignal;
  /** What is known now, one line, when it changes. */
  progress(line: string): void;
}

/** @throws NinesError E_ORDER_FAILED when another one leads then, or nothing changed; E_ORDER_UNKNOWN when it is undecided at the deadline. */
export async function followChange(
  cluster: GroupCluster,
  ordered: Ordered,
  { timeoutMs, signal, progress }: Followed,
): Promise<LeaderChange> {
  const { group, before, to, reason, startedAt } = ordered;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let last = before;
  let said = '';
  const leader = await watchViews(cluster, group, deadline, (told) => {
    last = newestView(told) ?? last;
    const words = viewWords(last);
    if (words !== said) progress(words);
    said = words;
    return isLaterLeader(last, before) ? last.leader : null;
  });
  const tookMs = performance.now() - startedAt;
  signal.throwIfAborted();
  if (leader === null) throw whatStands(ordered, last, timeoutMs);
  const from = before.leader === null ? null : { host: before.leader.host, term: before.leader.term };
  if (to === null ? leader.host === from?.host : leader.host !== to) {
    throw new NinesError(
      'E_ORDER_FAILED',
      `${to ?? 'another member'} did not take over: ${leader.host} leads group '${group}' in term ${leader.term}`,
    );
  }
  return { group, from, to: { host: leader.host, term: leader.term }, reason, tookMs };
}

function isLaterLeader({ leader }: GroupView, before: GroupView): boolean {
  return leader !== null && leader.term > Math.max(before.term, before.leader?.term ?? 0);
}

function whatStands({ group, before }: Ordered, last: GroupView, timeoutMs: number): NinesError {
  const within = `within ${timeoutMs / 1000} s`;
  if (last.phase === 'open' && last.leader !== null && last.term === before.term) {
    return new NinesError(
      'E_ORDER_FAILED',
      `nothing changed ${within}: ${last.leader.host} still leads group '${group}' in term ${last.term}`,
    );
  }
  return new NinesError('E_ORDER_UNKNOWN', `group '${group}' has no new leader ${within}: ${viewWords(last)}`);
}
