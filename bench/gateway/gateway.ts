/**
 * Throughput through the configuration that Nines renders, against the same service behind a minimal HAProxy written
 * by hand: what retries, replays, request ids and checks cost. Same binary, same machine, same moment.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { Engine, UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { haproxy } from '../../packages/nines/src/engines/haproxy/engine.ts';
import { routes } from '../../packages/nines/src/engines/haproxy/routes.ts';
import { gatewayContext, gatewaySpec } from '../../packages/nines/src/engines/haproxy/testing/gateway-spec.ts';
import { startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import { cpuSeconds, median, type ScenarioResult, scenarioResult, table, versionLine, writeResult } from '../result.ts';
import type { Bench } from '../run.ts';
import { load, loadTool, type Scenario } from './load.ts';
import { handWritten } from './hand-written.ts';

const DEFAULT_RUNS = 7;
const SECONDS_PER_RUN = 3;
const WARM_UP_SECONDS = 2;
const GOAL = 0.95;
const HAPROXY = '/usr/sbin/haproxy';
const PEER = 'haproxy by hand';
const SCENARIOS: Scenario[] = [
  { name: 'GET', method: 'GET', bodyBytes: 0 },
  { name: 'PUT 10 kB', method: 'PUT', bodyBytes: 10_000 },
];

interface System {
  name: string;
  url: string;
  /** The process that carries the requests. */
  pid: number;
  perSecond: Map<string, number[]>;
  cpuMicroseconds: Map<string, number[]>;
  failed: Map<string, number>;
}

export const gatewayBench: Bench = {
  what: "throughput through Nines' gateway against a minimal HAProxy written by hand",
  run,
};

async function run({ runs: given }: { runs: number | null }): Promise<boolean> {
  const runs = given ?? DEFAULT_RUNS;
  const folder = mkdtempSync(join(tmpdir(), 'nines-bench-gateway-'));
  chmodSync(folder, 0o755);
  const cleanUp: (() => Promise<unknown> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    const spec = gatewaySpec({
      hosts: { h1: '127.0.23.51', h2: '127.0.23.52', h3: '127.0.23.53' },
      gatewayAddress: '127.0.23.150',
      services: { orders: { replicas: 3 } },
    });
    for (const { servers } of routes(spec)) {
      for (const server of servers) cleanUp.push(await startService(server.address, server.port));
    }
    const context = gatewayContext(spec, folder);
    const nines = await startNines(context);
    cleanUp.push(nines.stop);
    const peer = await startByHand(context);
    cleanUp.push(peer.stop);
    const systems = [nines.system, peer.system];
    // The services' code is compiled meanwhile; it took a third more CPU per request before that.
    for (const scenario of SCENARIOS) await load(nines.system.url, scenario, WARM_UP_SECONDS, folder);
    for (let i = 0; i < runs; i++) {
      // Alternating, and each first in every second run: what else the machine does hits both.
      for (const scenario of SCENARIOS) {
        for (const system of i % 2 === 0 ? systems : systems.toReversed()) await measure(system, scenario, folder);
      }
      process.stdout.write(`run ${i + 1} of ${runs} done\n`);
    }
    return report(systems);
  } finally {
    for (const clean of cleanUp.toReversed()) await clean();
  }
}

async function measure(system: System, scenario: Scenario, folder: string): Promise<void> {
  const before = cpuSeconds([system.pid]);
  const figures = await load(system.url, scenario, SECONDS_PER_RUN, folder);
  const used = cpuSeconds([system.pid]) - before;
  const add = (map: Map<string, number[]>, value: number) => map.set(scenario.name, [...(map.get(scenario.name) ?? []), value]);
  add(system.perSecond, figures.requestsPerSecond);
  add(system.cpuMicroseconds, (used * 1e6) / figures.requests);
  system.failed.set(scenario.name, (system.failed.get(scenario.name) ?? 0) + figures.failed);
}

function report(systems: System[]): boolean {
  const results: ScenarioResult[] = SCENARIOS.flatMap(({ name }) => [
    ...systems.map((system) => scenarioResult(system.name, name, 'requests/s', system.perSecond.get(name) ?? [], system.failed.get(name))),
    ...systems.map((system) =>
      scenarioResult(system.name, `${name}, CPU of HAProxy`, 'us/request', system.cpuMicroseconds.get(name) ?? []),
    ),
  ]);
  const versions = {
    haproxy: versionLine([HAPROXY, '-v']),
    node: process.version,
    load: loadTool() === 'wrk' ? 'wrk, 32 connections' : 'undici, 32 connections',
  };
  const file = writeResult('gateway', versions, results);
  const lines = Object.entries(versions).map(([name, version]) => `${name}: ${version}`);
  process.stdout.write(`\n${lines.join('\n')}\n\n${table(results)}\n\n`);
  const [nines, peer] = systems;
  // Of neighbours in time: whatever else the machine did in that half minute hit both.
  const ratios = SCENARIOS.map(({ name }) => {
    const theirs = peer?.perSecond.get(name) ?? [];
    return median((nines?.perSecond.get(name) ?? []).map((ours, i) => ours / (theirs[i] ?? Number.NaN)));
  });
  SCENARIOS.forEach(({ name }, i) =>
    process.stdout.write(`${name}: ${ratios[i]?.toFixed(3)} of ${PEER}, median of the pairs (goal ${GOAL})\n`),
  );
  process.stdout.write(`written: ${file}\n`);
  return ratios.every((ratio) => ratio >= GOAL);
}

async function startService(address: string, port: number): Promise<() => Promise<void>> {
  const file = fileURLToPath(new URL('./service-process.ts', import.meta.url));
  const child = fork(file, [address, String(port)], { stdio: 'inherit' });
  await once(child, 'message', { signal: AbortSignal.timeout(10_000) });
  return () => ended(child, 'SIGKILL');
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function system(name: string, url: string, pid: number): System {
  return { name, url, pid, perSecond: new Map(), cpuMicroseconds: new Map(), failed: new Map() };
}

/** The one that carries the requests: HAProxy's master only watches it. */
function workerOf(master: number): number {
  return Number(readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').split(' ')[0]);
}

async function startNines(context: UnitContext): Promise<{ system: System; stop: () => Promise<void> }> {
  const started = await startUnit(haproxy, context);
  return { system: system('nines', `http://${context.spec.gatewayAddress}:8080/`, workerOf(started.pid)), stop: () => started.stop() };
}

/** Started in every way like the other one (user, session, master and worker): only the configuration differs. */
async function startByHand(context: UnitContext): Promise<{ system: System; stop: () => Promise<void> }> {
  const address = '127.0.23.151';
  const servers = routes(context.spec).flatMap((route) => route.servers);
  const byHand: Engine = {
    plan: () => {
      const plan = haproxy.plan(context);
      const folder = join(context.paths.dataDir, 'units', 'by-hand');
      const file = join(folder, 'haproxy.cfg');
      return {
        ...plan,
        name: 'by-hand',
        argv: [HAPROXY, '-W', '-f', file],
        env: {},
        directories: [{ path: folder, mode: 0o750 }],
        files: [{ path: file, content: handWritten(`${address}:8080`, servers), mode: 0o600, onChange: 'nothing' }],
      };
    },
    observe: async () => {
      const answer = await request(`http://${address}:8080/`).catch(() => null);
      await answer?.body.dump();
      return { ready: answer?.statusCode === 200, live: true, reason: `status ${answer?.statusCode ?? 'none'}` };
    },
  };
  const started = await startUnit(byHand, context);
  return { system: system(PEER, `http://${address}:8080/`, workerOf(started.pid)), stop: () => started.stop() };
}
