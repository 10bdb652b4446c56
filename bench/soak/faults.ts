/** Every fault that the soak chooses from. */
import {
  cut,
  everyoneBut,
  freezeHost,
  freezeProcess,
  killHost,
  killProcess,
  type Lab,
  latency,
  powerLoss,
} from '../../packages/nines/src/lab/index.ts';
import { AGENT_PEER_PORT } from '../../packages/nines/src/topology/ports.ts';
import type { LabGroup } from './group.ts';
import type { Random } from './random.ts';

export interface Scene {
  group: LabGroup;
  /** Host of the primary as it was before. */
  primary: string;
  random: Random;
  signal: AbortSignal;
}

/** What was done, in words. Everything that can be undone is undone by the lab's own record. */
type Act = (scene: Scene) => Promise<string>;

const ETCD_PEER_PORT = 2380;
const ETCD_CLIENT_PORT = 2379;
const POSTGRES_PORT = 5432;

const anyHost = ({ group, random }: Scene): string => random.pick(group.hosts);
const standby = ({ group, primary, random }: Scene): string => random.pick(group.hosts.filter((host) => host !== primary));

async function cutOff(scene: Scene, host: string, direction: 'both' | 'from-to' | 'to-from'): Promise<string> {
  const { lab } = scene.group;
  await cut(lab, { from: [host], to: everyoneBut(lab, [host]), direction }, scene);
  return `${host} cut off (${direction})`;
}

async function cutPort({ group: { lab }, signal }: Scene, [from, to]: readonly string[], port: number): Promise<string> {
  const ends = { from: [from ?? ''], to: [to ?? ''] };
  // A port is one of `to`: its requests there, and those that go the other way.
  await cut(lab, { ...ends, port }, { signal });
  await cut(lab, { from: ends.to, to: ends.from, port }, { signal });
  return `port ${port} cut between ${from} and ${to}`;
}

async function freezeAll(scene: Scene, host: string, pids: readonly number[], what: string): Promise<string> {
  for (const pid of pids) await freezeProcess(scene.group.lab, host, pid, scene).catch(endedBefore);
  return `${what} of ${host} frozen`;
}

/** A backend may end between the look and the signal. */
function endedBefore(error: unknown): void {
  if ((error as { code?: string }).code !== 'E_USAGE') throw error;
}

async function killServer(scene: Scene, host: string): Promise<string> {
  const [postmaster] = await scene.group.postgres(host);
  await killProcess(scene.group.lab, host, postmaster?.pid ?? 0, scene);
  return `postmaster of ${host} killed`;
}

async function killProgram(scene: Scene, host: string, program: 'etcd' | 'haproxy' | 'agent'): Promise<string> {
  const { pid } = await scene.group.process(host, program);
  await killProcess(scene.group.lab, host, pid, scene);
  return `${program} of ${host} killed`;
}

async function freezeServer(scene: Scene, host: string): Promise<string> {
  const processes = await scene.group.postgres(host);
  return await freezeAll(
    scene,
    host,
    processes.map(({ pid }) => pid),
    'PostgreSQL',
  );
}

async function freezeProgram(scene: Scene, host: string, program: 'etcd' | 'agent'): Promise<string> {
  return await freezeAll(scene, host, [(await scene.group.process(host, program)).pid], program);
}

async function loseEtcd(scene: Scene, members: number): Promise<string> {
  const hosts = scene.random.shuffled(scene.group.hosts).slice(0, members);
  for (const host of hosts) await freezeProgram(scene, host, 'etcd');
  return `etcd of ${hosts.join(', ')} frozen`;
}

async function slow(scene: Scene): Promise<string> {
  const host = anyHost(scene);
  const ms = scene.random.between(5, 80);
  const { lab } = scene.group;
  await latency(lab, { from: [host], to: others(lab, host), direction: 'both', ms }, scene);
  return `${ms} ms more to and from ${host}`;
}

function others(lab: Lab, host: string): string[] {
  return Object.keys(lab.hosts).filter((other) => other !== host);
}

async function offline(scene: Scene, host: string): Promise<string> {
  const [how, name] = scene.random.pick([[powerLoss, 'lost its power'] as const, [killHost, 'was killed'] as const]);
  await how(scene.group.lab, host, scene);
  return `${host} ${name}`;
}

/** By name; the weight is how often it is chosen. */
export const FAULTS: Record<string, { weight: number; act: Act }> = {
  'kill-primary': { weight: 3, act: (scene) => killServer(scene, scene.primary) },
  'kill-standby': { weight: 1, act: (scene) => killServer(scene, standby(scene)) },
  'kill-agent': { weight: 2, act: (scene) => killProgram(scene, anyHost(scene), 'agent') },
  'kill-etcd': { weight: 1, act: (scene) => killProgram(scene, anyHost(scene), 'etcd') },
  'freeze-primary': { weight: 2, act: (scene) => freezeServer(scene, scene.primary) },
  'freeze-standby': { weight: 1, act: (scene) => freezeServer(scene, standby(scene)) },
  'freeze-agent': { weight: 2, act: (scene) => freezeProgram(scene, anyHost(scene), 'agent') },
  'freeze-host': {
    weight: 2,
    act: async (scene) => {
      const host = anyHost(scene);
      await freezeHost(scene.group.lab, host, scene);
      return `${host} frozen`;
    },
  },
  'cut-primary': { weight: 3, act: (scene) => cutOff(scene, scene.primary, scene.random.pick(['both', 'from-to', 'to-from'])) },
  'cut-standby': { weight: 1, act: (scene) => cutOff(scene, standby(scene), scene.random.pick(['both', 'from-to', 'to-from'])) },
  'cut-pair': {
    weight: 2,
    act: async (scene) => {
      const [from = '', to = ''] = scene.random.shuffled(scene.group.hosts);
      const direction = scene.random.pick(['both', 'from-to'] as const);
      await cut(scene.group.lab, { from: [from], to: [to], direction }, scene);
      return `${from} and ${to} cut from each other (${direction})`;
    },
  },
  'cut-port': {
    weight: 2,
    act: (scene) =>
      cutPort(
        scene,
        scene.random.shuffled(scene.group.hosts),
        scene.random.pick([AGENT_PEER_PORT, ETCD_CLIENT_PORT, ETCD_PEER_PORT, POSTGRES_PORT]),
      ),
  },
  'primary-off': { weight: 3, act: (scene) => offline(scene, scene.primary) },
  'standby-off': { weight: 1, act: (scene) => offline(scene, standby(scene)) },
  'lose-etcd': { weight: 1, act: (scene) => loseEtcd(scene, scene.random.between(2, 3)) },
  latency: { weight: 1, act: slow },
  switchover: {
    weight: 2,
    act: async (scene) => {
      const to = standby(scene);
      await scene.group.switchover(to, scene.signal);
      return `switchover to ${to}`;
    },
  },
};

/** The names of what happens together: mostly one fault, sometimes a second while the first is on. */
export function chooseFaults(random: Random): string[] {
  const bag = Object.entries(FAULTS).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));
  return random.next() < 0.25 ? [random.pick(bag), random.pick(bag)] : [random.pick(bag)];
}
