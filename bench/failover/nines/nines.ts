/** Nines with PostgreSQL, etcd and the gateway alone: what the peers have too. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { secretsPath, certificatePaths } from '../../../packages/nines/src/identity/identity.ts';
import { destroyLab } from '../../../packages/nines/src/lab/index.ts';
import { type Cluster, labPaths } from '../../../packages/nines/src/operations/cluster.ts';
import type { ClusterSecrets } from '../../../packages/nines/src/identity/identity.ts';
import type { Project } from '../../../packages/nines/src/operations/project.ts';
import { bringUp, MACHINE_PATHS } from '../../../packages/nines/src/operations/up.ts';
import { defineTopology } from '../../../packages/nines/src/topology/define-topology.ts';
import { normaliseTopology } from '../../../packages/nines/src/topology/normalise.ts';
import { versionLine } from '../../result.ts';
import { gatewayHost } from '../gateway-host.ts';
import type { DatabaseAccess, RunningSystem, StartOptions, System } from '../system.ts';
import { type Agents, agentsOf } from './agents.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const GROUP = 'main';
const START_TIMEOUT_MS = 90_000;
const MOVE_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const MAX_LAG_BYTES = 1 << 20;

/** A topology has a service; it is taken out again, as the peers have none. */
const TOPOLOGY = defineTopology({
  name: 'bench',
  regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: ['b1'] }, c: { hosts: ['c1'] } } } },
  services: { none: { command: ['node'] } },
  gateway: { replicas: 2 },
  postgres: { [GROUP]: { replicas: 3, durability: 'quorum' } },
  observe: { prometheus: false, alertmanager: false },
});

export const nines: System = {
  name: 'nines',
  prepare: () => undefined,
  versions: () => ({
    postgres: versionLine(['/usr/lib/postgresql/15/bin/postgres', '--version']),
    haproxy: versionLine(['/usr/sbin/haproxy', '-v']),
    etcd: versionLine(['/usr/bin/etcd', '--version']),
    nines: 'the default topology without services, Redis and Prometheus; durability quorum; TLS everywhere',
  }),
  start,
};

async function start({ labName, gateway, signal }: StartOptions): Promise<RunningSystem> {
  const project: Project = {
    configFile: '',
    topology: { ...normaliseTopology(TOPOLOGY), services: {} },
    folder: REPOSITORY,
    root: REPOSITORY,
  };
  const progress = { stage: () => undefined, ready: () => undefined };
  const cluster = await bringUp({ ...MACHINE_PATHS, project, labName, timeoutMs: START_TIMEOUT_MS, signal, progress });
  let agents: Agents | null = null;
  const stop = async (): Promise<void> => {
    agents?.close();
    cluster.close();
    await destroyLab(MACHINE_PATHS.labsDir, labName, { signal: AbortSignal.timeout(30_000), log: () => undefined });
  };
  try {
    agents = await agentsOf(cluster.lab);
    const running = runningSystem(cluster, agents, await accessOf(cluster), stop);
    await untilWhole(running, signal);
    await running.place(gateway, signal);
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The primary where the scenario wants it, as to the host that holds the gateway's address. */
async function putPrimary(
  running: RunningSystem,
  cluster: Cluster,
  agents: Agents,
  atGateway: boolean,
  signal: AbortSignal,
): Promise<void> {
  const [primary, gateway] = [await running.primary(signal), await gatewayHost(running.lab, running.access.host, signal)];
  if ((primary === gateway) === atGateway) return;
  const to = atGateway ? gateway : (Object.keys(cluster.addresses).find((host) => host !== gateway) ?? null);
  await agents.switchover(cluster.addresses[primary] ?? '', GROUP, to, signal);
  const startedMs = performance.now();
  while ((await running.primary(signal).catch(() => primary)) === primary) {
    if (performance.now() - startedMs > MOVE_TIMEOUT_MS) throw new Error(`the primary did not move to ${to}`);
    await delay(POLL_MS, undefined, { signal });
  }
  await untilWhole(running, signal);
}

function runningSystem(cluster: Cluster, agents: Agents, access: DatabaseAccess, stop: () => Promise<void>): RunningSystem {
  const addresses = Object.values(cluster.addresses);
  const views = async (signal: AbortSignal) => {
    const asked = await Promise.allSettled(addresses.map((address) => agents.view(address, GROUP, signal)));
    return asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  };
  const running: RunningSystem = {
    lab: cluster.lab,
    access,
    primary: async (signal) => {
      const leader = (await views(signal)).toSorted((left, right) => right.term - left.term)[0]?.leader;
      if (leader === null || leader === undefined) throw new Error('no agent knows a leader');
      return leader.host;
    },
    agentPid: async (host, signal) => {
      const answer = (await cluster.states(signal)).find((one) => one.host === host);
      if (answer?.state === null || answer === undefined) throw new Error(`the agent of ${host} does not answer: ${answer?.error}`);
      return answer.state.agent.pid;
    },
    switchover: (primary, signal) => agents.switchover(cluster.addresses[primary] ?? '', GROUP, null, signal),
    missing: async (signal) => {
      const all = await views(signal);
      if (all.length < addresses.length) return `${addresses.length - all.length} agents do not answer`;
      // The newest, though an old leader that was cut off may have proof for a moment still: its standbys are another's by now.
      const [view] = all.toSorted((left, right) => right.term - left.term || Number(right.proven) - Number(left.proven));
      if (view?.proven !== true) return 'the newest leader that is known has no proof of its leadership';
      if (view.phase !== 'open') return `the record is ${view.phase}`;
      if (view.lone) return 'the leader is alone';
      const near = view.replicas.filter(({ counted, lagBytes }) => counted && lagBytes !== null && lagBytes <= MAX_LAG_BYTES);
      return near.length < addresses.length - 1 ? `${near.length} standbys count and are near` : null;
    },
    milestones: async (sinceMs, signal) => {
      const asked = await Promise.allSettled(addresses.map((address) => agents.decisions(address, GROUP, sinceMs, signal)));
      return asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    },
    place: (gateway, signal) => putPrimary(running, cluster, agents, gateway === 'on', signal),
    stop,
  };
  return running;
}

async function accessOf(cluster: Cluster): Promise<DatabaseAccess> {
  const { spec, lab } = cluster;
  const group = spec.topology.postgres[GROUP];
  const secrets = JSON.parse(await readFile(secretsPath(labPaths(lab).identityDir), 'utf8')) as ClusterSecrets;
  const { caFile } = certificatePaths(labPaths(lab).operatorDir, 'operator');
  return {
    host: spec.gatewayAddress ?? '',
    port: group?.port ?? 0,
    user: 'app',
    password: secrets.postgres[`${GROUP}/app`] ?? '',
    database: group?.database ?? '',
    caPem: await readFile(caFile, 'utf8'),
  };
}

async function untilWhole(running: RunningSystem, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const lacking = await running.missing(signal);
    if (lacking === null) return;
    if (performance.now() - startedMs > MOVE_TIMEOUT_MS) throw new Error(`not whole within ${MOVE_TIMEOUT_MS} ms: ${lacking}`);
    await delay(POLL_MS, undefined, { signal });
  }
}
