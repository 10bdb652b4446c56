/** One group as this host's agent sees it: its record and heartbeats, the view made of them, and this host's member if it has one. */
import type { Heartbeat, PeerMessage } from '../../failover/heartbeat.ts';
import type { GroupView } from '../../failover/group-view.ts';
import type { NodeName, RecordView } from '../../failover/record.ts';
import type { Store } from '../../store/store.ts';
import { GroupSight, sameRoutes } from './group-sight.ts';
import type { FailoverMember } from './member.ts';
import { RecordLink } from './record-link.ts';
import type { ZonedPlace } from './places.ts';

/** A view is looked at again this often although nothing was heard: a member may be silent. */
const REFRESH_MS = 500;
/** Lags alone change with every write. */
const LAG_EVERY_MS = 1_000;

export interface GroupHubOptions {
  group: string;
  /** This host's own node; null: none. */
  me: NodeName | null;
  cluster: string;
  store: Pick<Store, 'list' | 'compareAndSwap' | 'watch'>;
  places(): readonly ZonedPlace[];
  now(): number;
  /** Another view than the last one. */
  onView(view: GroupView): void;
  log(message: string): void;
}

export class GroupHub {
  readonly link: RecordLink;
  readonly sight: GroupSight;
  readonly #options: GroupHubOptions;
  readonly #ending = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #member: FailoverMember | null = null;
  #view: GroupView;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: GroupHubOptions) {
    const { group, me, cluster, store, now, log } = options;
    this.#options = options;
    this.sight = new GroupSight(group, me);
    this.#view = this.sight.view(options.places(), now());
    this.link = new RecordLink({
      ...{ store, cluster, group, now, log },
      signal: this.#ending.signal,
      onRead: (view, startedMs) => this.#read(view, startedMs),
      onPaused: (paused) => this.#paused(paused),
    });
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    this.#timer.unref();
  }

  get member(): FailoverMember | null {
    return this.#member;
  }

  /** It reads for itself: what was read before it began may be older than what the one before it knew. */
  set member(member: FailoverMember | null) {
    this.#member = member;
    if (member === null) this.sight.proven = false;
    else {
      member.paused(this.sight.paused);
      this.link.read();
    }
    this.#refresh();
  }

  get view(): GroupView {
    return this.#view;
  }

  /** From another agent. */
  receive(from: NodeName | null, message: PeerMessage): void {
    if (message.kind === 'heartbeat') {
      this.#heard(message.heartbeat);
      // Without a member nobody else asks for what it speaks of.
      if (this.#member === null && message.heartbeat.epoch > (this.sight.record?.record.epoch ?? 0)) this.link.read();
    }
    if (message.kind === 'record') this.written(message.view);
    if (from !== null) this.#member?.receive(from, message);
  }

  /** The own member's. */
  publish(heartbeat: Heartbeat, proven: boolean): void {
    const isNews = this.sight.proven !== proven;
    this.sight.proven = proven;
    this.#heard(heartbeat, isNews);
  }

  written(view: RecordView): void {
    this.sight.read(view);
    this.#refresh();
  }

  end(): void {
    this.#ending.abort();
    clearInterval(this.#timer);
    this.#member?.end();
    this.#member = null;
  }

  /** Sixty a second, of which hardly one changes a route: lags and silence wait for the timer. */
  #heard(heartbeat: Heartbeat, isNews = false): void {
    if (this.sight.heard(heartbeat, this.#options.now()) || isNews) this.#refresh();
  }

  #read(view: RecordView | null, startedMs: number): void {
    if (view !== null) this.sight.read(view);
    this.#member?.read(view, startedMs);
    this.#refresh();
  }

  #paused(paused: boolean): void {
    this.sight.paused = paused;
    this.#member?.paused(paused);
    this.#refresh();
  }

  #refresh(): void {
    const { places, now, onView } = this.#options;
    const nowMs = now();
    const view = this.sight.view(places(), nowMs);
    const isNews = !sameRoutes(view, this.#view);
    const isDue = nowMs - this.#toldMs >= LAG_EVERY_MS && JSON.stringify(view) !== JSON.stringify(this.#view);
    this.#view = view;
    if (!isNews && !isDue) return;
    this.#toldMs = nowMs;
    onView(view);
  }
}
