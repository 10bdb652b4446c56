/** The world that the model explores: etcd, hosts with the core that ships, PostgreSQL reduced to what failover depends on. */
import type { Duty, Message, PostgresCommand } from '../src/failover/commands.ts';
import type { Event } from '../src/failover/events.ts';
import type { LogEnd, Timeline } from '../src/failover/log.ts';
import type { GroupRecord, NodeName, RecordView, VoterSet } from '../src/failover/record.ts';
import { bootState, type NodeState, type Postgres } from '../src/failover/state.ts';
import type { Step } from '../src/failover/step.ts';
import { firstRecord } from '../src/failover/transitions.ts';

export interface Sender {
  to: NodeName;
  /** Under a name that counts in this primary's term. */
  counted: boolean;
  /** Greatest position that this connection reported flushed: what was in flight may arrive after the receiver's death. */
  flush: number;
  /** The setting as this walsender knows it. */
  seen: VoterSet;
}

export interface Link {
  leader: NodeName;
  term: number;
  counted: boolean;
}

export type Server =
  | { mode: 'down' }
  | { mode: 'standby'; link: Link | null }
  | { mode: 'primary'; term: number; setting: VoterSet; armed: boolean; admitting: boolean; senders: readonly Sender[] };

export interface Job {
  command: PostgresCommand;
  stage: number;
  /** What a rebuild has copied. */
  copy: LogEnd | null;
}

export interface Swap {
  revision: number;
  record: GroupRecord;
}

export interface Host {
  core: NodeState;
  disk: { promise: number; taint: number; log: LogEnd; link: Link | null };
  server: Server;
  job: Job | null;
  /** A command that outlived its agent; only while that duty is taken away. */
  ghost: Job | null;
  swap: Swap | null;
  /** A swap whose client gave up or died; it may still happen. */
  orphan: Swap | null;
}

export interface Letter {
  to: NodeName;
  message: Message;
}

/** How often each thing may still happen. */
export interface Budget {
  writes: number;
  exits: number;
  restarts: number;
  losses: number;
  requests: number;
}

export interface Acked {
  term: number;
  /** Greatest position acknowledged by anybody, and by standbys. */
  lsn: number;
  replicated: number;
}

export interface World {
  etcd: RecordView;
  hosts: readonly Host[];
  /** Everything ever sent: a letter may arrive never, late, in any order, and again. */
  mail: readonly Letter[];
  /** Where timelines really forked. */
  tree: readonly Timeline[];
  acked: readonly Acked[];
  budget: Budget;
  /** A wall of PostgreSQL itself that was broken on the way here. */
  broken: string | null;
}

export interface Scope {
  name: string;
  what: string;
  nodes: number;
  acks: number;
  epochs: number;
  budget: Budget;
  requests: readonly Extract<Event, { kind: 'request' }>['request'][];
  /** Letters of epochs that are decided still arrive. Without it they are lost, which is one of the things that may happen to them. */
  keepsOldMail: boolean;
  /** The first voters; every node but the leader unless named. */
  voters?: readonly NodeName[];
  /** Nodes that may suspect the leader; all unless named. */
  candidates?: readonly NodeName[];
  /** Actions, by their labels, that have happened already when the exploration begins. */
  prologue?: readonly string[];
  /** Hosts that exit and restart; all unless named. */
  fragile?: readonly NodeName[];
  /** Acknowledged writes may be lost, as an operator asked for; everything else must hold. */
  allowsLoss?: boolean;
}

export interface Model {
  scope: Scope;
  step: (state: NodeState, event: Event) => Step;
  duties: Readonly<Record<Duty, boolean>>;
  /** Called for every new step of a core. */
  watch: (step: Step, core: NodeState, event: Event) => void;
  /** Of the hosts that are kept: what became of them after an event that may come again. */
  outcomes: Map<Host, Map<object, Outcome>>;
  keep: (host: Host) => Host;
}

export interface Outcome {
  host: Host;
  letters: readonly Letter[];
}

export function makeModel(parts: Pick<Model, 'scope' | 'step' | 'duties' | 'watch'>): Model {
  return { ...parts, outcomes: new Map(), keep: (host) => host };
}

const SYSTEM = 'system';

/** One open leader that has written nothing yet, every other node a connected voter. */
export function firstWorld({ nodes, acks, budget, voters }: Scope): World {
  const names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  const [leader = '', ...standbys] = names;
  const setting: VoterSet = { acks, voters: voters ?? standbys };
  const log: LogEnd = { term: 1, lsn: 1 };
  const etcd = { revision: 1, record: firstRecord(SYSTEM, leader, setting, log) };
  const link: Link = { leader, term: 1, counted: true };
  const hosts = names.map((me): Host => {
    const isLeader = me === leader;
    const postgres: Postgres = isLeader
      ? { mode: 'primary', term: 1, setting, proven: true, admitting: true }
      : { mode: 'standby', following: link, log: null };
    const senders = standbys.map((to): Sender => ({ to, counted: true, flush: log.lsn, seen: setting }));
    return {
      core: { ...bootState(me, SYSTEM, { promise: 0, taint: 0, postgres }), view: etcd, newestRevision: etcd.revision },
      disk: { promise: 0, taint: 0, log, link },
      server: isLeader ? { mode: 'primary', term: 1, setting, armed: acks > 0, admitting: true, senders } : { mode: 'standby', link },
      job: null,
      ghost: null,
      swap: null,
      orphan: null,
    };
  });
  return { etcd, hosts, mail: [], tree: etcd.record.timelines, acked: [], budget, broken: null };
}

export function hostOf(world: World, name: NodeName): Host {
  return world.hosts.find(({ core }) => core.me === name) as Host;
}

export function withHost(world: World, host: Host): World {
  return { ...world, hosts: world.hosts.map((each) => (each.core.me === host.core.me ? host : each)) };
}

/** What an agent finds when it looks at its PostgreSQL. */
export function observed({ server }: Host): Postgres {
  if (server.mode === 'down') return server;
  if (server.mode === 'standby') return { mode: 'standby', following: server.link, log: null };
  const { term, setting, admitting } = server;
  return { mode: 'primary', term, setting, proven: false, admitting };
}
