/** The demo's system, in the lab: what `demo/system.ts` asks for, by the lab's faults and the agents' word. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../agent/run.ts';
import type { StoredOrder } from '../checkers/order-set.ts';
import type { CutZone, DemoCluster, DemoSystem, FaultProof, Narrated } from '../demo/system.ts';
import { detectMachine } from '../engines/machine/detect.ts';
import { toolsFor } from '../engines/machine/tools.ts';
import { NinesError } from '../errors/errors.ts';
import { cut, destroyLab, type Fault, killProcess, MACHINE } from '../lab/index.ts';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import type { Cluster } from './cluster.ts';
import { loadProject } from './project.ts';
import { leaderHost } from './postgres/members.ts';
import { switchover } from './postgres/switchover.ts';
import { rollingRestart } from './restart.ts';
import { hostInRole, toolCall } from './tools.ts';
import { bringUp, MACHINE_PATHS } from './up.ts';

const UP_TIMEOUT_MS = 90_000;
const UNIT_TIMEOUT_MS = 60_000;
const SWITCHOVER_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
/** Longer than any move of the address and any failover of Redis: what nobody holds by then is lost, not moving. */
const HOLDER_TIMEOUT_MS = 30_000;
/** Heartbeats of etcd alone cross a zone's border 20 times a second. */
const DROP_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 20_000;

/** @param configFile topology of the example. */
export function labDemoSystem(configFile: string): DemoSystem {
  let cluster: Cluster | null = null;
  let labName: string | null = null;
  return {
    async up({ signal, progress }: Narrated): Promise<DemoCluster> {
      const project = await loadProject(configFile, process.cwd());
      // Two demos may run on one machine: each has a lab of its own.
      labName = `demo-${randomUUID().slice(0, 6)}`;
      let last = '';
      cluster = await bringUp({
        ...MACHINE_PATHS,
        project,
        labName,
        timeoutMs: UP_TIMEOUT_MS,
        signal,
        progress: {
          stage: (name) => progress(name),
          ready: ({ ready, total }) => {
            const line = `${ready} of ${total} units ready`;
            if (line !== last) progress(line);
            last = line;
          },
        },
      });
      return demoCluster(cluster, await versions(signal));
    },
    async down({ signal, progress }: Narrated): Promise<void> {
      cluster?.close();
      if (labName !== null) await destroyLab(MACHINE_PATHS.labsDir, labName, { signal, log: progress });
    },
  };
}

function demoCluster(cluster: Cluster, engineVersions: Record<string, string>): DemoCluster {
  const { spec, lab } = cluster;
  const [service = ''] = Object.keys(spec.topology.services);
  const [database = ''] = Object.keys(spec.topology.postgres);
  return {
    spec,
    target: { host: spec.gatewayAddress ?? '', port: spec.topology.gateway?.port ?? 0 },
    service,
    versions: engineVersions,
    gatewayHolder: ({ signal }) => holder(() => hostInRole(cluster, 'haproxy', 'active', signal), signal),
    redisMaster: async ({ signal }) => {
      const unit = spec.placement.units.find(({ engine }) => engine === 'redis');
      const name = unit?.name ?? '';
      return unitOn(cluster, name, await holder(() => hostInRole(cluster, name, 'master', signal), signal));
    },
    postgresPrimary: async ({ signal }) =>
      unitOn(cluster, `postgres-${database}`, await holder(() => leaderHost(cluster, database, signal), signal)),
    kill: (unit, { signal }) => killUnit(cluster, unit, signal),
    cutZone: (zone, { signal }) => cutZone(cluster, zone, signal),
    rollingRestart: async (name, { signal, progress }) => {
      const atNs = process.hrtime.bigint();
      const units = await rollingRestart(cluster, name, {
        unitTimeoutMs: UNIT_TIMEOUT_MS,
        signal,
        progress: { began: (unit, index, total) => progress(`${index + 1} of ${total}: ${unit.name} on ${unit.host}`) },
      });
      return { atNs, proof: `${units.length} instances were restarted one by one: ${units.map((unit) => unit.name).join(', ')}` };
    },
    switchover: async ({ signal, progress }) => {
      const atNs = process.hrtime.bigint();
      const { from, to } = await switchover(cluster, database, null, { timeoutMs: SWITCHOVER_TIMEOUT_MS, signal, progress });
      return { atNs, proof: `${to.host} leads in term ${to.term}; before: ${from?.host ?? 'nobody'} in term ${from?.term ?? 0}` };
    },
    allReady: ({ signal }) => cluster.waitReady(signal),
    storedOrders: ({ signal }) => storedOrders(cluster, signal),
  };

  function unitOn(of: Cluster, name: string, host: string): PlacedUnit {
    const found = of.spec.placement.units.find((unit) => unit.name === name && unit.host === host);
    if (found === undefined) throw new NinesError('E_UNREACHABLE', `lab ${lab.name} has no unit ${name} on ${host}`);
    return found;
  }
}

