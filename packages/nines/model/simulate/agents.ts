/** The agents of a simulation: the detectors and the policy that ship, on the simulated clock, beside the core that ships. */
import { MemberPolicy } from '../../src/agent/failover/member-policy.ts';
import type { ZonedPlace } from '../../src/agent/failover/places.ts';
import { StaleCopy } from '../../src/agent/failover/stale-copy.ts';
import { Watch } from '../../src/agent/failover/watch/watch.ts';
import type { MemberSight } from '../../src/engines/postgres/control.ts';
import type { Heartbeat, PeerMessage } from '../../src/failover/heartbeat.ts';
import type { Proposal } from '../../src/failover/policy/membership.ts';
import { isVoter, type NodeName } from '../../src/failover/record.ts';
import { TIMING } from '../../src/failover/timing.ts';
import { type Host, hostOf } from '../world.ts';
import { ETCD } from './network.ts';
import type { Simulation } from './simulation.ts';

const GROUP = 'db';
const TICK_MS = 40;
const POLICY_MS = 100;
const READ_MS = 500;

interface Agent {
  watch: Watch;
  policy: MemberPolicy;
  stale: StaleCopy;
  sequence: number;
  pulses: number;
  /** Greatest position acknowledged in the own term, and when it grew last. */
  ackedLsn: number;
  provenMs: number;
  walLsn: number;
  primaryTerm: number;
}

