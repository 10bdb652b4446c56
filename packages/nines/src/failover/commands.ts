/**
 * What a node's decisions ask its shell to do. PostgreSQL's commands go through one serial executor, one at a time; its answer
 * is an event of the same name in the past (see events.ts), or `failed`.
 */
import type { Timeline } from './log.ts';
import type { GroupRecord, NodeName, VoterSet } from './record.ts';

/** A candidate asks for promises only after its epoch is confirmed. */
export type Message =
  | { kind: 'ask'; epoch: number; from: NodeName }
  | { kind: 'promise'; epoch: number; from: NodeName; systemId: string; log: { term: number; lsn: number } };

export type PostgresCommand =
  /** Start as a standby that follows nobody. The only way in which PostgreSQL ever starts. */
  | { kind: 'start' }
  /** Make `epoch` the durable promise unless it is greater already, end every walreceiver, then find the end of the log. */
  | { kind: 'fence'; epoch: number }
  /**
   * Forget the timelines that `term` does not descend from, then stream from `leader`: as `node_t<term>` when counted, as
   * `node_f<term>` when not.
   */
  | { kind: 'follow'; leader: NodeName; term: number; timelines: readonly Timeline[]; counted: boolean }
  | { kind: 'clearTaint' }
  /** Write the taint, place the history files of every term below, bar clients, apply the setting, promote, check the timeline. */
  | { kind: 'promote'; term: number; timelines: readonly Timeline[]; setting: VoterSet }
  | { kind: 'reload'; setting: VoterSet }
  /** Wait until every walsender has the setting, and `acks` of its voters have flushed all that was written before. */
  | { kind: 'prove'; setting: VoterSet }
  | { kind: 'admit' }
  /** Stop at once, then start as `start` does. */
  | { kind: 'demote' }
  /** Copy the leader into a new directory and put it in place of the old one when it is complete. */
  | { kind: 'rebuild'; leader: NodeName; term: number }
  /** Stop admitting and stop cleanly; answer only when `to` has flushed the shutdown checkpoint. */
  | { kind: 'shutDown'; to: NodeName };

export type Command =
  | PostgresCommand
  /** A linearizable read. */
  | { kind: 'read' }
  /** Compare-and-swap. Its outcome is `swapped`, also when it is not known. */
  | { kind: 'swap'; revision: number; record: GroupRecord }
  | { kind: 'send'; to: NodeName; message: Message };

/** One executor for every command, of the shell and of the model: one that is missing does not compile. */
export type PostgresExecutors<Context extends unknown[], Result> = {
  [Kind in PostgresCommand['kind']]: (command: Extract<PostgresCommand, { kind: Kind }>, ...context: Context) => Result;
};

/** What the shell must guarantee, by name: the model takes each away in turn to show what it is for. */
export const DUTIES = {
  bootFenced: 'PostgreSQL starts as a standby without a walreceiver, whatever its files said before',
  promiseDurable: 'the promise is on disk, file and directory synced, before anything else of a fence is done',
  receiverDead: 'no walreceiver process that was started before the fence lives when the end of the log is read',
  exactRevision: 'a swap happens at the very revision it names, or not at all',
  unknownStaysUnknown: 'an unanswered swap is reported as unknown, never as done or refused',
  termInName: 'a walsender counts only under the name of its leader’s term',
  taintFirst: 'the taint is on disk before PostgreSQL is promoted',
  failClosed: 'the setting is in force before the promotion, and clients are barred until admitted',
  freshTimeline: 'the promotion makes the named term its timeline, and no other',
  everySender: 'a setting is proven only when every walsender has it',
  flushedByQuorum: 'a setting is proven only by the flush positions of its own voters, behind all that was written before',
  armed: 'leaving lone, a setting is proven only when a commit was seen waiting',
  diesWithAgent: 'a command whose agent is gone never takes effect afterwards',
  atomicReplace: 'the old data is in place until the new is complete; they change places in one step',
  checkpointArrived: 'a clean stop is reported only when the target has flushed the shutdown checkpoint',
} as const;

export type Duty = keyof typeof DUTIES;

/** `diesWithAgent` is every executor's. */
export const COMMAND_DUTIES: { [Kind in Command['kind']]: readonly Duty[] } = {
  read: [],
  swap: ['exactRevision', 'unknownStaysUnknown'],
  send: [],
  start: ['bootFenced'],
  fence: ['promiseDurable', 'receiverDead'],
  follow: ['termInName'],
  clearTaint: [],
  promote: ['taintFirst', 'failClosed', 'freshTimeline'],
  reload: [],
  prove: ['everySender', 'flushedByQuorum', 'armed'],
  admit: [],
  demote: ['bootFenced'],
  rebuild: ['atomicReplace'],
  shutDown: ['checkpointArrived'],
};