/** Asks again while nobody says so: right after a fault nobody may. Rejects as `ask` does when nobody does in time. */
async function holder(ask: () => Promise<string>, signal: AbortSignal): Promise<string> {
  const deadlineMs = performance.now() + HOLDER_TIMEOUT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > deadlineMs) throw error;
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

async function killUnit(cluster: Cluster, unit: PlacedUnit, signal: AbortSignal): Promise<FaultProof> {
  const answers = await cluster.states(signal);
  const pid = answers.find(({ host }) => host === unit.host)?.state?.units.find(({ name }) => name === unit.name)?.pid ?? null;
  if (pid === null) throw new NinesError('E_UNREACHABLE', `${unit.name} on ${unit.host} has no process to kill`);
  const atNs = process.hrtime.bigint();
  const fault = await killProcess(cluster.lab, unit.host, pid, { signal });
  const { inEffect, detail } = await fault.proof();
  if (!inEffect) throw new NinesError('E_LAB_COMMAND', `${unit.name} on ${unit.host} was killed in vain: ${detail}`);
  return { atNs, proof: `process ${pid} of ${unit.name} on ${unit.host} is gone` };
}

async function cutZone(cluster: Cluster, zone: string, signal: AbortSignal): Promise<CutZone> {
  const hosts = Object.entries(cluster.spec.hosts);
  const inside = hosts.filter(([, host]) => host.zone === zone).map(([name]) => name);
  const outside = [...hosts.filter(([, host]) => host.zone !== zone).map(([name]) => name), MACHINE];
  const atNs = process.hrtime.bigint();
  const fault = await cut(cluster.lab, { from: inside, to: outside, direction: 'both', port: null, protocol: null }, { signal });
  const proof = await untilItDrops(fault, signal);
  let healed: FaultProof | null = null;
  return {
    atNs,
    proof: `zone ${zone} is cut off: ${proof.detail}`,
    heal: async () => {
      if (healed !== null) return healed;
      await fault.undo();
      const after = await fault.proof();
      if (after.inEffect) throw new NinesError('E_LAB_COMMAND', `the cut of zone ${zone} could not be undone: ${after.detail}`);
      healed = { atNs: process.hrtime.bigint(), proof: `packets of zone ${zone} pass again` };
      return healed;
    },
  };
}

/** Agents and engines talk all the time: dropped packets show that the cut works. Undone when it does not. */
async function untilItDrops(fault: Fault, signal: AbortSignal): Promise<{ detail: string }> {
  const deadlineMs = performance.now() + DROP_TIMEOUT_MS;
  try {
    for (;;) {
      const proof = await fault.proof();
      if (proof.inEffect && (proof.packets ?? 0) > 0) return proof;
      if (performance.now() > deadlineMs) throw new NinesError('E_LAB_COMMAND', `the cut does not work: ${proof.detail}`);
      await delay(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    await fault.undo();
    throw error;
  }
}

/** One JSON document per line: no name can break a column. */
const ORDERS_QUERY = `SELECT json_build_object('id', o.id::text, 'key', o.idempotency_key, 'customer', c.name)
  FROM orders o JOIN customers c ON c.id = o.customer_id`;

async function storedOrders(cluster: Cluster, signal: AbortSignal): Promise<StoredOrder[]> {
  const { argv, env } = await toolCall(cluster, ['psql', '-XAtq', '-c', ORDERS_QUERY], { signal });
  const { stdout } = await run(argv, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }, timeoutMs: QUERY_TIMEOUT_MS, signal });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StoredOrder);
}

async function versions(signal: AbortSignal): Promise<Record<string, string>> {
  const { tools, nodeVersion } = await detectMachine(toolsFor(), { signal, run: (argv, limits) => run(argv, { ...limits, signal }) });
  const known = Object.entries(tools).flatMap(([name, { version }]) => (version === null ? [] : [[name, version] as const]));
  return { node: nodeVersion, ...Object.fromEntries(known) };
}
