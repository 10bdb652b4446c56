/**
 * The model's world with a clock: the same hosts, executors and core, but every step takes its time, links are slow, one-way or cut,
 * and what happens next is chance by a seed. The explorer shows that nothing bad ever happens; this shows that something good does.
 */
import type { Event } from '../../src/failover/events.ts';
import type { GroupRecord, NodeName, RecordView } from '../../src/failover/record.ts';
import { sameSet } from '../../src/failover/record.ts';
import { acknowledged } from '../acknowledge.ts';
import { rebooted, streamed } from '../actions.ts';
import { deliver } from '../deliver.ts';
import { violation } from '../invariants.ts';
import { perform } from '../postgres.ts';
import { firstWorld, type Host, hostOf, type Job, type Model, observed, type World, withHost } from '../world.ts';
import { Agenda, type Entry } from './agenda.ts';
import { ETCD, Network } from './network.ts';
import type { Random } from './random.ts';
import { STAGE_MS } from './durations.ts';

/** What one host is besides its part of the world. */
interface Life {
  number: number;
  isOff: boolean;
  frozenUntilMs: { agent: number; server: number };
  swaps: number;
}

/** After this long without an answer a swap's outcome is not known. */
const SWAP_DEADLINE_MS = 1_000;
const WRITE_EVERY_MS = 50;
const STREAM_EVERY_MS = 20;

export class Simulation {
  nowMs = 0;
  world: World;
  broken: string | null = null;
  /** An operator has given up what others may hold. */
  allowsLoss = false;
  readonly network: Network;
  readonly names: readonly NodeName[];
  /** Standbys whose next log is kept by no leader any more: they receive nothing until they are copied anew. */
  readonly recycled = new Set<NodeName>();
  /** The answers and requests that a core was given, behind its decision. */
  onGiven: (name: NodeName, before: Host, event: Event) => void = () => {};
  /** The agent of a host has started again. */
  onStart: (name: NodeName) => void = () => {};
  readonly random: Random;
  readonly #model: Model;
  readonly #agenda = new Agenda();
  readonly #lives = new Map<NodeName, Life>();

  constructor(model: Model, random: Random) {
    this.#model = model;
    this.random = random;
    this.network = new Network(random);
    this.world = { ...firstWorld(model.scope), budget: { ...model.scope.budget, restarts: 1 } };
    this.names = this.world.hosts.map(({ core }) => core.me);
    for (const name of this.names) {
      this.#lives.set(name, { number: 1, isOff: false, frozenUntilMs: { agent: 0, server: 0 }, swaps: 0 });
      this.#everyLife(name);
    }
  }

  host(name: NodeName): Host {
    return hostOf(this.world, name);
  }

  life(name: NodeName): Life {
    return this.#lives.get(name) as Life;
  }

  isOff(name: NodeName): boolean {
    return this.life(name).isOff;
  }

  isFrozen(name: NodeName, part: 'agent' | 'server'): boolean {
    return this.life(name).frozenUntilMs[part] > this.nowMs;
  }

  /** `part` null: it happens whatever the host does. */
  after(delayMs: number, name: NodeName | null, part: 'agent' | 'server' | null, run: () => void): void {
    const owner = name === null || part === null ? null : { node: name, life: this.life(name).number, part };
    this.#agenda.add({ atMs: this.nowMs + delayMs, owner, run });
  }

  every(periodMs: number, name: NodeName | null, part: 'agent' | 'server' | null, run: () => void): void {
    const again = (): void => {
      run();
      this.after(periodMs * this.random.between(0.9, 1.1), name, part, again);
    };
    this.after(periodMs * this.random.next(), name, part, again);
  }

