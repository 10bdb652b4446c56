/**
 * The detectors of one member: from heartbeats, pre-votes and records to the facts of a tick. It has no timers and does no
 * I/O: the driver tells it everything and asks `facts` at each tick, every 50 ms at most; what it says matters for time, never for safety.
 */
import type { Facts } from '../../../failover/events.ts';
import type { Heartbeat, PeerMessage } from '../../../failover/heartbeat.ts';
import type { GroupRecord, NodeName, RecordView } from '../../../failover/record.ts';
import type { NodeState } from '../../../failover/state.ts';
import type { Timing } from '../../../failover/timing.ts';
import { type Complaint, complaint } from './complaint.ts';
import { Doubt } from './doubt.ts';
import { consents, isOverdue, type Others, turnOf } from './election.ts';
import { ListeningClock } from './listening-clock.ts';
import { type Answer, answerMessage, Questions } from './questions.ts';
import { ServerProbe } from './server-probe.ts';
import { Sightings } from './sightings.ts';

/** WAL that came this recently still moves. Above two looks of the driver, well below the time after which silence is suspicious. */
const MOVING_MS = 150;

/** One heartbeat is late already. */
const ALERT_HEARTBEATS = 1.5;

export interface WatchOptions {
  group: string;
  me: NodeName;
  timing: Timing;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Best effort. */
  send(to: NodeName, message: PeerMessage): void;
  /** In [0, 1). */
  random(): number;
}

export class Watch {
  private readonly options: WatchOptions;
  private readonly clock: ListeningClock;
  private readonly sightings: Sightings;
  private readonly questions: Questions;
  private readonly doubt: Doubt;
  private readonly server: ServerProbe;
  private readonly others: Others;
  private known: RecordView | null = null;
  private leadsSinceMs = 0;
  private phaseSinceMs = 0;
  private walMovedMs = Number.NEGATIVE_INFINITY;
  private isPaused = false;

  constructor(options: WatchOptions) {
    const { timing, group, send } = options;
    this.options = options;
    this.clock = new ListeningClock(options.now);
    this.sightings = new Sightings(timing, this.clock);
    this.questions = new Questions(timing.preVoteHoldMs);
    this.server = new ServerProbe(timing);
    this.doubt = new Doubt(timing, options.random, (id) => {
      const epoch = this.known?.record.epoch ?? 0;
      for (const { node } of this.witnesses()) send(node, { group, kind: 'pre-vote', id, epoch });
    });
    this.others = { isAlive: (node) => this.sightings.isAlive(node), latest: (node) => this.latest(node) };
  }

  /** Of another node, or the own one as it is sent: consent and turns count this node by it too. */
  heard(heartbeat: Heartbeat): void {
    this.sightings.heard(heartbeat);
  }

  /** Answered at once when this node misses the leader too, otherwise at a tick. */
  preVoteAsked(from: NodeName, id: number, epoch: number): void {
    const record = this.known?.record;
    // About a leader that was replaced since, or by the leader itself: nothing to wait for.
    if (record === undefined || epoch < record.epoch || record.leader === this.options.me) {
      this.answer(from, id, { leaderAdvanced: false, walMoved: false, isSilent: record === undefined });
      return;
    }
    this.questions.asked(from, id, this.clock.ms);
    this.answerReady(record, this.complaint(record));
  }

  preVoteAnswered(node: NodeName, { id, leaderAdvanced, walMoved, isSilent }: Answer & { id: number }): void {
    this.doubt.answered({ node, leaderAdvanced, walMoved, isSilent }, id);
  }

  /** As it is known now; null: it has to be read again, and what was known of it goes on to count. */
  record(view: RecordView | null): void {
    if (view === null || (this.known !== null && view.revision <= this.known.revision)) return;
    const before = this.known?.record ?? null;
    this.known = view;
    const { record } = view;
    const nowMs = this.clock.ms;
    if (before?.epoch !== record.epoch || before.phase !== record.phase) this.phaseSinceMs = nowMs;
    if (before === null || before.leader !== record.leader || before.term !== record.term) {
      this.leadsSinceMs = nowMs;
      this.doubt.forget();
      return;
    }
    if (record.epoch === before.epoch) return;
    const isRefuted = before.phase === 'electing' && record.phase !== 'electing';
    if (isRefuted) this.doubt.begin();
    if (isRefuted || record.candidate === this.options.me) this.doubt.failed(nowMs);
  }

