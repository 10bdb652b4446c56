/** PostgreSQL's leadership as this host's agent knows it, for whoever routes, shows or commands: one object for all groups of the cluster. */
import type { GroupView } from '../../failover/group-view.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';

export type FailoverAction = 'switchover' | 'failover' | 'pause' | 'resume' | 'reinit';

export interface CommandAnswer {
  accepted: boolean;
  /** One sentence: what happens now, or what stands against it. */
  reason: string;
}

/** This host's own member. */
export interface MemberHealth {
  node: string;
  role: Heartbeat['role'];
  /** The server answered its last probe. */
  answers: boolean;
  /** A primary that admits clients. */
  admitting: boolean;
  /** A primary whose proof of leadership is fresh. */
  proven: boolean;
  /** A standby that streams from the leader of the recorded term. */
  streaming: boolean;
  /** A standby under the name that counts, and a voter of the record. */
  counted: boolean;
  term: number;
  /** Flushed position, bytes; null when it is not known. */
  flushLsn: number | null;
  replayLsn: number | null;
  /** Behind the leader's last known position, bytes; null when that is not known, and on a primary 0. */
  lagBytes: number | null;
  paused: boolean;
}

export interface Failover {
  /** Every PostgreSQL group of the topology, with a member on this host or without. */
  groups(): string[];
  /** Null for a group that the topology does not have. */
  view(group: string): GroupView | null;
  /** Called with each view that differs from the last one of its group; at once with those that are known. Returns how to end that. */
  onView(listener: (view: GroupView) => void): () => void;
  /** Answers at once: whether it was accepted. What becomes of it is in the view. Never rejects. */
  command(group: string, action: FailoverAction, body: unknown): Promise<CommandAnswer>;
  /** NDJSON, the oldest first, at most 1000 lines: {atMs, host, group, rule, name, reason, held, epoch, term, event, commands}. */
  decisions(group: string, sinceMs: number): string;
  /** Null when this host has no member of the group. */
  health(group: string): MemberHealth | null;
}