  runUntil(endMs: number, isOver: () => boolean): void {
    while (this.broken === null && !isOver()) {
      const entry = this.#agenda.take();
      if (entry === null) return;
      this.nowMs = Math.max(this.nowMs, entry.atMs);
      if (this.nowMs > endMs) return this.#agenda.add(entry);
      if (this.#mayRun(entry)) entry.run();
    }
  }

  /** Hands an event to a core, and begins whatever it decided. */
  give(name: NodeName, event: Event): void {
    const before = this.host(name);
    this.#set(deliver(this.#model, this.world, name, event));
    const letters = this.world.mail;
    this.world = { ...this.world, mail: [] };
    for (const { to, message } of letters) this.send(name, to, () => this.give(to, { kind: 'message', message }));
    if (event.kind === 'rebuilt') this.recycled.delete(name);
    this.onGiven(name, before, event);
    const { job, swap, core } = this.host(name);
    if (job !== null && job !== before.job) this.#plan(name, job);
    if (swap !== null && swap !== before.swap) this.#swap(name, swap.revision, swap.record);
    if (core.view === null) this.after(this.random.between(1, 5), name, 'agent', () => this.read(name));
  }

  /** To another agent, when it arrives. */
  send(from: NodeName, to: NodeName, arrive: () => void): void {
    const delayMs = this.network.delayMs(from, to);
    // What is late may arrive in another life than the one that it was sent to.
    if (delayMs !== null) this.after(delayMs, null, null, () => !this.isOff(to) && this.after(0, to, 'agent', arrive));
  }

  read(name: NodeName): void {
    const there = this.network.delayMs(name, ETCD);
    if (there === null) return;
    this.after(there, null, null, () => {
      const view = this.world.etcd;
      const back = this.network.delayMs(ETCD, name);
      if (back !== null && !this.isOff(name)) this.after(back, name, 'agent', () => this.give(name, { kind: 'read', view }));
    });
  }

  exit(name: NodeName): void {
    const host = this.host(name);
    if (host.server.mode === 'down') return;
    this.#set(withHost(this.world, { ...host, server: { mode: 'down' } }));
    this.after(5, name, 'agent', () => this.give(name, { kind: 'exited' }));
  }

  /** The host is off for `downMs`; 0: only its agent dies. */
  restart(name: NodeName, downMs: number): void {
    const life = this.life(name);
    life.number++;
    life.isOff = true;
    life.frozenUntilMs = { agent: 0, server: 0 };
    const { orphan: _, ...after } = rebooted(this.#model, this.host(name), downMs > 0);
    this.#set(withHost(this.world, { ...after, orphan: null }));
    this.after(Math.max(downMs, 100), null, null, () => {
      life.isOff = false;
      const host = this.host(name);
      this.#set(withHost(this.world, { ...host, core: { ...host.core, postgres: observed(host) } }));
      this.#everyLife(name);
      this.onStart(name);
    });
  }

  freeze(name: NodeName, part: 'agent' | 'server', ms: number): void {
    this.life(name).frozenUntilMs[part] = this.nowMs + ms;
  }

  thaw(): void {
    for (const life of this.#lives.values()) life.frozenUntilMs = { agent: 0, server: 0 };
  }

  #mayRun(entry: Entry): boolean {
    const { owner } = entry;
    if (owner === null) return true;
    const life = this.life(owner.node);
    if (life.number !== owner.life || life.isOff) return false;
    const frozenUntilMs = life.frozenUntilMs[owner.part];
    if (frozenUntilMs <= this.nowMs) return true;
    this.#agenda.add({ ...entry, atMs: frozenUntilMs + this.random.next() });
    return false;
  }

  #set(world: World): void {
    this.world = acknowledged(world);
    this.broken ??= violation(this.world, this.allowsLoss);
  }

  #everyLife(name: NodeName): void {
    this.every(STREAM_EVERY_MS, name, 'server', () => this.#serve(name));
    this.every(WRITE_EVERY_MS, name, 'server', () => this.#write(name));
  }

  #plan(name: NodeName, job: Job): void {
    const [least, most] = STAGE_MS[job.command.kind][job.stage] ?? [5, 50];
    this.after(this.random.between(least, most), name, 'agent', () => {
      if (this.isFrozen(name, 'server')) return this.#plan(name, job);
      this.#perform(name, job);
    });
  }

  #perform(name: NodeName, job: Job): void {
    const host = this.host(name);
    if (host.job !== job) return;
    const { command } = job;
    const isCut = command.kind === 'rebuild' && (this.isOff(command.leader) || !this.network.connects(name, command.leader));
    if (isCut) return this.#failed(host);
    const progress = perform(this.#model, this.world, host, job);
    const idle = progress.answer === undefined ? progress.host : { ...progress.host, job: null };
    this.#set(withHost(progress.world ?? this.world, idle));
    if (progress.answer !== undefined) return this.give(name, progress.answer);
    const next = this.host(name).job;
    if (next !== null) this.#plan(name, next);
  }

  #failed(host: Host): void {
    const { promise, taint } = host.disk;
    this.#set(withHost(this.world, { ...host, job: null }));
    this.give(host.core.me, { kind: 'failed', postgres: observed(host), promise, taint });
  }

