/** What the demo breaks, in which order, and what must hold. Plain data over the stage that `stage.ts` gives. */
import { NinesError } from '../errors/errors.ts';
import type { StepLimits } from '../report/report.ts';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import type { HostName, ZoneName } from '../topology/topology.ts';
import type { DemoCluster, FaultProof } from './system.ts';

export interface Stage {
  cluster: DemoCluster;
  signal: AbortSignal;
  /** What is being done now, shown beside the step. */
  say(what: string): void;
  /** Marks that a fault took effect: recovery is measured from here to the next mark. */
  fault(name: string, proof: FaultProof): void;
  /** Resolves when clients have not felt anything for a while; throws NotSteady when that takes too long. */
  clientsSteady(): Promise<void>;
  /** The same, and every unit is ready. */
  allSteady(): Promise<void>;
}

export interface DemoStep {
  name: string;
  title: string;
  limits: StepLimits;
  /** Before the step's window: brings about what the step needs. */
  prepare?(stage: Stage): Promise<void>;
  /** Does the fault, marks it, and undoes what does not heal by itself. The stage waits for steadiness afterwards. */
  act(stage: Stage): Promise<void>;
}

/** Before the steps, and none of them: a system that fails with nothing broken needs no faults to be judged. */
export const BASELINE: DemoStep = {
  name: 'baseline',
  title: 'load with nothing broken',
  limits: { failed: 0 },
  prepare: (stage) => stage.clientsSteady(),
  act: async () => undefined,
};

export const DEMO_STEPS: readonly DemoStep[] = [
  {
    name: 'instance-kill',
    title: 'kill -9 an API instance',
    limits: { failed: 0 },
    act: async (stage) => {
      const { cluster } = stage;
      const instance = firstUnit(cluster, (unit) => unit.engine === 'service' && unit.group === cluster.service);
      await kill(stage, instance);
    },
  },
  {
    name: 'gateway-kill',
    title: 'kill -9 the gateway that holds the address',
    limits: { recoveredMs: 2000 },
    act: async (stage) => kill(stage, gatewayOn(stage.cluster, await stage.cluster.gatewayHolder(stage))),
  },
  {
    name: 'zone-loss',
    title: 'cut off the zone that holds the address, heal it',
    limits: { recoveredMs: 2000 },
    prepare: moveAddressFromLeaders,
    act: async (stage) => cutOff(stage, zoneOf(stage.cluster, await stage.cluster.gatewayHolder(stage))),
  },
  {
    name: 'redis-kill',
    title: 'kill -9 the Redis master',
    limits: { recoveredMs: 6000 },
    act: async (stage) => kill(stage, await stage.cluster.redisMaster(stage)),
  },
  {
    name: 'rolling-restart',
    title: 'rolling restart of the service',
    limits: { failed: 0 },
    act: async (stage) => {
      const { cluster, signal, say } = stage;
      stage.fault('restart', await cluster.rollingRestart(cluster.service, { signal, progress: say }));
    },
  },
  {
    name: 'postgres-kill',
    title: 'kill -9 the PostgreSQL primary',
    limits: { recoveredMs: 10_000 },
    act: async (stage) => kill(stage, await stage.cluster.postgresPrimary(stage)),
  },
  {
    name: 'primary-zone-loss',
    title: "cut off the primary's zone, heal it",
    limits: { recoveredMs: 10_000 },
    act: async (stage) => cutOff(stage, zoneOf(stage.cluster, (await stage.cluster.postgresPrimary(stage)).host)),
  },
  {
    name: 'switchover',
    title: 'switchover of PostgreSQL',
    limits: { recoveredMs: 10_000 },
    act: async (stage) => stage.fault('switchover', await stage.cluster.switchover({ signal: stage.signal, progress: stage.say })),
  },
];

/** Clients have to be steady while the zone is away: what recovers only with the zone has not been survived. */
async function cutOff(stage: Stage, zone: ZoneName): Promise<void> {
  stage.say(`cutting off zone ${zone}`);
  const cut = await stage.cluster.cutZone(zone, stage);
  try {
    stage.fault('cut', cut);
    await stage.clientsSteady();
  } finally {
    stage.say(`healing zone ${zone}`);
    // Also when the step gives up: what follows must not meet a zone that is still cut off.
    stage.fault('heal', await cut.heal(stage));
  }
}

async function kill(stage: Stage, unit: PlacedUnit): Promise<void> {
  stage.say(`kill -9 ${unit.name} on ${unit.host}`);
  stage.fault('kill', await stage.cluster.kill(unit, stage));
}

/** Moves of the address that are tried before the step gives up; with two gateways one is enough. */
const MOST_MOVES = 3;

/**
 * The zone step is about losing the gateway and a third of everything, not about the database: it wants the address in
 * a zone without the PostgreSQL primary and without the Redis master. Killing the gateway moves it.
 */
async function moveAddressFromLeaders(stage: Stage): Promise<void> {
  const { cluster } = stage;
  for (let moves = 0; ; moves += 1) {
    const holder = await cluster.gatewayHolder(stage);
    const leaders = [await cluster.postgresPrimary(stage), await cluster.redisMaster(stage)];
    if (leaders.every((leader) => zoneOf(cluster, leader.host) !== zoneOf(cluster, holder))) return;
    if (moves === MOST_MOVES) {
      throw new NinesError(
        'E_UNREACHABLE',
        `the virtual address stays on ${holder}, in the zone of a leader: losing that zone is another experiment`,
      );
    }
    stage.say(`moving the address away from ${holder}`);
    await cluster.kill(gatewayOn(cluster, holder), stage);
    await stage.allSteady();
  }
}

function gatewayOn(cluster: DemoCluster, host: HostName): PlacedUnit {
  return firstUnit(cluster, (unit) => unit.engine === 'haproxy' && unit.host === host);
}

function zoneOf(cluster: DemoCluster, host: HostName): string {
  return cluster.spec.hosts[host]?.zone ?? '';
}

function firstUnit(cluster: DemoCluster, fits: (unit: PlacedUnit) => boolean): PlacedUnit {
  const unit = cluster.spec.placement.units.find(fits);
  if (unit === undefined) throw new NinesError('E_CONFIG_INVALID', 'the topology of the demo lacks a unit that the demo breaks');
  return unit;
}
