/** What a node learns. Time comes in as facts: detectors with a clock stand outside, so that no decision can rest on one. */
import type { Message } from './commands.ts';
import type { LogEnd } from './log.ts';
import type { NodeName, RecordView, VoterSet } from './record.ts';
import type { Postgres } from './state.ts';

export type Event =
  /** A read that returned, of any age: older ones than what is known are ignored. */
  | { kind: 'read'; view: RecordView }
  | { kind: 'swapped'; outcome: 'done'; view: RecordView }
  | { kind: 'swapped'; outcome: 'refused' | 'unknown' }
  | { kind: 'message'; message: Message }
  | { kind: 'tick'; facts: Facts }
  | { kind: 'request'; request: Request }
  | PostgresEvent;

/** Answers of the executor, and what the shell saw by itself. */
export type PostgresEvent =
  /** PostgreSQL's process is gone. */
  | { kind: 'exited' }
  | { kind: 'started' }
  /** `log` is null when its end is not sure. */
  | { kind: 'fenced'; promise: number; log: LogEnd | null }
  | { kind: 'followed'; leader: NodeName; term: number; counted: boolean }
  | { kind: 'taintCleared' }
  | { kind: 'promoted'; term: number; setting: VoterSet }
  | { kind: 'reloaded'; setting: VoterSet }
  | { kind: 'proved'; setting: VoterSet }
  | { kind: 'admitted' }
  | { kind: 'demoted' }
  | { kind: 'rebuilt'; log: LogEnd; taint: number }
  | { kind: 'wasShutDown'; to: NodeName; log: LogEnd }
  /** Nothing is known of how far it got: what is there was observed afterwards. */
  | { kind: 'failed'; postgres: Postgres; promise: number; taint: number };

/** What the detectors say at this moment. */
export interface Facts {
  /** The leader is suspected, and the pre-vote agrees. */
  suspected: boolean;
  /** The running election is older than an election may take. */
  overdue: boolean;
  /** Enough voters consented after this epoch opened, or too few of them are alive to make an acknowledgement. */
  consent: boolean;
}

/** What policy or an operator asks of the leader. Refused requests change nothing: they are asked again. */
export type Request =
  /** Anchor on others. */
  { kind: 'retarget'; target: VoterSet } | { kind: 'change'; set: VoterSet } | { kind: 'reverse' } | { kind: 'switchover'; to: NodeName };
