/** What the heartbeats and the record of one group say together: the view that gateways, services and people get. No clock of its own. */
import type { GroupView, MemberPlace } from '../../failover/group-view.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { isAnchored, isVoter, type NodeName, type RecordView } from '../../failover/record.ts';

/** A member that was not heard for this long is no place to read from. */
const FORGET_MS = 1_500;

/** What of a heartbeat decides where connections go. */
const ROUTED = ['role', 'term', 'admitting', 'streamsTerm', 'healthy'] as const;

interface Heard {
  heartbeat: Heartbeat;
  atMs: number;
}

export class GroupSight {
  readonly #group: string;
  readonly #me: NodeName | null;
  readonly #heard = new Map<NodeName, Heard>();
  #leader: { node: NodeName; term: number } | null = null;
  #record: RecordView | null = null;
  #term = 0;
  paused = false;
  /** The own member's proof of leadership is fresh. */
  proven = false;

  /** @param me this host's own member, if it has one. */
  constructor(group: string, me: NodeName | null) {
    this.#group = group;
    this.#me = me;
  }

  get record(): RecordView | null {
    return this.#record;
  }

  /** True when it may change more of the view than a lag. */
  heard(heartbeat: Heartbeat, atMs: number): boolean {
    const before = this.#heard.get(heartbeat.node);
    const [leader, term] = [this.#leader, this.#term];
    this.#heard.set(heartbeat.node, { heartbeat, atMs });
    this.#learn(heartbeat);
    const isLedAsBefore = leader?.node === this.#leader?.node && leader?.term === this.#leader?.term && term === this.#term;
    if (!isLedAsBefore || before === undefined || atMs - before.atMs > FORGET_MS) return true;
    return ROUTED.some((key) => before.heartbeat[key] !== heartbeat[key]);
  }

  #learn({ node, term, role, admitting }: Heartbeat): void {
    if (term > this.#term) this.#enter(term);
    if (role !== 'primary' || term !== this.#term) return;
    if (admitting) this.#leader = { node, term };
    // It closes, to hand over: its successor is not known yet.
    else if (this.#leader?.node === node) this.#leader = null;
  }

  read(view: RecordView): void {
    if (this.#record !== null && this.#record.revision >= view.revision) return;
    this.#record = view;
    if (view.record.term > this.#term) this.#enter(view.record.term);
  }

  latest(node: NodeName): Heartbeat | null {
    return this.#heard.get(node)?.heartbeat ?? null;
  }

  /** The greatest term known: whoever led an earlier one admits nobody any more, or will not for long. */
  #enter(term: number): void {
    this.#term = term;
    this.#leader = null;
  }

  view(places: readonly MemberPlace[], nowMs: number): GroupView {
    const record = this.#record?.record ?? null;
    const leader = this.#leader;
    const place = places.find(({ node }) => node === leader?.node);
    const wanted = record === null ? null : (record.target ?? record.guards.at(-1) ?? null);
    return {
      group: this.#group,
      leader: place === undefined || leader === null ? null : { ...place, term: leader.term },
      epoch: record?.epoch ?? 0,
      term: this.#term,
      phase: record?.phase ?? 'unknown',
      lone: record !== null && isAnchored(record) && wanted?.voters.length === 0,
      paused: this.paused,
      replicas: this.#replicas(places, nowMs),
      proven: this.proven && leader?.node === this.#me,
    };
  }

  #replicas(places: readonly MemberPlace[], nowMs: number): GroupView['replicas'] {
    const record = this.#record?.record ?? null;
    const end = this.#leader === null ? null : (this.latest(this.#leader.node)?.flushLsn ?? null);
    return places
      .flatMap((place) => {
        const heard = this.#heard.get(place.node);
        if (heard === undefined || nowMs - heard.atMs > FORGET_MS) return [];
        const { role, streamsTerm, healthy } = heard.heartbeat;
        if (role !== 'standby' || streamsTerm !== this.#term || !healthy) return [];
        return [{ ...place, lagBytes: lagOf(heard.heartbeat, end), counted: record !== null && isVoter(record, place.node) }];
      })
      .toSorted((left, right) => (left.lagBytes ?? Infinity) - (right.lagBytes ?? Infinity) || (left.node < right.node ? -1 : 1));
  }
}

/** Bytes of the leader's log that a reader of this standby does not see yet; null when either position is not known. */
export function lagOf({ replayLsn }: Pick<Heartbeat, 'replayLsn'>, end: number | null): number | null {
  return replayLsn === null || end === null ? null : Math.max(0, end - replayLsn);
}

/** Equal but for lags, which change with every write. */
export function sameRoutes(left: GroupView, right: GroupView): boolean {
  const plain = (view: GroupView) =>
    JSON.stringify({ ...view, replicas: view.replicas.map(({ node, counted }) => `${node} ${counted}`).toSorted() });
  return plain(left) === plain(right);
}
