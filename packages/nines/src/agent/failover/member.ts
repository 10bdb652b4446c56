/**
 * This host's member of one group: from its first data to the core that drives it, its heartbeats, its proof of leadership, its
 * policy. Everything with a clock stands here, around a driver that has none.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MemberSight, PostgresControl, ServerProcess } from '../../engines/postgres/control.ts';
import type { FirstTime } from '../../engines/engine.ts';
import type { Request } from '../../failover/events.ts';
import type { Heartbeat, PeerMessage } from '../../failover/heartbeat.ts';
import { isVoter, type NodeName, type RecordView } from '../../failover/record.ts';
import { bootState, type NodeState } from '../../failover/state.ts';
import type { Timing } from '../../failover/timing.ts';
import { heldWords } from '../../failover/words.ts';
import { messageOf } from '../message-of.ts';
import { Announcer } from './announcer.ts';
import type { DecisionLog } from './decision-log.ts';
import { Driver, type RequestAnswer } from './driver.ts';
import { prepareMember } from './first-data.ts';
import { mayStart } from './later-start.ts';
import { isNewsBetween, ownHeartbeat } from './own-heartbeat.ts';
import { LeaderProof } from './leader-proof.ts';
import type { RecordLink } from './record-link.ts';
import { SerialExecutor } from './serial-executor.ts';
import { StaleCopy } from './stale-copy.ts';
import type { Watch } from './watch/watch.ts';

const BUSY_TICK_MS = 20;
const IDLE_TICK_MS = 50;
const POLICY_EVERY_MS = 200;
const LOOK_EVERY_MS = 100;
/** Then a server that does not stop at once is killed. */
const QUIT_MS = 1_000;
/** A server that takes longer for one small query is not well. */
const LOOK_TIMEOUT_MS = 500;

/** What has a clock but is not the member's own: suspicion. */
export type Detectors = Pick<
  Watch,
  | 'heard'
  | 'latest'
  | 'preVoteAsked'
  | 'preVoteAnswered'
  | 'record'
  | 'walMoved'
  | 'serverToProbe'
  | 'serverProbed'
  | 'paused'
  | 'facts'
  | 'explain'
  | 'content'
  | 'isAlert'
>;

export interface MemberOptions {
  me: NodeName;
  group: string;
  isInitialLeader: boolean;
  control: PostgresControl;
  server: Pick<ServerProcess, 'pid' | 'kill'>;
  link: Pick<RecordLink, 'read' | 'swap' | 'reachable'>;
  watch: Detectors;
  timing: Timing;
  now(): number;
  firstTime: FirstTime;
  decisions: DecisionLog;
  send(to: NodeName, message: PeerMessage): void;
  /** Whether another member's server gives a sign of life within `serverProbeMs`. Never rejects. */
  serverAnswers(node: NodeName, signal: AbortSignal): Promise<boolean>;
  /** To every other agent of the cluster. */
  sendAll(message: PeerMessage): void;
  /** The own heartbeat, for the own view, and whether the proof of leadership is fresh. */
  publish(heartbeat: Heartbeat, proven: boolean): void;
  /** A record that this member wrote. */
  wrote(view: RecordView): void;
  /** What should be asked of the core now; null: nothing. Asked of a leader, every 200 ms. */
  policy(state: NodeState, sight: MemberSight | null): { request: Request; reason: string } | null;
  /** Why a leader's server has to stop at once so that another term can begin; null: it has not to. Asked as `policy` is. */
  standstill(state: NodeState, sight: MemberSight | null): string | null;
  /** The member's standing may be another one. */
  changed(): void;
  log(message: string): void;
}

