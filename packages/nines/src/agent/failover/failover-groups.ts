/** Every PostgreSQL group of the cluster on this host: views for all, a member for those that have one here. */
import type { UnitContext, FirstTime } from '../../engines/engine.ts';
import type { PostgresControl, ServerProcess } from '../../engines/postgres/control.ts';
import { serverAnswers } from '../../engines/postgres/server-answers.ts';
import type { GroupView } from '../../failover/group-view.ts';
import type { PeerMessage } from '../../failover/heartbeat.ts';
import type { NodeName } from '../../failover/record.ts';
import type { Timing } from '../../failover/timing.ts';
import type { Store } from '../../store/store.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { Peers } from '../peers/peers.ts';
import { DecisionLog } from './decision-log.ts';
import { EtcdPlacement } from './etcd-placement.ts';
import { GroupHub } from './group-hub.ts';
import { lagOf } from './group-sight.ts';
import type { CommandAnswer, Failover, FailoverAction, MemberHealth } from './groups.ts';
import { FailoverMember } from './member.ts';
import { carryOutCommand } from './operator-commands.ts';
import { peerMessageOf } from './peer-message.ts';
import { placesOf, type ZonedPlace } from './places.ts';
import { MemberPolicy } from './member-policy.ts';
import { Watch } from './watch/watch.ts';

export interface FailoverGroupsOptions {
  host: string;
  /** As it is now. */
  spec(): ClusterSpec;
  peers: Pick<Peers, 'send' | 'onMessage'>;
  store: Pick<Store, 'list' | 'compareAndSwap' | 'watch' | 'put' | 'status' | 'moveLeader'>;
  timing: Timing;
  /** Milliseconds that only grow. */
  now(): number;
  /** Milliseconds since 1970. */
  wallClock(): number;
  random(): number;
  log(unit: string, message: string): void;
}

export interface JoinOptions {
  context: UnitContext;
  control: PostgresControl;
  server: ServerProcess;
  firstTime: FirstTime;
  decisionsFile: string;
  /** The member's standing may be another one. */
  changed(): void;
}

export class FailoverGroups implements Failover {
  readonly #options: FailoverGroupsOptions;
  readonly #hubs = new Map<string, GroupHub>();
  readonly #decisions = new Map<string, DecisionLog>();
  readonly #listeners = new Set<(view: GroupView) => void>();
  readonly #placement: EtcdPlacement;

