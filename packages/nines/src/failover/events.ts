/** What a node learns. Time comes in as facts: detectors with a clock stand outside, so that no decision can rest on one. */
import type { Message } from './commands.ts';
import type { LogEnd } from './log.ts';
import type { NodeName, RecordView, VoterSet } from './record.ts';
import type { Postgres } from './state.ts';

export type Event =
  /** A read of etcd that returned. One that is older than what this agent knew before is ignored; it must have begun after the agent's core did. */
  | { kind: 'read'; view: RecordView }
  /** A record that another agent wrote, of any age. It counts when it is newer than one that was read: what an agent knew before it started is not known. */
  | { kind: 'told'; view: RecordView }
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
  /**
   * To the leader: enough voters consented after this epoch opened, or too few of them are alive to make an acknowledgement. To a voter:
   * the same, and the leader is well but has not ended the election itself, because it does not reach etcd.
   */
  consent: boolean;
}

/** What policy or an operator asks of the leader, or of one standby. Refused requests change nothing: they are asked again. */
export type Request =
  /** Anchor on others. */
  | { kind: 'retarget'; target: VoterSet }
  | { kind: 'change'; set: VoterSet }
  | { kind: 'reverse' }
  | { kind: 'switchover'; to: NodeName }
  | Order;

/** To a standby, by an operator or, for `reinit`, by policy. It holds until the record changes. */
export type Order =
  /** Lead with the log that is there, whatever was acknowledged elsewhere. The only way in which acknowledged writes are ever lost. */
  | { kind: 'force' }
  /** Give up the own data for a copy of the leader’s, though it is part of the leader’s history: its WAL was recycled there, or is not trusted. */
  | { kind: 'reinit' };
