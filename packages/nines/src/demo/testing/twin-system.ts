/** A system of one process for tests of the demo: the orders twin, whose faults are spells in which it answers badly. */
import type { StoredOrder } from '../../checkers/order-set.ts';
import { type Fate, OrdersTwin } from '../../load/testing/orders-twin.ts';
import type { ClusterSpec, EngineName, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { DemoCluster, DemoSystem, FaultProof } from '../system.ts';

export interface TwinFaults {
  /** How long each fault is felt, and how. */
  spellMs: Partial<Record<'instance' | 'gateway' | 'zone' | 'redis' | 'postgres' | 'restart' | 'switchover', number>>;
  fate?: Fate;
  /** What the database says in the end, from what it holds. */
  stored?: (orders: StoredOrder[]) => StoredOrder[];
  /** Serves nobody but those who log in or look at the catalogue. */
  sickFromStart?: boolean;
  upFails?: Error;
  downFails?: Error;
  holders?: string[];
  /** Host of the PostgreSQL primary. */
  primary?: string;
}

const SPELL_OF: Partial<Record<EngineName, keyof TwinFaults['spellMs']>> = { haproxy: 'gateway', redis: 'redis', postgres: 'postgres' };

const HOSTS = ['a1', 'b1', 'c1'];

export class TwinSystem implements DemoSystem {
  readonly calls: string[] = [];
  readonly twin = new OrdersTwin();
  readonly #faults: TwinFaults;
  readonly #host: string;
  #badUntilMs = 0;

  constructor(host: string, faults: TwinFaults) {
    this.#host = host;
    this.#faults = faults;
    this.twin.fate = ({ path }) => {
      const isSick = faults.sickFromStart === true && path.startsWith('/orders');
      if (isSick || performance.now() < this.#badUntilMs) return faults.fate ?? { kind: 'refuse', status: 503 };
      return { kind: 'serve' };
    };
  }

  async up(): Promise<DemoCluster> {
    this.calls.push('up');
    if (this.#faults.upFails !== undefined) throw this.#faults.upFails;
    const target = await this.twin.listen(this.#host);
    const holders = [...(this.#faults.holders ?? [])];
    return {
      spec: twinSpec(),
      target,
      service: 'orders',
      versions: { node: process.version, 'a <b>twin</b>': '1' },
      gatewayHolder: async () => (holders.length > 1 ? (holders.shift() as string) : (holders[0] ?? 'a1')),
      redisMaster: async () => unitOf('redis-cache', 'c1'),
      postgresPrimary: async () => unitOf('postgres-main', this.#faults.primary ?? 'b1'),
      kill: async (unit) => this.#spell(SPELL_OF[unit.engine] ?? 'instance', `${unit.name}@${unit.host}`),
      cutZone: async (zone) => ({
        ...this.#spell('zone', `zone ${zone}`),
        heal: async () => {
          this.calls.push(`heal ${zone}`);
          return { atNs: process.hrtime.bigint(), proof: `zone ${zone} is back` };
        },
      }),
      rollingRestart: async (service, { progress }) => {
        progress('1 of 6');
        return this.#spell('restart', service);
      },
      switchover: async () => this.#spell('switchover', 'postgres-main'),
      allReady: async () => undefined,
      storedOrders: async () => (this.#faults.stored ?? ((orders) => orders))(this.twin.orders),
    };
  }

  async down(): Promise<void> {
    this.calls.push('down');
    await this.twin.die();
    if (this.#faults.downFails !== undefined) throw this.#faults.downFails;
  }

  #spell(kind: keyof TwinFaults['spellMs'], what: string): FaultProof {
    this.calls.push(`${kind} ${what}`);
    const atNs = process.hrtime.bigint();
    this.#badUntilMs = performance.now() + (this.#faults.spellMs[kind] ?? 0);
    return { atNs, proof: `${what} felt it` };
  }
}

function unitOf(name: string, host: string): PlacedUnit {
  return twinSpec().placement.units.find((unit) => unit.name === name && unit.host === host) as PlacedUnit;
}

function twinSpec(): ClusterSpec {
  const units: PlacedUnit[] = [];
  const place = (name: string, engine: EngineName, group: string | null, hosts: string[], leader = 'a1') =>
    hosts.forEach((host, ordinal) => {
      units.push({ name, engine, group, host, ordinal, slot: 0, initialLeader: host === leader && engine !== 'etcd', reason: 'test' });
    });
  place('etcd', 'etcd', null, HOSTS);
  place('postgres-main', 'postgres', 'main', HOSTS, 'b1');
  place('redis-cache', 'redis', 'cache', HOSTS, 'c1');
  place('haproxy', 'haproxy', null, ['a1', 'b1']);
  place('orders-0', 'service', 'orders', HOSTS, 'none');
  place('orders-1', 'service', 'orders', HOSTS, 'none');
  const hosts = Object.fromEntries(
    HOSTS.map((host, index) => [host, { address: `10.0.0.${index + 1}`, zone: host.slice(0, 1), region: 'west' }]),
  );
  // The demo reads the topology's name alone; the rest of it is the lab's.
  const topology = { name: 'orders & <friends>' } as ClusterSpec['topology'];
  return { revision: 1, topology, hosts, gatewayAddress: null, networkPrefix: 24, placement: { units }, restarts: {}, holds: [] };
}
