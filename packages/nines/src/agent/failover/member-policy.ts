/** The clocks of the leader's policy: since when things are as they are. What follows from that, `failover/policy` says. */
import type { MemberSight } from '../../engines/postgres/control.ts';
import {
  isStandstill,
  type MemberFacts,
  membershipRequest,
  type MembershipInput,
  type Proposal,
  wayOut,
} from '../../failover/policy/membership.ts';
import type { NodeName, RecordView } from '../../failover/record.ts';
import type { NodeState } from '../../failover/state.ts';
import type { Timing } from '../../failover/timing.ts';
import type { ZonedPlace } from './places.ts';
import type { Watch } from './watch/watch.ts';

export interface MemberPolicyOptions {
  me: NodeName;
  timing: Timing;
  now(): number;
  watch: Pick<Watch, 'alive' | 'latest'>;
  durability(): MembershipInput['durability'];
  /** Every member of the group, this one too. */
  places(): readonly ZonedPlace[];
  etcdReachable(): boolean;
  /** A term of this node is open: told once for each. */
  opened(): void;
}

export class MemberPolicy {
  readonly #options: MemberPolicyOptions;
  readonly #missingSinceMs = new Map<NodeName, number>();
  #revision = -1;
  #revisionSinceMs = 0;
  #epoch = -1;
  #epochSinceMs = 0;
  #openedTerm = 0;
  /** Elections that interrupt it are no break. */
  #stuck: { term: number; sinceMs: number } | null = null;

  constructor(options: MemberPolicyOptions) {
    this.#options = options;
  }

  /** Asked often of a leader, and of nobody else. */
  request(state: NodeState, sight: MemberSight | null): Proposal | null {
    return state.view === null ? null : membershipRequest(this.#input(state.view, sight));
  }

  /** Why this leader's server has to stop at once, by a change of the voters that cannot get anywhere; null: it has not to. Asked as often. */
  standstill(state: NodeState, sight: MemberSight | null): string | null {
    if (state.view === null) return null;
    const input = this.#input(state.view, sight);
    const { term } = input.record;
    if (!isStandstill(input)) this.#stuck = null;
    else if (this.#stuck?.term !== term) this.#stuck = { term, sinceMs: this.#options.now() };
    return this.#stuck === null ? null : wayOut(input, this.#options.now() - this.#stuck.sinceMs);
  }

  #input({ record, revision }: RecordView, sight: MemberSight | null): MembershipInput {
    const { me, timing, now, durability, places, etcdReachable, opened } = this.#options;
    const nowMs = now();
    if (revision !== this.#revision) [this.#revision, this.#revisionSinceMs] = [revision, nowMs];
    if (record.epoch !== this.#epoch) [this.#epoch, this.#epochSinceMs] = [record.epoch, nowMs];
    if (record.phase === 'open' && record.term !== this.#openedTerm) {
      this.#openedTerm = record.term;
      opened();
    }
    const zone = places().find(({ node }) => node === me)?.zone ?? '';
    const others = places().filter(({ node }) => node !== me);
    return {
      ...{ record, me, zone, timing },
      durability: durability(),
      members: others.map((place) => this.#facts(place, sight, nowMs)),
      recordMs: nowMs - this.#revisionSinceMs,
      quietMs: nowMs - this.#epochSinceMs,
      etcdReachable: etcdReachable(),
    };
  }

  #facts({ node, zone }: ZonedPlace, sight: MemberSight | null, nowMs: number): MemberFacts {
    const { watch } = this.#options;
    const heartbeat = watch.latest(node);
    const attached = sight?.standbys.find((standby) => standby.node === node && standby.counted && standby.streaming);
    const alive = watch.alive(node);
    const streams = attached !== undefined;
    if (alive && streams) this.#missingSinceMs.delete(node);
    else if (!this.#missingSinceMs.has(node)) this.#missingSinceMs.set(node, nowMs);
    return {
      ...{ node, zone, alive, streams },
      isDown: heartbeat?.role === 'down' || heartbeat?.role === 'empty',
      leaves: heartbeat?.leaves ?? false,
      lagBytes: attached?.lagBytes ?? null,
      missingMs: nowMs - (this.#missingSinceMs.get(node) ?? nowMs),
    };
  }
}