  /** This node's walreceiver wrote WAL since it was last looked at. */
  walMoved(): void {
    this.walMovedMs = this.clock.ms;
  }

  /** Whose server should be asked now for a sign of life, because its agent gives none; null: nobody's. `serverProbed` is told of it. */
  serverToProbe(): NodeName | null {
    const leader = this.known?.record.leader;
    if (leader === undefined || leader === this.options.me || this.isPaused) return null;
    return this.server.isDue(leader, this.sightings.of(leader), this.clock.ms) ? leader : null;
  }

  serverProbed(node: NodeName, answered: boolean): void {
    this.server.told(node, answered, this.clock.ms);
  }

  /** While paused nobody is suspected; the pre-votes of others are answered all the same. */
  paused(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  /** Cheap; also what drives questions and answers. */
  facts(state: NodeState): Facts {
    this.clock.tick();
    this.record(state.view);
    const nowMs = this.clock.ms;
    const { me, timing } = this.options;
    const record = this.known?.record;
    if (record === undefined) return { suspected: false, overdue: false, consent: false };
    const held = this.complaint(record);
    this.answerReady(record, held);
    const forMs = nowMs - this.phaseSinceMs;
    return {
      suspected: this.suspects(record, held),
      overdue: isOverdue(record, me, this.others, forMs, timing),
      consent: consents(record, me, this.others, forMs, timing),
    };
  }

  /** Why the leader is or is not suspected now, in one sentence. */
  explain(): string {
    if (this.known === null) return 'the record is not known';
    if (this.isPaused) return 'failover is paused';
    if (this.known.record.leader === this.options.me) return 'this node is the recorded leader';
    return this.doubt.reason;
  }

  /** What `content` of the own heartbeat says: it hears the leader of the epoch it knows, and holds nothing against it. */
  content(): boolean {
    const record = this.known?.record;
    return record !== undefined && this.complaint(record) === null;
  }

  /** The leader may have to be suspected soon: ticks should come every 20 ms. */
  isAlert(): boolean {
    const record = this.known?.record;
    if (record === undefined || record.leader === this.options.me) return false;
    return this.sightings.silentMs(record.leader) > ALERT_HEARTBEATS * this.options.timing.heartbeatMs || !this.content();
  }

  alive(node: NodeName): boolean {
    return node === this.options.me || this.sightings.isAlive(node);
  }

  /** How long its agent has not been heard, as far as this node listened; since this node's start when it never was. */
  silentMs(node: NodeName): number {
    return node === this.options.me ? 0 : this.sightings.silentMs(node);
  }

  latest(node: NodeName): Heartbeat | null {
    return this.sightings.of(node).heartbeat;
  }

  private complaint(record: GroupRecord): Complaint | null {
    if (record.leader === this.options.me) return null;
    const at = { nowMs: this.clock.ms, leadsSinceMs: this.leadsSinceMs, phaseSinceMs: this.phaseSinceMs };
    return complaint(record, this.sightings.of(record.leader), this.options.timing, at);
  }

  private suspects(record: GroupRecord, held: Complaint | null): boolean {
    const { me } = this.options;
    if (this.isPaused || record.leader === me) {
      this.doubt.begin();
      return false;
    }
    return this.doubt.look({
      complaint: held,
      nowMs: this.clock.ms,
      witnesses: this.witnesses(),
      walMoved: this.isWalMoving(),
      aloneSinceMs: held?.isSilence === true ? this.server.aloneSinceMs(record.leader, this.sightings.of(record.leader)) : null,
      turn: turnOf(record, me, this.others),
    });
  }

  private witnesses(): { node: NodeName; isContent: boolean }[] {
    const leader = this.known?.record.leader;
    return this.sightings
      .alive()
      .filter((node) => node !== this.options.me && node !== leader)
      .map((node) => ({ node, isContent: this.latest(node)?.content === true }));
  }

  private answerReady(record: GroupRecord, held: Complaint | null): void {
    const advancedMs = this.sightings.of(record.leader).advancedMs;
    const sight = { misses: held !== null, advancedMs, walMoved: this.isWalMoving() };
    for (const { to, id, answer } of this.questions.ready(sight, this.clock.ms)) this.answer(to, id, answer);
  }

  private answer(to: NodeName, id: number, answer: Answer): void {
    this.options.send(to, answerMessage(this.options.group, id, answer));
  }

  private isWalMoving(): boolean {
    return this.clock.ms - this.walMovedMs < MOVING_MS;
  }
}
