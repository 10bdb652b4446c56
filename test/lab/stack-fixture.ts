/** The example's whole stack in a lab of its own, and a client that counts what fails. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { HostState, UnitState } from '../../packages/nines/src/agent/host-state.ts';
import { destroyLab } from '../../packages/nines/src/lab/index.ts';
import type { Cluster } from '../../packages/nines/src/operations/cluster.ts';
import { loadProject, type Project } from '../../packages/nines/src/operations/project.ts';
import { bringUp, MACHINE_PATHS } from '../../packages/nines/src/operations/up.ts';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const EXAMPLE_CONFIG = join(REPOSITORY, 'examples/orders/nines.config.ts');
const QUIET = { stage: () => undefined, ready: () => undefined };

export interface Stack {
  cluster: Cluster;
  project: Project;
  labName: string;
  tookMs: number;
  down(): Promise<void>;
}

export async function startStack(options: { project?: Project; labName?: string; timeoutMs?: number } = {}): Promise<Stack> {
  const project = options.project ?? (await loadProject(EXAMPLE_CONFIG, REPOSITORY));
  const labName = options.labName ?? `test-${randomUUID().slice(0, 6)}`;
  const startedAt = performance.now();
  const cluster = await bringUp({
    ...MACHINE_PATHS,
    project,
    labName,
    timeoutMs: options.timeoutMs ?? 180_000,
    signal: new AbortController().signal,
    progress: QUIET,
  });
  const down = async (): Promise<void> => {
    cluster.close();
    await destroyLab(MACHINE_PATHS.labsDir, labName, { signal: AbortSignal.timeout(60_000), log: () => undefined });
  };
  return { cluster, project, labName, tookMs: performance.now() - startedAt, down };
}

/** Of hosts that are up: asked again while one is late with its answer. By host. */
async function statesOf(cluster: Cluster, hosts: string[]): Promise<Record<string, HostState>> {
  const states: Record<string, HostState> = {};
  const askMissing = async (): Promise<boolean> => {
    const missing = Object.entries(cluster.addresses).filter(([host]) => hosts.includes(host) && states[host] === undefined);
    for (const { host, state } of await cluster.agents.states(Object.fromEntries(missing), AbortSignal.timeout(5_000))) {
      if (state !== null) states[host] = state;
    }
    return hosts.every((host) => states[host] !== undefined);
  };
  await until(`the agents of ${hosts.join(', ')} answer`, askMissing);
  return states;
}

/** Of every host; all have to be up. */
export function allStates(cluster: Cluster): Promise<Record<string, HostState>> {
  return statesOf(cluster, Object.keys(cluster.spec.hosts));
}

/** Of a host that is up. */
export async function hostState(cluster: Cluster, host: string): Promise<HostState> {
  const { [host]: state } = await statesOf(cluster, [host]);
  if (state === undefined) throw new Error(`${host} did not say how it is`);
  return state;
}

/** Of a host that is up; undefined: it has no such unit. */
export async function unitState(cluster: Cluster, host: string, name: string): Promise<UnitState | undefined> {
  return (await hostState(cluster, host)).units.find((unit) => unit.name === name);
}

/** pid of every unit, by `unit@host`; all hosts have to be up. */
export async function processIds(cluster: Cluster): Promise<Record<string, number | null>> {
  const states = Object.entries(await allStates(cluster));
  return Object.fromEntries(states.flatMap(([host, { units }]) => units.map((unit) => [`${unit.name}@${host}`, unit.pid])));
}

/** The end of what every agent said. */
export async function lastWords({ lab }: Cluster): Promise<string> {
  const words = Object.keys(lab.hosts).map(async (host) => {
    const lines = (await readFile(join(lab.dir, 'hosts', host, 'console.log'), 'utf8')).trimEnd().split('\n');
    return [`--- ${host}`, ...lines.slice(-40)].join('\n');
  });
  return (await Promise.allSettled(words)).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))).join('\n');
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 40_000): Promise<number> {
  const startedAt = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAt > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(20);
  }
  return performance.now() - startedAt;
}

export interface SteadyClient {
  /** Stops and says what happened: answers other than 2xx, errors, and how many requests there were. */
  stop(): Promise<{ requests: number; failures: string[] }>;
}

/** Reads the catalogue through the gateway every 20 ms, each request on a connection of its own, without any retry. */
export function steadyClient(cluster: Cluster): SteadyClient {
  const where = { host: cluster.spec.gatewayAddress ?? '', port: cluster.spec.topology.gateway?.port ?? 0, path: '/products' };
  const failures: string[] = [];
  const pending = new Set<Promise<void>>();
  let requests = 0;
  const ask = async (): Promise<void> => {
    requests += 1;
    const status = await new Promise<number | string>((resolve) => {
      const asked = request({ ...where, agent: false, signal: AbortSignal.timeout(3_000) }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', (error) => resolve(error.message));
      });
      asked.once('error', (error) => resolve(error.message));
      asked.end();
    });
    if (status !== 200) failures.push(`${new Date().toISOString()} ${status}`);
  };
  const timer = setInterval(() => {
    const one = ask();
    pending.add(one);
    void one.finally(() => pending.delete(one));
  }, 20);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
      return { requests, failures };
    },
  };
}
