/** Agents of one group under a simulated clock: heartbeats and pre-votes with delay, loss and stalls, no PostgreSQL and no core. */
import type { Heartbeat, PeerMessage } from '../../../../failover/heartbeat.ts';
import type { GroupRecord } from '../../../../failover/record.ts';
import { ARITHMETIC } from '../../../../failover/quorum.ts';
import { bootState } from '../../../../failover/state.ts';
import { TIMING, type Timing } from '../../../../failover/timing.ts';
import { firstRecord, ledBy } from '../../../../failover/transitions.ts';
import { Watch } from '../watch.ts';

export interface Conditions {
  timing: Timing;
  /** In [0, 1). */
  random(): number;
  /** Longest time a message takes; the shortest is 0.2 ms. */
  delayMs: number;
  /** Longest time by which a heartbeat is late. */
  jitterMs: number;
}

export interface SimulatedNode {
  name: string;
  watch: Watch;
  heartbeat: Heartbeat;
  /** Host or agent stands still until then. */
  stalledUntilMs: number;
  /** Its PostgreSQL acknowledges (leader) or sends WAL (leader) and receives it (standby). */
  acknowledges: boolean;
  writes: boolean;
  /** Its postmaster takes connections, whatever its agent does. */
  serverAnswers: boolean;
  /** What it asked of the leader's server. */
  probe: { atMs: number; of: string; answered: boolean } | null;
  probes: number;
  /** WAL, since it was last looked for. */
  received: boolean;
  nextLookMs: number;
  nextTickMs: number;
  nextBeatMs: number;
  inbox: { atMs: number; from: string; message: PeerMessage }[];
}

const SET = { acks: 1, voters: ['n2', 'n3'] };
const TICK_MS = 50;
const BUSY_TICK_MS = 20;
const LOOK_MS = 100;

export class SimulatedGroup {
  nowMs = 0;
  record: GroupRecord = firstRecord('s', 'n1', SET, { term: 1, lsn: 1 });
  revision = 1;
  readonly nodes = new Map<string, SimulatedNode>();
  /** 'from>to' links that lose everything. */
  readonly cut = new Set<string>();
  readonly suspicions: { node: string; atMs: number }[] = [];
  private readonly conditions: Conditions;

  constructor(conditions: Partial<Conditions> = {}, names = ['n1', 'n2', 'n3']) {
    this.conditions = { timing: TIMING, random: Math.random, delayMs: 1, jitterMs: 5, ...conditions };
    for (const name of names) this.boot(name);
  }

  node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  boot(name: string): void {
    const { random, timing } = this.conditions;
    const watch = new Watch({
      group: 'main',
      me: name,
      timing,
      random,
      now: () => this.nowMs,
      send: (to, message) => this.deliver(name, to, message),
    });
    const heartbeat: Heartbeat = {
      ...{ node: name, sequence: 0, epoch: 1, term: 1, role: name === this.record.leader ? 'primary' : 'standby', admitting: true },
      ...{ healthy: true, exited: false, pulses: 0, flushLsn: 100, replayLsn: 100, streamsTerm: 1, content: true, lagMs: 0, leaves: false },
    };
    this.nodes.set(name, {
      ...{ name, watch, heartbeat, stalledUntilMs: 0, acknowledges: true, writes: false, received: false, inbox: [] },
      ...{ serverAnswers: true, probe: null, probes: 0 },
      nextLookMs: this.nowMs + random() * LOOK_MS,
      nextTickMs: this.nowMs + random() * TICK_MS,
      nextBeatMs: this.nowMs + random() * timing.heartbeatMs,
    });
  }

  /** Everybody learns of it at their next tick. */
  writeRecord(record: GroupRecord): void {
    this.record = record;
    this.revision++;
  }

  takeOver(node: string): void {
    this.writeRecord({
      ...ledBy(ARITHMETIC, this.record, { node, log: { term: this.record.term, lsn: 5 } }),
      epoch: this.record.epoch + 1,
    });
  }

  freeze(name: string, forMs = Number.POSITIVE_INFINITY): void {
    this.node(name).stalledUntilMs = this.nowMs + forMs;
  }

  freezeHost(name: string): void {
    this.freeze(name);
    this.node(name).serverAnswers = false;
  }