export class FailoverMember {
  readonly #options: MemberOptions;
  readonly #ending = new AbortController();
  readonly #proof: LeaderProof;
  readonly #announcer: Announcer;
  readonly #stale = new StaleCopy();
  /** Whatever control there is at the time of the call. */
  readonly #present: Pick<PostgresControl, 'hasData' | 'initialise' | 'clone' | 'boot' | 'execute'> = {
    hasData: () => this.#control.hasData(),
    initialise: (signal) => this.#control.initialise(signal),
    clone: (leader, signal) => this.#control.clone(leader, signal),
    boot: (signal) => this.#control.boot(signal),
    execute: async (command, signal) => {
      if (command.kind === 'start') await this.#untilItMayStart(signal);
      return await this.#control.execute(command, signal);
    },
  };
  #control: PostgresControl;
  #nextControl: PostgresControl | null = null;
  #executor: SerialExecutor | null = null;
  #driver: Driver | null = null;
  /** A read that began earlier may be older than what the member before this one knew. */
  readonly #bornMs: number;
  /** Until the core runs, by reads and swaps of this member's own life alone: whose the data are is decided by it. */
  #record: RecordView | null | undefined = undefined;
  /** Until it was looked at it may be there. */
  #hasData = true;
  #waits = 'starts';
  #sight: MemberSight | null = null;
  #isLooking = false;
  #isProbing = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #pulses = 0;
  #exitedTerm = 0;
  /** What exited last was the primary. */
  #ledLast = false;
  #leaves = false;
  #stopSinceMs: number | null = null;
  #policyMs = 0;
  #beatDueMs = 0;
  #beatTimer: NodeJS.Timeout | null = null;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#control = options.control;
    const { timing, link, now, group } = options;
    this.#bornMs = now();
    this.#announcer = new Announcer({
      ...{ now, everyMs: timing.heartbeatMs },
      heartbeat: (numbers) => this.#heartbeat(numbers),
      send: (heartbeat) => {
        options.sendAll({ group, kind: 'heartbeat', heartbeat });
        options.watch.heard(heartbeat);
        options.publish(heartbeat, this.#proof.isFresh);
      },
    });
    this.#proof = new LeaderProof({
      timing,
      now,
      pulse: (deadlineMs) => this.#control.pulse(deadlineMs),
      read: () => link.read(),
      acknowledged: () => {
        this.#pulses += 1;
      },
      stop: () => this.#stopAtOnce('leadership could not be proven in time: PostgreSQL is stopped at once'),
    });
  }

  /** Until `end`. */
  start(): void {
    this.#beat();
    void this.#run().catch((error: unknown) => {
      if (!this.#ending.signal.aborted) this.#say(messageOf(error));
    });
  }

  get state(): NodeState | null {
    return this.#driver?.state ?? null;
  }

  get sight(): MemberSight | null {
    return this.#sight;
  }

  get isProven(): boolean {
    return this.#proof.isFresh;
  }

  /** What it is about, in one sentence. */
  get reason(): string {
    if (this.#driver === null) return this.#waits;
    const { last } = this.#driver;
    if (last === null) return 'reads the record of the group';
    const [held] = last.held;
    if (held !== undefined && !held.endsWith('/busy')) return heldWords(held);
    return last.rule === 99 ? (this.#stale.reason ?? this.#options.watch.explain()) : last.reason;
  }

  /** A command is with PostgreSQL now. */
  get isActing(): boolean {
    return (this.#executor?.running ?? null) !== null;
  }

  /** A switchover that was accepted is neither done nor given up. */
  get isHandingOver(): boolean {
    return this.#executor?.running?.kind === 'shutDown';
  }

  /** A read that returned; null: there is no record. */
  read(view: RecordView | null, startedMs: number | null): void {
    const isOwn = startedMs !== null && startedMs >= this.#bornMs;
    if (this.#driver === null && !isOwn) return;
    if (view === null) {
      // One that was written meanwhile is newer than a read that did not find it yet.
      if (this.#driver === null) this.#record ??= null;
      else this.#say('etcd has no record of the group any more: nothing is decided until it has one');
      return;
    }
    const isNewer = this.#record === undefined || this.#record === null || view.revision > this.#record.revision;
    if (isNewer) this.#record = view;
    const { me, watch } = this.#options;
    const own = this.state?.postgres;
    const { leader, term } = view.record;
    if (startedMs !== null && own?.mode === 'primary' && leader === me && term === own.term) this.#proof.named(startedMs);
    if (this.#driver === null) return;
    if (view.record.systemId !== this.#driver.state.systemId) {
      return this.#say(`the record is of another database (${view.record.systemId}): nothing is done by it`);
    }
    // What another agent wrote may be older than what this member knew before it started.
    this.#driver.push({ kind: isOwn ? 'read' : 'told', view });
    watch.record(this.#driver.state.view);
  }

  /** From another agent of the group. */
  receive(from: NodeName, message: PeerMessage): void {
    const { watch } = this.#options;
    if (message.kind === 'record') return this.read(message.view, null);
    if (message.kind === 'core') return this.#driver?.push({ kind: 'message', message: message.message });
    if (message.kind === 'heartbeat') {
      const before = watch.latest(from);
      watch.heard(message.heartbeat);
      this.#catchUp(message.heartbeat);
      // Most change nothing; one that says that the leader exited must not wait for the next beat.
      if (before !== null && !isNewsBetween(before, message.heartbeat)) return;
    } else if (message.kind === 'pre-vote') watch.preVoteAsked(from, message.id, message.epoch);
    else watch.preVoteAnswered(from, message);
    this.#driver?.tick();
  }

  paused(isPaused: boolean): void {
    this.#options.watch.paused(isPaused);
  }

  /** The postmaster is gone. */
  exited(): void {
    const state = this.state;
    const running = this.#executor?.running?.kind;
    const isOwnDoing = running === 'demote' || running === 'rebuild' || running === 'shutDown' || running === 'start';
    this.#ledLast = state?.postgres.mode === 'primary' && !isOwnDoing;
    if (state?.postgres.mode === 'primary' && !isOwnDoing) this.#exitedTerm = state.postgres.term;
    this.#sight = null;
    this.#stopSinceMs = null;
    this.#driver?.push({ kind: 'exited' });
    this.#announcer.announce();
  }

  /** Null: the core does not run yet. */
  request(request: Request): RequestAnswer | null {
    return this.#driver?.request(request) ?? null;
  }

  /** Asks to be taken out of the voters and copies the leader anew when it is. */
  reinit(): void {
    this.#leaves = true;
    this.#announcer.announce();
  }

  /** For a changed topology: from the next command on. */
  replaceControl(control: PostgresControl): void {
    this.#nextControl?.close();
    this.#nextControl = control;
    this.#takeNextControl();
  }

  /** Nothing is ordered any more; the server goes on. */
  end(): void {
    this.#ending.abort(new Error('the agent ends'));
    if (this.#beatTimer !== null) clearTimeout(this.#beatTimer);
    this.#control.close();
    this.#nextControl?.close();
    void this.#options.decisions.flush();
  }

  async #run(): Promise<void> {
    const { me, group, isInitialLeader, firstTime, link } = this.#options;
    const { signal } = this.#ending;
    const found = await prepareMember({
      ...{ me, group, isInitialLeader, firstTime, signal },
      control: this.#present,
      record: () => this.#record,
      swapFirst: async (record) => {
        const swapped = await link.swap(0, record);
        if (swapped.outcome === 'done') this.#wrote(swapped.view);
        else link.read();
        return swapped;
      },
      data: (isThere) => {
        this.#hasData = isThere;
      },
      say: (reason) => this.#say(reason),
    });
    this.#hasData = true;
    this.#drive(bootState(me, found.systemId, found));
  }

  #drive(state: NodeState): void {
    const { link, watch, decisions, server, log, send, group, now } = this.#options;
    const { signal } = this.#ending;
    this.#executor = new SerialExecutor({ control: this.#present, signal, log: (message) => this.#say(message) });
    decisions.boot(state);
    this.#driver = new Driver(state, {
      executor: this.#executor,
      link,
      send: (to, message) => send(to, { group, kind: 'core', message }),
      announce: (view) => this.#wrote(view),
      facts: (before) => watch.facts(before),
      isRunning: () => server.pid !== null,
      decided: (decision) => {
        const isCopied = decision.event.kind === 'rebuilt';
        if (isCopied) this.#leaves = false;
        if (isCopied || (decision.event.kind === 'failed' && decision.before.acting === 'rebuild')) this.#stale.ended(isCopied, now());
        decisions.decided(decision);
      },
      changed: (before, after) => this.#changed(before, after),
      log,
      signal,
    });
    // It may have ended while it was looked at.
    if (server.pid === null && state.postgres.mode !== 'down') this.#driver.push({ kind: 'exited' });
    // The core reads the record itself: what was read before it began may be older than what it did in an earlier life.
    this.#driver.tick();
    watch.record(this.#driver.state.view);
    this.#announcer.announce();
  }

  async #untilItMayStart(signal: AbortSignal): Promise<void> {
    const { now } = this.#options;
    const orderedMs = now();
    const ledLast = this.#ledLast;
    // Once: a start that fails is tried again at once.
    this.#ledLast = false;
    for (;;) {
      const { state } = this;
      if (state === null || mayStart({ state, waitedMs: now() - orderedMs, ledLast })) return;
      await delay(BUSY_TICK_MS, undefined, { signal, ref: false });
    }
  }

  #changed(before: NodeState, after: NodeState): void {
    if (before.view !== after.view) this.#options.watch.record(after.view);
    if (after.postgres.mode === 'standby' && after.postgres.log !== null) this.#stale.rested(after.postgres.log.lsn);
    if (after.acting === null) this.#takeNextControl();
    this.#announcer.news();
    this.#options.changed();
  }

  /** An agent that knows more than I do: the record is read. */
  #catchUp({ epoch, term }: Heartbeat): void {
    const record = this.#driver?.state.view?.record ?? this.#record?.record;
    if (record !== undefined && (epoch > record.epoch || term > record.term)) this.#options.link.read();
  }

  #wrote(view: RecordView): void {
    const { sendAll, wrote, group } = this.#options;
    sendAll({ group, kind: 'record', view });
    if (this.#record === undefined || this.#record === null || view.revision > this.#record.revision) this.#record = view;
    wrote(view);
  }

  #beat(): void {
    if (this.#ending.signal.aborted) return;
    const { now } = this.#options;
    const nowMs = now();
    const lagMs = this.#beatDueMs === 0 ? 0 : Math.max(0, nowMs - this.#beatDueMs);
    this.#announcer.ranLate(lagMs);
    this.#lead();
    void this.#probe();
    this.#driver?.tick();
    this.#leaveWhenStale(nowMs);
    this.#reinitWhenLeft();
    if (nowMs - this.#lookedMs >= LOOK_EVERY_MS - BUSY_TICK_MS / 2) void this.#look(nowMs);
    if (this.isHandingOver) this.#announcer.news();
    this.#announcer.beat(BUSY_TICK_MS / 2);
    const everyMs = this.#driver?.isBusy === true || this.#options.watch.isAlert() ? BUSY_TICK_MS : IDLE_TICK_MS;
    this.#beatDueMs = now() + everyMs;
    this.#beatTimer = setTimeout(() => this.#beat(), everyMs);
    this.#beatTimer.unref();
  }

  #lead(): void {
    const state = this.state;
    const record = state?.view?.record ?? this.#record?.record;
    const own = state?.postgres;
    const leads = own?.mode === 'primary' && (record === undefined || (record.leader === state?.me && record.term === own.term));
    this.#proof.beat({ leads, isNamed: record !== undefined, admitting: leads && own.admitting });
    if (!leads || state === null || this.#options.now() - this.#policyMs < POLICY_EVERY_MS) return;
    this.#policyMs = this.#options.now();
    const standstill = this.#options.standstill(state, this.#sight);
    if (standstill !== null) return this.#stopAtOnce(standstill);
    const wanted = this.#options.policy(state, this.#sight);
    if (wanted === null) return;
    const answer = this.#driver?.request(wanted.request);
    if (answer?.accepted === true) this.#say(wanted.reason);
  }

  #leaveWhenStale(nowMs: number): void {
    const { state } = this;
    const leader = state?.view?.record.leader;
    if (state === null || leader === undefined) return;
    const { watch } = this.#options;
    const begins = this.#stale.look({ nowMs, state, sight: this.#sight, leader: watch.latest(leader), isContent: watch.content() });
    if (begins === null) return;
    this.#say(begins);
    this.#announcer.announce();
  }

  /** By an order, or because nothing comes any more. */
  get #isLeaving(): boolean {
    return this.#leaves || this.#stale.isTrying;
  }

  #reinitWhenLeft(): void {
    const state = this.state;
    const record = state?.view?.record;
    if (!this.#isLeaving || record === undefined || record.phase === 'electing' || state === null || state.ordered !== null) return;
    if (state.acting === null && record.leader !== state.me && !isVoter(record, state.me)) this.#driver?.request({ kind: 'reinit' });
  }

  async #look(nowMs: number): Promise<void> {
    if (this.#isLooking || this.#driver === null) return;
    this.#isLooking = true;
    this.#lookedMs = nowMs;
    try {
      const before = this.#sight;
      const sight = await this.#control.look(LOOK_TIMEOUT_MS);
      if (this.#ending.signal.aborted || this.#options.server.pid === null) return;
      this.#sight = sight;
      if (sight.role === 'standby' && before?.flushLsn !== sight.flushLsn) this.#options.watch.walMoved();
      this.#announcer.news();
    } catch (error) {
      this.#say(`the server cannot be looked at: ${messageOf(error)}`);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Of a leader whose agent is silent. */
  async #probe(): Promise<void> {
    const { watch, serverAnswers } = this.#options;
    const leader = this.#isProbing || this.#driver === null ? null : watch.serverToProbe();
    if (leader === null) return;
    this.#isProbing = true;
    const answered = await serverAnswers(leader, this.#ending.signal);
    this.#isProbing = false;
    watch.serverProbed(leader, answered);
  }

  #heartbeat(numbers: Pick<Heartbeat, 'sequence' | 'lagMs'>): Heartbeat | null {
    const { me, watch, link } = this.#options;
    if (this.#ending.signal.aborted || (this.#driver === null && this.#hasData)) return null;
    return ownHeartbeat({
      ...numbers,
      node: me,
      state: this.state,
      record: this.#record?.record ?? null,
      sight: this.#sight,
      pulses: this.#pulses,
      exitedTerm: this.#exitedTerm,
      isClosing: this.#control.isClosing,
      leaves: this.#isLeaving,
      content: watch.content(),
      etcdReachable: link.reachable,
    });
  }

  /** Not by the executor: a proof that hangs would hold it up. The core learns that the server exited. */
  #stopAtOnce(reason: string): void {
    const { server, now } = this.#options;
    this.#say(reason);
    this.#stopSinceMs ??= now();
    server.kill(now() - this.#stopSinceMs > QUIT_MS ? 'SIGKILL' : 'SIGQUIT');
  }

  #takeNextControl(): void {
    if (this.#nextControl === null || this.isActing) return;
    this.#control.close();
    this.#control = this.#nextControl;
    this.#nextControl = null;
  }

  /** Once for each sentence. */
  #say(reason: string): void {
    if (reason === this.#waits) return;
    this.#waits = reason;
    this.#options.log(reason);
    this.#options.decisions.note(reason);
    this.#options.changed();
  }
}
