/**
 * When the server of a leader that is gone is started again: not while others decide who leads and come up with it, nor while clients come
 * to them. All of that needs the machine, and nobody waits for one more standby.
 */
import type { NodeState } from '../../failover/state.ts';

/** An election is opened within this, or not at all: then it is this member that leads again. */
const ELECTION_MS = 250;
/** One that takes longer may need this member. */
const DECISION_MS = 500;
/** By then the next leader has its clients. */
const SUCCESSION_MS = 1_000;

export interface LaterStart {
  state: NodeState;
  /** Since the start was ordered. */
  waitedMs: number;
  /** What exited by itself just before was a primary. */
  ledLast: boolean;
}

/** Asked from the order on until it is true. Only a server that led until now is ever waited with. */
export function mayStart({ state, waitedMs, ledLast }: LaterStart): boolean {
  const record = state.view?.record;
  if (record === undefined) return true;
  if (state.postgres.mode !== 'handed' && !ledLast) return true;
  // A candidate wants a promise, or this member will be one: only a server can say where its log ends.
  if (state.asked !== null || state.suspected) return true;
  const isWaitedFor = (record.target ?? record.guards.at(-1))?.voters.includes(state.me) === true;
  if (record.phase === 'electing') return waitedMs >= DECISION_MS;
  if (record.leader !== state.me) return isWaitedFor || waitedMs >= SUCCESSION_MS;
  const othersMay = record.phase === 'open' && record.guards.some(({ voters }) => voters.length > 0);
  return !othersMay || waitedMs >= ELECTION_MS;
}
