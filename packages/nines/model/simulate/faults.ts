/** Something goes wrong every now and then, until it is healed. */
import type { NodeName } from '../../src/failover/record.ts';
import { ETCD } from './network.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

type Fault = (simulation: Simulation, name: NodeName, random: Random) => void;

const FAULTS: Record<string, Fault> = {
  exit: (simulation, name) => simulation.exit(name),
  'host restarts': (simulation, name, random) => {
    if (!simulation.isOff(name)) simulation.restart(name, random.between(200, 15_000));
  },
  'agent restarts': (simulation, name) => {
    if (!simulation.isOff(name)) simulation.restart(name, 0);
  },
  'agent freezes': (simulation, name, random) => simulation.freeze(name, 'agent', random.between(200, 6_000)),
  'server freezes': (simulation, name, random) => simulation.freeze(name, 'server', random.between(200, 6_000)),
  'host freezes': (simulation, name, random) => {
    const ms = random.between(200, 6_000);
    simulation.freeze(name, 'agent', ms);
    simulation.freeze(name, 'server', ms);
  },
  'one way is cut': ({ network, names }, name, random) => network.cut(name, random.pick([...names, ETCD].filter((each) => each !== name))),
  'no answer from etcd': ({ network }, name) => network.cut(ETCD, name),
  'host is cut off': ({ network, names }, name) => {
    for (const other of [...names, ETCD]) if (other !== name) cutBoth(network, name, other);
  },
  'etcd is cut off': ({ network, names }) => {
    for (const other of names) cutBoth(network, ETCD, other);
  },
  'links are bad': ({ network }, _name, random) => {
    network.lossPerThousand = random.pick([0, 20, 200]);
    network.lateOneIn = random.pick([0, 10, 50]);
  },
  switchover: (simulation, name) => {
    const { leader } = simulation.world.etcd.record;
    if (!simulation.isOff(leader)) simulation.give(leader, { kind: 'request', request: { kind: 'switchover', to: name } });
  },
  reinit: (simulation, name) => {
    if (!simulation.isOff(name)) simulation.give(name, { kind: 'request', request: { kind: 'reinit' } });
  },
  'links heal': ({ network }) => network.heal(),
};

function cutBoth(network: Simulation['network'], one: string, other: string): void {
  network.cut(one, other);
  network.cut(other, one);
}

/** One every `everyMs` on the average, and links heal as often as they break; told to `note` as it happens. */
export function plague(simulation: Simulation, everyMs: number, endMs: number, note: (what: string) => void): void {
  const { random } = simulation;
  const next = (): void => {
    simulation.after(random.between(0, 2 * everyMs), null, null, () => {
      if (simulation.nowMs >= endMs) return;
      const what = random.isOneIn(4) ? 'links heal' : random.pick(Object.keys(FAULTS));
      const name = random.pick(simulation.names);
      note(`${name}: ${what}`);
      FAULTS[what]?.(simulation, name, random);
      next();
    });
  };
  next();
}

export function heal(simulation: Simulation): void {
  simulation.network.heal();
  simulation.thaw();
}

/** What does not heal. */
export interface Lasting {
  what: string;
  /** Everything has to come back; otherwise clients have to be served. */
  isWhole: boolean;
  /** Says whom it befalls. */
  begin: (simulation: Simulation) => string;
  /** What is needed is with a lone leader that is away: nobody may lead without an operator's word. */
  isHopeless: (simulation: Simulation) => boolean;
}

/** What a lone leader acknowledged is nowhere else: without it nobody may go on. */
function isLostWithLeader({ world: { etcd } }: Simulation, isAway: boolean): boolean {
  return isAway && etcd.record.guards.some(({ acks }) => acks === 0);
}

export const LASTING: readonly Lasting[] = [
  { what: 'nothing', isWhole: true, begin: () => 'nobody', isHopeless: () => false },
  {
    what: 'a host stays off',
    isWhole: false,
    begin: (simulation) => {
      const name = simulation.random.isOneIn(2) ? simulation.world.etcd.record.leader : simulation.random.pick(simulation.names);
      simulation.restart(name, Number.POSITIVE_INFINITY);
      return name;
    },
    isHopeless: (simulation) => isLostWithLeader(simulation, simulation.isOff(simulation.world.etcd.record.leader)),
  },
  {
    what: 'the leader does not reach etcd',
    isWhole: false,
    begin: ({ world, network }) => {
      cutBoth(network, ETCD, world.etcd.record.leader);
      return world.etcd.record.leader;
    },
    isHopeless: (simulation) => isLostWithLeader(simulation, true),
  },
];