  constructor(options: FailoverGroupsOptions) {
    const { host, spec, peers, store, now, log } = options;
    this.#options = options;
    const address = spec().hosts[host]?.address ?? '';
    this.#placement = new EtcdPlacement({ store, address, now, log: (message) => log('agent', message) });
    peers.onMessage((from, message) => this.#receive(from, message));
    this.update();
  }

  /** The topology changed: groups that came get a view, those that went lose it. */
  update(): void {
    const wanted = new Set(Object.keys(this.#options.spec().topology.postgres));
    for (const group of wanted) if (!this.#hubs.has(group)) this.#hubs.set(group, this.#hub(group));
    for (const [group, hub] of this.#hubs) {
      if (wanted.has(group) || hub.member !== null) continue;
      hub.end();
      this.#hubs.delete(group);
    }
  }

  /** From now on this host's member takes part. */
  join(group: string, { context, control, server, firstTime, decisionsFile, changed }: JoinOptions): FailoverMember {
    const { host, timing, now, wallClock, random, log } = this.#options;
    const hub = this.#hubs.get(group) ?? this.#hub(group);
    this.#hubs.set(group, hub);
    const me = this.#nodeOf(group, host) ?? '';
    const say = (message: string): void => log(context.unit.name, message);
    const decisions = new DecisionLog({ file: decisionsFile, host, group, wallClock, log: say });
    this.#decisions.set(group, decisions);
    const send = (to: NodeName, message: PeerMessage): void => this.#send(group, to, message);
    const watch = new Watch({ group, me, timing, now, send, random });
    const policy = new MemberPolicy({
      ...{ me, timing, now, watch },
      durability: () => this.#options.spec().topology.postgres[group]?.durability ?? 'quorum',
      places: () => this.#places(group),
      etcdReachable: () => hub.link.reachable,
      opened: () => this.#placement.lead(true),
    });
    const member = new FailoverMember({
      ...{ me, group, control, server, watch, timing, now, firstTime, decisions, send, changed },
      isInitialLeader: context.unit.initialLeader,
      link: hub.link,
      sendAll: (message) => this.#sendAll(message),
      serverAnswers: async (node, signal) => {
        const place = this.#places(group).find((each) => each.node === node);
        return place !== undefined && (await serverAnswers(place.address, place.port, timing.serverProbeMs, signal));
      },
      publish: (heartbeat, proven) => hub.publish(heartbeat, proven),
      wrote: (view) => hub.written(view),
      policy: (state, sight) => {
        this.#placement.lead(false);
        return policy.request(state, sight);
      },
      standstill: (state, sight) => policy.standstill(state, sight),
      log: say,
    });
    hub.member = member;
    member.start();
    return member;
  }

  leave(group: string): void {
    const hub = this.#hubs.get(group);
    hub?.member?.end();
    if (hub !== undefined) hub.member = null;
    this.update();
  }

  groups(): string[] {
    return [...this.#hubs.keys()].sort();
  }

  view(group: string): GroupView | null {
    return this.#hubs.get(group)?.view ?? null;
  }

  onView(listener: (view: GroupView) => void): () => void {
    // One of its own for each call: the same function may listen twice.
    const own = (view: GroupView): void => listener(view);
    this.#listeners.add(own);
    for (const hub of this.#hubs.values()) own(hub.view);
    return () => this.#listeners.delete(own);
  }

  async command(group: string, action: FailoverAction, body: unknown): Promise<CommandAnswer> {
    const { host, spec, store, wallClock } = this.#options;
    const hub = this.#hubs.get(group);
    if (hub === undefined) return { accepted: false, reason: `there is no PostgreSQL group '${group}'` };
    const answer = await carryOutCommand(
      {
        ...{ host, group, hub, store, wallClock },
        cluster: spec().topology.name,
        me: this.#nodeOf(group, host),
        places: this.#places(group),
      },
      action,
      body,
    );
    this.#decisions.get(group)?.note(`${action} was asked for by an operator: ${answer.accepted ? '' : 'refused, '}${answer.reason}`);
    return answer;
  }

  decisions(group: string, sinceMs: number): string {
    return this.#decisions.get(group)?.since(sinceMs) ?? '';
  }

  health(group: string): MemberHealth | null {
    const hub = this.#hubs.get(group);
    const node = this.#nodeOf(group, this.#options.host);
    const own = hub === undefined || node === null ? null : hub.sight.latest(node);
    if (hub === undefined || own === null || hub.member === null) return null;
    const { view } = hub;
    const replica = view.replicas.find((each) => each.node === node);
    const end = view.leader === null ? null : (hub.sight.latest(view.leader.node)?.flushLsn ?? null);
    return {
      node: own.node,
      role: own.role,
      answers: own.healthy,
      admitting: own.admitting,
      proven: view.proven,
      streaming: replica !== undefined,
      counted: replica?.counted ?? false,
      term: own.term,
      flushLsn: own.flushLsn,
      replayLsn: own.replayLsn,
      lagBytes: own.role === 'primary' ? 0 : lagOf(own, end),
      paused: view.paused,
    };
  }

  /** The agent ends; every server goes on. */
  close(): void {
    for (const hub of this.#hubs.values()) hub.end();
    this.#hubs.clear();
    this.#listeners.clear();
  }

  #hub(group: string): GroupHub {
    const { host, spec, store, now, log } = this.#options;
    return new GroupHub({
      ...{ group, store, now, log: (message: string) => log('agent', message) },
      me: this.#nodeOf(group, host),
      cluster: spec().topology.name,
      places: () => this.#places(group),
      onView: (view) => {
        for (const listener of this.#listeners) listener(view);
      },
    });
  }

  #places(group: string): ZonedPlace[] {
    return placesOf(this.#options.spec(), group);
  }

  #nodeOf(group: string, host: string): NodeName | null {
    return this.#places(group).find((place) => place.host === host)?.node ?? null;
  }

  #send(group: string, to: NodeName, message: PeerMessage): void {
    const place = this.#places(group).find(({ node }) => node === to);
    if (place !== undefined) this.#options.peers.send(place.host, message);
  }

  #sendAll(message: PeerMessage): void {
    const { spec, host, peers } = this.#options;
    for (const other of Object.keys(spec().hosts)) if (other !== host) peers.send(other, message);
  }

  #receive(from: string, message: unknown): void {
    const read = peerMessageOf(message, (group) => this.#nodeOf(group, from));
    if (read !== null) this.#hubs.get(read.group)?.receive(this.#nodeOf(read.group, from), read);
  }
}