export class Agents {
  readonly #simulation: Simulation;
  readonly #agents = new Map<NodeName, Agent>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    for (const name of simulation.names) this.#start(name);
    simulation.onStart = (name) => this.#start(name);
    simulation.onGiven = (name, { core }, event) => {
      const isCopied = event.kind === 'rebuilt';
      if (isCopied || (event.kind === 'failed' && core.acting === 'rebuild')) this.#agent(name).stale.ended(isCopied, simulation.nowMs);
    };
  }

  /** What policy would ask of the leader now. */
  proposal(name: NodeName): Proposal | null {
    const host = this.#simulation.host(name);
    return this.#agent(name).policy.request(host.core, this.#sight(host));
  }

  standstill(name: NodeName): string | null {
    const host = this.#simulation.host(name);
    return this.#agent(name).policy.standstill(host.core, this.#sight(host));
  }

  explain(name: NodeName): string {
    return this.#agent(name).watch.explain();
  }

  #start(name: NodeName): void {
    const simulation = this.#simulation;
    const now = (): number => simulation.nowMs;
    const send = (to: NodeName, message: PeerMessage): void => simulation.send(name, to, () => this.#receive(to, name, message));
    const watch = new Watch({ group: GROUP, me: name, timing: TIMING, now, send, random: () => simulation.random.next() });
    const policy = new MemberPolicy({
      ...{ me: name, timing: TIMING, now, watch },
      durability: () => 'quorum',
      places: () => simulation.names.map(placeOf),
      etcdReachable: () => simulation.network.connects(name, ETCD),
      opened: () => {},
    });
    const walLsn = simulation.host(name).disk.log.lsn;
    this.#agents.set(name, {
      watch,
      policy,
      stale: new StaleCopy(),
      sequence: 0,
      pulses: 0,
      ackedLsn: 0,
      provenMs: now(),
      walLsn,
      primaryTerm: 0,
    });
    simulation.every(TIMING.heartbeatMs, name, 'agent', () => this.#beat(name));
    simulation.every(TICK_MS, name, 'agent', () => this.#tick(name));
    simulation.every(POLICY_MS, name, 'agent', () => this.#propose(name));
    simulation.every(READ_MS, name, 'agent', () => simulation.read(name));
  }

  #agent(name: NodeName): Agent {
    return this.#agents.get(name) as Agent;
  }

  #receive(me: NodeName, from: NodeName, message: PeerMessage): void {
    const { watch } = this.#agent(me);
    if (message.kind === 'heartbeat') watch.heard(message.heartbeat);
    else if (message.kind === 'pre-vote') watch.preVoteAsked(from, message.id, message.epoch);
    else if (message.kind === 'pre-vote-answer') watch.preVoteAnswered(from, message);
  }

  #beat(name: NodeName): void {
    const heartbeat = this.#heartbeat(name);
    this.#agent(name).watch.heard(heartbeat);
    for (const to of this.#simulation.names) {
      if (to !== name) this.#simulation.send(name, to, () => this.#receive(to, name, { group: GROUP, kind: 'heartbeat', heartbeat }));
    }
  }

  #heartbeat(name: NodeName): Heartbeat {
    const agent = this.#agent(name);
    const { core, server, disk } = this.#simulation.host(name);
    const record = core.view?.record;
    const isPrimary = server.mode === 'primary';
    const role = core.postgres.mode === 'handed' ? 'handed' : server.mode;
    return {
      node: name,
      sequence: ++agent.sequence,
      epoch: record?.epoch ?? 0,
      term: isPrimary ? server.term : (record?.term ?? 0),
      role,
      admitting: isPrimary && server.admitting,
      healthy: server.mode !== 'down' && !this.#simulation.isFrozen(name, 'server') && this.#canOpen(name),
      exited: server.mode === 'down' && record?.leader === name && record.term === agent.primaryTerm,
      pulses: agent.pulses,
      flushLsn: disk.log.lsn,
      replayLsn: disk.log.lsn,
      streamsTerm: this.#streams(name) && server.mode === 'standby' ? (server.link?.term ?? null) : null,
      leaves: agent.stale.isTrying,
      content: agent.watch.content(),
      lagMs: 0,
    };
  }

  /** A leader whose term is not open needs etcd to open it; without etcd it stands in everybody's way. */
  #canOpen(name: NodeName): boolean {
    const { server } = this.#simulation.host(name);
    const isWaiting = server.mode === 'primary' && !server.admitting;
    return !isWaiting || this.#simulation.network.connects(name, ETCD);
  }

  #streams(name: NodeName): boolean {
    const { world, network, recycled } = this.#simulation;
    const { server } = hostOf(world, name);
    if (recycled.has(name)) return false;
    if (server.mode !== 'standby' || server.link === null || !network.connects(name, server.link.leader)) return false;
    const source = hostOf(world, server.link.leader).server;
    return source.mode === 'primary' && source.term === server.link.term && source.senders.some(({ to }) => to === name);
  }

  #tick(name: NodeName): void {
    const simulation = this.#simulation;
    const agent = this.#agent(name);
    const { core, server, disk } = simulation.host(name);
    if (server.mode === 'standby' && disk.log.lsn > agent.walLsn) agent.watch.walMoved();
    agent.walLsn = disk.log.lsn;
    if (server.mode === 'primary') agent.primaryTerm = server.term;
    this.#prove(name, agent);
    this.#probe(name, agent);
    simulation.give(name, { kind: 'tick', facts: agent.watch.facts(core) });
    this.#renew(name, agent);
  }

  /** A standby to which nothing comes is copied anew. */
  #renew(name: NodeName, { stale, watch }: Agent): void {
    const simulation = this.#simulation;
    const host = simulation.host(name);
    const { core: state } = host;
    const record = state.view?.record;
    if (record === undefined) return;
    const leader = watch.latest(record.leader);
    stale.look({ nowMs: simulation.nowMs, state, sight: this.#sight(host), leader, isContent: watch.content() });
    const isFree = state.acting === null && state.ordered === null && !isVoter(record, name);
    if (stale.isTrying && isFree) simulation.give(name, { kind: 'request', request: { kind: 'reinit' } });
  }

  /** The server of a leader whose agent is silent answers soon, or not at all. */
  #probe(name: NodeName, { watch }: Agent): void {
    const simulation = this.#simulation;
    const leader = watch.serverToProbe();
    if (leader === null || simulation.isOff(leader) || !simulation.network.connects(name, leader)) return;
    const answered = simulation.host(leader).server.mode !== 'down' && !simulation.isFrozen(leader, 'server');
    simulation.after(simulation.random.between(1, 10), name, 'agent', () => watch.serverProbed(leader, answered));
  }

  /** A leader that cannot prove that it leads, by acknowledged writes or by etcd, stops its PostgreSQL. */
  #prove(name: NodeName, agent: Agent): void {
    const simulation = this.#simulation;
    const { server } = simulation.host(name);
    const lsn = server.mode === 'primary' ? (simulation.world.acked.find(({ term }) => term === server.term)?.lsn ?? 0) : 0;
    const isProven = server.mode !== 'primary' || !server.admitting || lsn !== agent.ackedLsn || simulation.network.connects(name, ETCD);
    if (lsn !== agent.ackedLsn) agent.pulses++;
    agent.ackedLsn = lsn;
    if (isProven) agent.provenMs = simulation.nowMs;
    else if (simulation.nowMs - agent.provenMs > TIMING.proofMs) simulation.exit(name);
  }

  #propose(name: NodeName): void {
    const { core, server } = this.#simulation.host(name);
    if (core.view?.record.leader !== name) return;
    const standstill = server.mode === 'primary' ? this.standstill(name) : null;
    if (standstill !== null) return this.#simulation.exit(name);
    const proposal = this.proposal(name);
    if (proposal !== null) this.#simulation.give(name, { kind: 'request', request: proposal.request });
  }

  #sight({ core, server, disk }: Host): MemberSight {
    const { names } = this.#simulation;
    const senders = server.mode === 'primary' ? server.senders : [];
    const standbys = senders
      .filter(({ to }) => names.includes(to) && this.#streams(to) && hostOf(this.#simulation.world, to).server.mode === 'standby')
      .filter(({ to }) => followed(hostOf(this.#simulation.world, to)) === core.me)
      .map(({ to, counted, flush }) => ({ node: to, counted, streaming: true, flushLsn: flush, lagBytes: disk.log.lsn - flush }));
    return {
      answers: !this.#simulation.isFrozen(core.me, 'server'),
      role: server.mode === 'down' ? null : server.mode,
      term: disk.log.term,
      flushLsn: disk.log.lsn,
      replayLsn: disk.log.lsn,
      streaming: this.#streams(core.me),
      standbys,
    };
  }
}

function followed({ server }: Host): NodeName | null {
  return server.mode === 'standby' ? (server.link?.leader ?? null) : null;
}

const ZONES = ['a', 'b', 'c'];

function placeOf(node: NodeName): ZonedPlace {
  const zone = ZONES[(Number(node.slice(1)) - 1) % ZONES.length] ?? '';
  return { node, host: node, address: node, port: 5432, zone };
}
