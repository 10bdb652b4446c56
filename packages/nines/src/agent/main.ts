/** The agent's process: one per host, under systemd on a machine, under the lab's init in the lab. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { HostPaths } from '../engines/engine.ts';
import { etcdEndpoints } from '../engines/etcd/render.ts';
import { readSecrets } from '../identity/cluster-identity.ts';
import { type CertificateName, certificatePaths, HOST_CERTIFICATES } from '../identity/identity.ts';
import { installIdentity } from '../identity/install-identity.ts';
import { createStore } from '../store/store.ts';
import { Agent } from './agent.ts';
import { AGENT_PORT } from '../topology/ports.ts';
import { type ApiServers, startApi } from './api.ts';
import { DesiredState, parseSpec, saveSpec } from './desired-state.ts';
import { ENGINES } from './engines.ts';
import { readText } from './files.ts';
import { localView } from './local-view.ts';
import { tailLog } from './log-files.ts';
import { Migrations } from './migrations.ts';
import { followStore } from './store-link.ts';

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
  const paths: HostPaths = { dataDir: options.data, runDir: options.run, projectDir: options.project, nodeFile: process.execPath };
  const identityDir = join(paths.dataDir, 'identity');
  await mkdir(paths.runDir, { recursive: true });
  await installIdentity({ seedDir: options.seed, identityDir });
  const desired = firstDesiredState(options);
  const secrets = await readSecrets(identityDir);
  const certificate = (name: CertificateName) => certificatePaths(identityDir, name);
  const tls = readTls(certificate('agent'));
  const store = createStore({ endpoints: etcdEndpoints(desired.spec, options.host), tls });
  const migrations = new Migrations({ store, host: options.host, dataDir: paths.dataDir, log });
  const agent = new Agent({
    host: options.host,
    paths,
    desired,
    secrets,
    engines: ENGINES,
    certificate,
    certificates: HOST_CERTIFICATES.map((name) => ({ name, expiresAtMs: expiryOf(certificate(name).certFile) })),
    beforeStart: (context, signal) => migrations.ensure(context, signal),
    log,
  });
  const api = await startApi(
    {
      state: () => agent.state(),
      log: (unit, lines) =>
        agent.state().units.some(({ name }) => name === unit) ? tailLog(join(agent.logDir, `${unit}.log`), lines) : null,
      local: (path) => localView(desired.spec, options.host, path),
    },
    {
      address: desired.spec.hosts[options.host]?.address ?? '127.0.0.1',
      port: AGENT_PORT,
      socketFile: join(paths.runDir, 'agent.sock'),
      tls,
    },
  );
  const ending = new AbortController();
  void followStore({
    store,
    host: options.host,
    desired,
    signal: ending.signal,
    onDesired: () => agent.plan(),
    onReachable: (reachable) => {
      agent.storeReachable = reachable;
    },
    log: (message) => log('agent', message),
  });
  log('agent', `runs host ${options.host} as process ${process.pid}`);
  endOnSignal(agent, api, ending);
}

/** On the host's disk, or for the first time from the seed. The newer one wins: a seed may be laid again by hand. */
function firstDesiredState({ host, seed, data }: AgentArguments): DesiredState {
  const file = join(data, 'desired.json');
  const seeded = readText(join(seed, 'desired.json'));
  if (readText(file) === null && seeded !== null) saveSpec(file, parseSpec(seeded, host));
  return new DesiredState(file, host);
}

function readTls(paths: { caFile: string; certFile: string; keyFile: string }): { ca: string; cert: string; key: string } {
  const read = (file: string) => readFileSync(file, 'utf8');
  return { ca: read(paths.caFile), cert: read(paths.certFile), key: read(paths.keyFile) };
}

function expiryOf(certificateFile: string): number {
  return Date.parse(new X509Certificate(readFileSync(certificateFile)).validTo);
}

/** TERM ends the agent alone: the units go on, and the next agent adopts them. */
function endOnSignal(agent: Agent, api: ApiServers, ending: AbortController): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log('agent', `ends on ${signal}; its units go on`);
      ending.abort();
      agent.close();
      void api.close().finally(() => process.exit(0));
    });
  }
}

// The entry is this very module, not a small one beside it: `up` compiles it into Node's cache by importing it.
if (import.meta.main) await runAgent(readArguments(process.argv.slice(2)));
