/** One member of a PostgreSQL group, as the failover core drives it: its process, and one serial executor of commands. */
import type { PostgresCommand } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import type { NodeState } from '../../failover/state.ts';
import type { EngineIo, UnitContext } from '../engine.ts';

/** The postmaster, kept by the unit's runner: recorded, adopted by the next agent, its end announced. */
export interface ServerProcess {
  /** Null: no postmaster runs. */
  readonly pid: number | null;
  /** Resolves when the process exists; rejects when one runs already or the file cannot be executed. */
  spawn(signal: AbortSignal): Promise<void>;
  /** To the postmaster alone; nothing when it is gone. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when no postmaster runs. */
  gone(signal: AbortSignal): Promise<void>;
}

export interface ControlOptions {
  context: UnitContext;
  server: ServerProcess;
  /** Of the agent's whole life: what it starts dies with it. */
  io: EngineIo;
}

/** What was found of this member when the agent started. */
export type FoundMember = Pick<NodeState, 'systemId' | 'promise' | 'taint' | 'postgres'>;

/** A quorum-acknowledged write: proof that nobody else leads. */
export interface Pulse {
  /** Flush position of this server behind it, in bytes. */
  lsn: number;
  tookMs: number;
}

/** How this member is; every field by a query or a look at its files, none by memory. Null where the server does not answer. */
export interface MemberSight {
  /** `select` answered within its deadline. */
  answers: boolean;
  role: 'primary' | 'standby' | null;
  /** Timeline: of the server when primary, received when standby. */
  term: number | null;
  /** Flushed (primary) or received and flushed (standby). */
  flushLsn: number | null;
  replayLsn: number | null;
  /** A walreceiver streams. */
  streaming: boolean;
  /** Of a primary: what its standbys reported, by node name. `counted`: under the name of this very term. */
  standbys: { node: string; counted: boolean; streaming: boolean; flushLsn: number; lagBytes: number }[];
}

/**
 * Never more than one call of `boot`, `execute` and `bear` at a time: the driver sees to it. `pulse` and `look` run beside them.
 * A command never rejects but by its signal: whatever fails half-way answers `failed` with what was observed afterwards.
 */
export interface PostgresControl {
  /** Whether PGDATA is there and complete. */
  hasData(): Promise<boolean>;
  /** The group's first data: initdb. Leaves no server running. */
  initialise(signal: AbortSignal): Promise<{ systemId: string; end: { term: number; lsn: number } }>;
  /** A member without data: a copy of the leader, complete before it is in its place. Leaves no server running. */
  clone(leader: string, signal: AbortSignal): Promise<void>;
  /** Ends what an earlier agent left half-way, keeps a sound server as it is, and says what is there. */
  boot(signal: AbortSignal): Promise<FoundMember>;
  execute(command: PostgresCommand, signal: AbortSignal): Promise<PostgresEvent>;
  /** Of a primary. Rejects when no quorum acknowledged it by the deadline; never cancels a waiting commit of a client. */
  pulse(deadlineMs: number): Promise<Pulse>;
  look(deadlineMs: number): Promise<MemberSight>;
  /** A clean stop is under way and new clients are turned away: they had better not be sent here. */
  readonly isClosing: boolean;
  /** Closes connections; the server goes on. */
  close(): void;
}