  #swap(name: NodeName, revision: number, record: GroupRecord): void {
    const life = this.life(name);
    const number = ++life.swaps;
    const answer = (event: Event): void => {
      if (life.swaps !== number) return;
      life.swaps++;
      if (event.kind === 'swapped' && event.outcome === 'done') {
        for (const other of this.names)
          if (other !== name) this.send(name, other, () => this.give(other, { kind: 'told', view: event.view }));
      }
      this.#set(withHost(this.world, { ...this.host(name), swap: null }));
      this.give(name, event);
    };
    this.after(SWAP_DEADLINE_MS, name, 'agent', () => answer({ kind: 'swapped', outcome: 'unknown' }));
    const there = this.network.delayMs(name, ETCD);
    if (there === null) return;
    const back = (event: Event): void => {
      const delayMs = this.network.delayMs(ETCD, name);
      if (delayMs !== null) this.after(delayMs, name, 'agent', () => answer(event));
    };
    // Once on its way it happens whatever becomes of the sender.
    this.after(there + this.random.between(1, 10), null, null, () => {
      if (this.world.etcd.revision !== revision) return back({ kind: 'swapped', outcome: 'refused' });
      const view: RecordView = { revision: revision + 1, record };
      this.#set({ ...this.world, etcd: view });
      back({ kind: 'swapped', outcome: 'done', view });
      for (const other of this.names) this.#wake(other);
    });
  }

  /** etcd's watch: what it tells is not trusted, it is read. */
  #wake(name: NodeName): void {
    const delayMs = this.network.delayMs(ETCD, name);
    if (delayMs !== null && !this.isOff(name)) this.after(delayMs, name, 'agent', () => this.read(name));
  }

  /** Streams, sees settings, begins to wait: what PostgreSQL does by itself. */
  #serve(name: NodeName): void {
    const host = this.host(name);
    const { server } = host;
    if (server.mode === 'standby' && server.link !== null && !this.recycled.has(name)) {
      const { leader } = server.link;
      if (this.network.connects(name, leader) && !this.isOff(leader) && !this.isFrozen(leader, 'server')) {
        this.#set(streamed(this.#model, this.world, host));
      }
    }
    if (server.mode !== 'primary') return;
    const unaware = server.senders.find(({ seen }) => !sameSet(seen, server.setting));
    if (unaware !== undefined) {
      const senders = server.senders.map((each) => (each === unaware ? { ...each, seen: server.setting } : each));
      return this.#set(withHost(this.world, { ...host, server: { ...server, senders } }));
    }
    if (!server.armed && server.setting.acks > 0) this.#set(withHost(this.world, { ...host, server: { ...server, armed: true } }));
  }

  #write(name: NodeName): void {
    const host = this.host(name);
    if (host.server.mode !== 'primary' || !host.server.admitting) return;
    const log = { ...host.disk.log, lsn: host.disk.log.lsn + 1 };
    this.#set(withHost(this.world, { ...host, disk: { ...host.disk, log } }));
  }
}
