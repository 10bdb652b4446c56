/** The agent's process: one per host, under systemd on a machine, under the lab's init in the lab. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { HostPaths, UnitContext } from '../engines/engine.ts';
import { etcdEndpoints } from '../engines/etcd/render.ts';
import { createPostgresControl } from '../engines/postgres/member-control.ts';
import { migrationPlan } from '../engines/service/migration.ts';
import { readSecrets } from '../identity/cluster-identity.ts';
import { type CertificateName, certificatePaths, HOST_CERTIFICATES } from '../identity/identity.ts';
import { installIdentity } from '../identity/install-identity.ts';
import { TIMING } from '../failover/timing.ts';
import { createStore, type Store } from '../store/store.ts';
import { Agent } from './agent.ts';
import { AGENT_PEER_PORT, AGENT_PORT } from '../topology/ports.ts';
import { startApi } from './api.ts';
import { claimHost } from './claim-host.ts';
import { DesiredState, parseSpec, saveSpec } from './desired-state.ts';
import { ENGINES } from './engines.ts';
import { FailoverGroups } from './failover/failover-groups.ts';
import type { Failover } from './failover/groups.ts';
import { PostgresRunner } from './failover/postgres-runner.ts';
import { readText } from './files.ts';
import { FirstTimes } from './first-times.ts';
import { localView } from './local-view.ts';
import { tailLog } from './log-files.ts';
import { Migrations } from './migrations.ts';
import { createPeers, type PeerTls } from './peers/create-peers.ts';
import type { Peers } from './peers/peers.ts';
import { startRouting } from './routing/routing.ts';
import { run, RunError } from './run.ts';
import { followStore } from './store-link.ts';

/** As `nice` counts: -20 first, 19 last. */
const AGENT_PRIORITY = -10;
/** An agent that ends drives nothing any more, and the next one cannot begin before it is gone. */
const END_MS = 5_000;
const MIGRATION_TIMEOUT_MS = 10 * 60_000;

export interface AgentArguments {
  host: string;
  /** Folder with what this host was given: identity files and desired.json. */
  seed: string;
  data: string;
  run: string;
  project: string;
}

export function readArguments(argv: string[]): AgentArguments {
  const { values } = parseArgs({
    args: argv,
    options: {
      host: { type: 'string' },
      seed: { type: 'string' },
      data: { type: 'string', default: '/var/lib/nines' },
      run: { type: 'string', default: '/run/nines' },
      project: { type: 'string' },
    },
  });
  const { host, seed, project } = values;
  if (host === undefined || seed === undefined || project === undefined) throw new Error('--host, --seed and --project are needed');
  return { host, seed, data: values.data, run: values.run, project };
}

