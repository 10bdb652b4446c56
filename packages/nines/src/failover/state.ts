/** What one node knows. Only `promise` and `taint` are durable; the rest is read and observed anew after a restart. */
import type { PostgresCommand } from './commands.ts';
import type { Order } from './events.ts';
import type { LogEnd } from './log.ts';
import type { FenceReport } from './quorum.ts';
import type { NodeName, RecordView, VoterSet } from './record.ts';

export type Postgres =
  | { mode: 'down' }
  /** `log` is known, and true, only while it follows nobody. */
  | { mode: 'standby'; following: { leader: NodeName; term: number; counted: boolean } | null; log: LogEnd | null }
  | { mode: 'primary'; term: number; setting: VoterSet; proven: boolean; admitting: boolean }
  /** Stopped cleanly for a switchover; `to` has all of it. */
  | { mode: 'handed'; to: NodeName; log: LogEnd };

export interface NodeState {
  me: NodeName;
  systemId: string;
  /** Greatest epoch in which this node promised to acknowledge nothing before it is decided. Durable. */
  promise: number;
  /** Term that this node was promoted to without having been seen to anchor it; 0: none. Durable. */
  taint: number;
  /** Null when it has to be read before anything is decided. */
  view: RecordView | null;
  /** Of the newest record seen since the agent started: an answer that is older was overtaken on its way. */
  newestRevision: number;
  postgres: Postgres;
  /** The detectors suspect the leader of this epoch. */
  suspected: boolean;
  /** The executor's present command. */
  acting: PostgresCommand['kind'] | null;
  /** A compare-and-swap without an answer yet. */
  swapping: boolean;
  /** The newest request for a promise that was not answered yet. */
  asked: { epoch: number; from: NodeName } | null;
  /** The promises for my own epoch. */
  ballot: { epoch: number; reports: readonly FenceReport[] } | null;
  /** What was ordered while the record stood at `revision`; forgotten when it stands at another. */
  ordered: { kind: Order['kind']; revision: number } | null;
}

/** An agent that starts, with what it found on disk and running. */
export function bootState(me: NodeName, systemId: string, found: { promise: number; taint: number; postgres: Postgres }): NodeState {
  return {
    me,
    systemId,
    ...found,
    view: null,
    newestRevision: 0,
    suspected: false,
    acting: null,
    swapping: false,
    asked: null,
    ballot: null,
    ordered: null,
  };
}

/** The end of the log of a standby that receives nothing; null when it moves, may begin to, or is not sure. */
export function restingLog({ postgres, acting }: NodeState): LogEnd | null {
  return acting === null && postgres.mode === 'standby' && postgres.following === null ? postgres.log : null;
}
