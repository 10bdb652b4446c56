/** What the agents of a group tell each other every `heartbeatMs`, and at once when it matters. */
import type { NodeName, RecordView } from './record.ts';
import type { Message } from './commands.ts';

export interface Heartbeat {
  node: NodeName;
  /** Grows with each heartbeat of one life of the agent. */
  sequence: number;
  epoch: number;
  term: number;
  role: 'primary' | 'standby' | 'down' | 'handed' | 'empty';
  /** A primary that admits clients. */
  admitting: boolean;
  /** The local probe passes: the server answers within its deadline. */
  healthy: boolean;
  /** The postmaster of a leader exited: reported at once. */
  exited: boolean;
  /** Quorum-acknowledged writes in this life of the agent; only a leader's grows. */
  pulses: number;
  flushLsn: number | null;
  replayLsn: number | null;
  /** The term that it follows by streaming; null: none. */
  streamsTerm: number | null;
  /** It is to be taken out of the voters: its data is to be made anew. */
  leaves: boolean;
  /** Within its own patience it hears the leader of `epoch`. */
  content: boolean;
  /** How late its event loop ran at worst since its last heartbeat. */
  lagMs: number;
}

/** Everything that passes between two agents about one group. */
export type PeerMessage = { group: string } & (
  | { kind: 'heartbeat'; heartbeat: Heartbeat }
  | { kind: 'core'; message: Message }
  /** A record as it was written: saves the others the read. Of any age. */
  | { kind: 'record'; view: RecordView }
  | { kind: 'pre-vote'; id: number; epoch: number }
  | { kind: 'pre-vote-answer'; id: number; leaderAdvanced: boolean; walMoved: boolean; isSilent: boolean }
);