/** One JSON line per event on standard output; the host's init or systemd keeps it. */
function log(unit: string, message: string): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), unit, message })}\n`);
}

export async function runAgent(options: AgentArguments): Promise<void> {
  // Its log may lie on a full disk; what it supervises must not fall with it.
  process.stdout.on('error', () => undefined);
  const paths: HostPaths = { dataDir: options.data, runDir: options.run, projectDir: options.project, nodeFile: process.execPath };
  const identityDir = join(paths.dataDir, 'identity');
  await mkdir(paths.runDir, { recursive: true });
  await claimHost(paths.runDir);
  preferAgent();
  await installIdentity({ seedDir: options.seed, identityDir });
  const desired = firstDesiredState(options);
  const secrets = await readSecrets(identityDir);
  const certificate = (name: CertificateName) => certificatePaths(identityDir, name);
  const tls = readTls(certificate('agent'));
  const store = createStore({ endpoints: etcdEndpoints(desired.spec, options.host), tls });
  const migrations = new Migrations({
    store,
    host: options.host,
    dataDir: paths.dataDir,
    execute: (context, service, signal) => migrate(context, service, join(paths.dataDir, 'logs', `${context.unit.name}.log`), signal),
    log,
  });
  const firstTime = new FirstTimes({ store, cluster: desired.spec.topology.name, host: options.host });
  const peers = await connectPeers(options.host, desired, tls);
  const groups = failoverGroups(options.host, desired, peers, store);
  const agent = new Agent({
    ...{ host: options.host, paths, desired, secrets, engines: ENGINES, certificate, firstTime, log },
    certificates: HOST_CERTIFICATES.map((name) => ({ name, expiresAtMs: expiryOf(certificate(name).certFile) })),
    beforeStart: (context, signal) => migrations.ensure(context, signal),
    runnerOf: (engine, name, unit) =>
      engine === 'postgres' ? new PostgresRunner(name, { unit, firstTime, groups, createControl: createPostgresControl }) : null,
  });
  const api = await startApi(
    {
      state: () => agent.state(),
      log: (unit, lines) =>
        agent.state().units.some(({ name }) => name === unit) ? tailLog(join(agent.logDir, `${unit}.log`), lines) : null,
      local: (path) => localView(desired.spec, options.host, path),
      failover: groups,
    },
    {
      address: desired.spec.hosts[options.host]?.address ?? '127.0.0.1',
      port: AGENT_PORT,
      socketFile: join(paths.runDir, 'agent.sock'),
      tls,
    },
  );
  const routing = await routeClients(options.host, paths, desired, groups);
  const ending = new AbortController();
  void followStore({
    store,
    host: options.host,
    desired,
    signal: ending.signal,
    onDesired: () => {
      groups.update();
      agent.plan();
    },
    onReachable: (reachable) => {
      agent.storeReachable = reachable;
    },
    log: (message) => log('agent', message),
  });
  log('agent', `runs host ${options.host} as process ${process.pid}`);
  endOnSignal(agent, ending, async () => {
    groups.close();
    await Promise.all([api.close(), routing.close(), peers.close()]);
  });
}

function failoverGroups(host: string, desired: DesiredState, peers: Peers, store: Store): FailoverGroups {
  return new FailoverGroups({
    ...{ host, peers, store, log },
    spec: () => desired.spec,
    timing: TIMING,
    now: () => performance.now(),
    wallClock: Date.now,
    random: Math.random,
  });
}

/** The gateway and load balancers, which follow the leader. */
async function routeClients(host: string, paths: HostPaths, desired: DesiredState, failover: Failover): ReturnType<typeof startRouting> {
  return await startRouting({ failover, host, paths, spec: () => desired.spec, log: (message) => log('routing', message) });
}

/** The other agents, for what cannot wait for etcd: who is alive, and promises. */
async function connectPeers(host: string, desired: DesiredState, tls: PeerTls): Promise<Peers> {
  return await createPeers({
    host,
    address: desired.spec.hosts[host]?.address ?? '127.0.0.1',
    port: AGENT_PEER_PORT,
    peers: () => Object.fromEntries(Object.entries(desired.spec.hosts).map(([name, { address }]) => [name, address])),
    tls,
    log: (message) => log('agent', message),
  });
}

/** Whoever starts the others again must not wait for them: on a machine without idle CPU that took up to a second. */
function preferAgent(): void {
  try {
    setPriority(AGENT_PRIORITY);
  } catch {
    // Without the right to it (a container, a test) the agent works all the same.
  }
}

/** On the host's disk, or for the first time from the seed. The newer one wins: a seed may be laid again by hand. */
function firstDesiredState({ host, seed, data }: AgentArguments): DesiredState {
  const file = join(data, 'desired.json');
  const text = readText(join(seed, 'desired.json'));
  const seeded = text === null ? null : parseSpec(text, host);
  if (readText(file) === null && seeded !== null) saveSpec(file, seeded);
  const desired = new DesiredState(file, host);
  if (seeded !== null) desired.accept(seeded);
  return desired;
}

function readTls(paths: { caFile: string; certFile: string; keyFile: string }): { ca: string; cert: string; key: string } {
  const read = (file: string) => readFileSync(file, 'utf8');
  return { ca: read(paths.caFile), cert: read(paths.certFile), key: read(paths.keyFile) };
}

function expiryOf(certificateFile: string): number {
  return Date.parse(new X509Certificate(readFileSync(certificateFile)).validTo);
}

/** All it says when it fails goes to the log of the unit that waits for it: the reason in the status is one line. */
async function migrate(context: UnitContext, service: string, logFile: string, signal: AbortSignal): Promise<void> {
  const { argv, ...how } = migrationPlan(context, service);
  try {
    await run(argv, { ...how, timeoutMs: MIGRATION_TIMEOUT_MS, signal });
  } catch (error) {
    if (error instanceof RunError) await appendFile(logFile, error.stderr, { mode: 0o640 });
    throw error;
  }
}

/** TERM ends the agent alone: the units go on, and the next agent adopts them. */
function endOnSignal(agent: Agent, ending: AbortController, close: () => Promise<unknown>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log('agent', `ends on ${signal}; its units go on`);
      ending.abort();
      agent.close();
      void Promise.race([close(), delay(END_MS)]).finally(() => process.exit(0));
    });
  }
}

// The entry is this very module, not a small one beside it: `up` compiles it into Node's cache by importing it.
if (import.meta.main) await runAgent(readArguments(process.argv.slice(2)));