  isolate(name: string): void {
    for (const other of this.nodes.keys()) {
      this.cut.add(`${name}>${other}`);
      this.cut.add(`${other}>${name}`);
    }
  }

  run(forMs: number, until: () => boolean = () => false): void {
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs && !until()) {
      this.nowMs += 1;
      for (const node of this.nodes.values()) if (node.stalledUntilMs <= this.nowMs) this.turn(node);
    }
  }

  /** As Node's event loop: timers first, then what has come in. */
  private turn(node: SimulatedNode): void {
    const { leader } = this.record;
    if (this.node(leader).writes && !this.cut.has(`${leader}>${node.name}`)) node.received = true;
    if (node.nextTickMs <= this.nowMs) this.tick(node);
    if (node.nextBeatMs <= this.nowMs) this.beat(node);
    const due = node.inbox.filter(({ atMs }) => atMs <= this.nowMs);
    node.inbox = node.inbox.filter(({ atMs }) => atMs > this.nowMs);
    if (node.probe !== null && node.probe.atMs <= this.nowMs) {
      node.watch.serverProbed(node.probe.of, node.probe.answered);
      node.probe = null;
    }
    for (const { from, message } of due) this.receive(node, from, message);
  }

  private tick(node: SimulatedNode): void {
    const { name, watch } = node;
    if (name !== this.record.leader && node.nextLookMs <= this.nowMs) {
      // What came since the last look: also when it has ended meanwhile.
      if (node.received) watch.walMoved();
      node.received = false;
      node.nextLookMs = this.nowMs + LOOK_MS;
    }
    const leader = node.probe === null ? watch.serverToProbe() : null;
    if (leader !== null) node.probe = this.probe(node, leader);
    const found = { promise: 0, taint: 0, postgres: { mode: 'standby', following: null, log: null } } as const;
    const state = { ...bootState(name, 's', found), view: { revision: this.revision, record: this.record } };
    const { suspected } = watch.facts(state);
    if (suspected) this.suspicions.push({ node: name, atMs: this.nowMs });
    node.nextTickMs = this.nowMs + (suspected || watch.isAlert() ? BUSY_TICK_MS : TICK_MS);
  }

  private probe(node: SimulatedNode, of: string): SimulatedNode['probe'] {
    const { random, delayMs, timing } = this.conditions;
    const isReached = !this.cut.has(`${node.name}>${of}`) && !this.cut.has(`${of}>${node.name}`);
    const answered = isReached && this.node(of).serverAnswers;
    node.probes++;
    // There and back twice, and a process that starts.
    return { atMs: this.nowMs + (answered ? 2 + 4 * random() * delayMs : timing.serverProbeMs), of, answered };
  }

  private beat(node: SimulatedNode): void {
    const { timing, random, jitterMs } = this.conditions;
    const { heartbeat, watch } = node;
    heartbeat.sequence++;
    heartbeat.epoch = this.record.epoch;
    heartbeat.term = this.record.term;
    heartbeat.content = watch.content();
    if (node.name === this.record.leader && node.acknowledges) heartbeat.pulses++;
    watch.heard({ ...heartbeat });
    for (const to of this.nodes.keys()) {
      if (to !== node.name) this.deliver(node.name, to, { group: 'main', kind: 'heartbeat', heartbeat: { ...heartbeat } });
    }
    node.nextBeatMs = this.nowMs + timing.heartbeatMs + random() * jitterMs;
  }

  private deliver(from: string, to: string, message: PeerMessage): void {
    if (this.cut.has(`${from}>${to}`)) return;
    const { random, delayMs } = this.conditions;
    this.nodes.get(to)?.inbox.push({ atMs: this.nowMs + 0.2 + random() * delayMs, from, message });
  }

  private receive({ watch }: SimulatedNode, from: string, message: PeerMessage): void {
    if (message.kind === 'heartbeat') watch.heard(message.heartbeat);
    else if (message.kind === 'pre-vote') watch.preVoteAsked(from, message.id, message.epoch);
    else if (message.kind === 'pre-vote-answer') watch.preVoteAnswered(from, message);
  }
}

/** Small and the same everywhere: a failure names the seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
