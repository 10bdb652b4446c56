/** Which of several agents' words about a group is the newest. Pure. */
import type { GroupView } from '../../failover/group-view.ts';

export interface ToldView {
  host: string;
  view: GroupView;
}

/** The later attempt, then the later leader; of the same the leader's own word, which alone knows the standbys exactly. */
export function newestView(told: readonly ToldView[]): GroupView | null {
  const [newest] = told.toSorted((left, right) => compare(rank(right), rank(left)));
  return newest?.view ?? null;
}

function rank({ host, view }: ToldView): number[] {
  return [view.epoch, view.term, view.leader?.term ?? 0, view.leader?.host === host ? 1 : 0];
}

function compare(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

/** 'term 3, epoch 5, open' */
export function viewWords(view: GroupView): string {
  const leader = view.leader === null ? 'nobody is known to lead' : `${view.leader.host} led last`;
  const state = view.phase === 'open' ? 'open' : `${view.phase}, ${leader}`;
  return `term ${view.term}, epoch ${view.epoch}, ${state}`;
}
