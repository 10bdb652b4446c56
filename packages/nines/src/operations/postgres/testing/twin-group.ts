/** A PostgreSQL group of three whose agents say what a test wants them to. */
import type { FailoverAction } from '../../../agent/failover/groups.ts';
import type { UnitState } from '../../../agent/host-state.ts';
import type { GroupView } from '../../../failover/group-view.ts';
import type { ClusterSpec, PlacedUnit } from '../../../topology/cluster-spec.ts';
import type { HostAnswer } from '../../agent-client.ts';
import type { GroupCluster } from '../group.ts';

const HOSTS = ['a1', 'b1', 'c1'];

/** As all agents know it while `leader` leads and the others follow. */
export function openView(leader: string, term: number, changes: Partial<GroupView> = {}): GroupView {
  const place = (host: string) => ({
    node: `replica_${HOSTS.indexOf(host)}`,
    host,
    address: `10.0.0.${HOSTS.indexOf(host) + 1}`,
    port: 5432,
  });
  return {
    group: 'main',
    leader: { ...place(leader), term },
    epoch: term,
    term,
    phase: 'open',
    lone: false,
    paused: false,
    replicas: HOSTS.filter((host) => host !== leader).map((host) => ({ ...place(host), lagBytes: 0, counted: true })),
    proven: false,
    ...changes,
  };
}

export class TwinGroup implements GroupCluster {
  readonly spec: ClusterSpec;
  readonly addresses = Object.fromEntries(HOSTS.map((host, index) => [host, `10.0.0.${index + 1}`]));
  /** Address -> what its agent knows; absent: it does not answer. */
  readonly views = new Map<string, GroupView>();
  readonly units = new Map<string, Partial<UnitState>>();
  readonly logs = new Map<string, string>();
  readonly orders: { host: string; action: FailoverAction; body: object }[] = [];
  /** What the order brings about; returns why it is refused. */
  onOrder: (host: string, action: FailoverAction) => string | null = () => null;

  constructor(view: GroupView) {
    const units = HOSTS.map(
      (host, ordinal): PlacedUnit => ({
        name: 'postgres-main',
        engine: 'postgres',
        group: 'main',
        host,
        ordinal,
        slot: 0,
        initialLeader: ordinal === 1,
        reason: 'test',
      }),
    );
    this.spec = { topology: { postgres: { main: { replicas: 3 } } }, placement: { units } } as unknown as ClusterSpec;
    this.everyoneKnows(view);
  }

  everyoneKnows(view: GroupView): void {
    for (const host of HOSTS) this.knows(host, view);
  }

  knows(host: string, view: GroupView | null): void {
    if (view === null) this.views.delete(this.addresses[host] ?? '');
    else this.views.set(this.addresses[host] ?? '', { ...view, proven: view.leader?.host === host });
  }

  readonly agents: GroupCluster['agents'] = {
    view: async (address) => this.views.get(address) ?? null,
    order: async (address, _group, action, body) => {
      const host = this.#hostOf(address);
      this.orders.push({ host, action, body });
      const refusal = this.onOrder(host, action);
      return refusal === null ? { accepted: true, reason: 'it is taken' } : { accepted: false, reason: refusal };
    },
    decisions: async (address) => {
      const log = this.logs.get(this.#hostOf(address));
      if (log === undefined) throw new Error('no answer in time');
      return log;
    },
    states: async (addresses) =>
      Object.keys(addresses).map((host): HostAnswer => {
        const unit = { name: 'postgres-main', engine: 'postgres', group: 'main', ...this.units.get(host) } as UnitState;
        return { host, state: { units: [unit] } as HostAnswer['state'] & object, error: null };
      }),
  };

  #hostOf(address: string): string {
    return Object.entries(this.addresses).find(([, known]) => known === address)?.[0] ?? address;
  }
}
