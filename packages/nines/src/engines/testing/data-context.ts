/** A unit of PostgreSQL, Redis or Sentinel among its peers, for tests of plans: invented hosts, paths and passwords. */
import { certificatePaths } from '../../identity/identity.ts';
import { exampleTopology } from '../../identity/testing/example-topology.ts';
import type { EngineName, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { PostgresTopology, RedisTopology } from '../../topology/topology.ts';
import type { UnitContext } from '../engine.ts';

export interface DataContextWishes {
  engine: 'postgres' | 'redis' | 'sentinel';
  ordinal: number;
  /** Hosts, each with one unit of every data engine; 3 when absent. */
  count?: number;
  leader?: number;
  /** First three numbers of the hosts' addresses. */
  network?: string;
  postgres?: Partial<PostgresTopology>;
  redis?: Partial<RedisTopology>;
}

export const GROUP_NAME = 'main';

export function dataContext(wishes: DataContextWishes): UnitContext {
  const { engine, ordinal, count = 3, leader = 0, network = '10.0.0' } = wishes;
  const topology = exampleTopology({ postgres: { [GROUP_NAME]: count }, redis: [GROUP_NAME] });
  topology.postgres[GROUP_NAME] = { ...topology.postgres[GROUP_NAME]!, ...wishes.postgres };
  topology.redis[GROUP_NAME] = { ...topology.redis[GROUP_NAME]!, replicas: count, ...wishes.redis };
  const ordinals = Array.from({ length: count }, (_, index) => index);
  const hosts = Object.fromEntries(
    ordinals.map((index) => [`h${index}`, { address: `${network}.${index + 1}`, zone: `z${index}`, region: 'west' }]),
  );
  const unitsOf = (name: EngineName): PlacedUnit[] =>
    ordinals.map((index) => ({
      name: `${name}-${GROUP_NAME}`,
      engine: name,
      group: GROUP_NAME,
      host: `h${index}`,
      ordinal: index,
      slot: 0,
      initialLeader: name !== 'sentinel' && index === leader,
      reason: 'test',
    }));
  const units = [...unitsOf('postgres'), ...unitsOf('redis'), ...unitsOf('sentinel')];
  return {
    spec: { revision: 1, topology, hosts, gatewayAddress: null, networkPrefix: 24, placement: { units }, restarts: {}, holds: [] },
    unit: units.find((unit) => unit.engine === engine && unit.ordinal === ordinal)!,
    paths: { dataDir: '/var/lib/nines', runDir: '/run/nines', projectDir: '/srv', nodeFile: '/usr/bin/node' },
    secrets: {
      postgres: passwords(['postgres', 'app', 'monitor', ...ordinals.map((index) => `replica_${index}`)]),
      redis: passwords(['app', 'replica', 'sentinel', 'agent']),
      services: {},
      other: {},
    },
    certificate: (name) => certificatePaths('/var/lib/nines/identity', name),
  };
}

function passwords(users: string[]): Record<string, string> {
  return Object.fromEntries(users.map((user) => [`${GROUP_NAME}/${user}`, `secret-of-${user}`]));
}

/** Passwords that a plan shows outside files that only their owner may read. */
export function exposedPasswords(
  context: UnitContext,
  plan: { argv: string[]; env: Record<string, string>; files: { content: string; mode: number }[] },
): string[] {
  const open = [
    ...plan.argv,
    ...Object.values(plan.env),
    ...plan.files.filter((file) => (file.mode & 0o077) !== 0).map((file) => file.content),
  ];
  const all = { ...context.secrets.postgres, ...context.secrets.redis };
  return Object.values(all).filter((password) => open.some((text) => text.includes(password)));
}
