/** From a project to a running cluster in the lab: everything ready, or nothing left behind. */
import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../agent/run.ts';
import { requireEngines } from '../engines/machine/require.ts';
import { NinesError } from '../errors/errors.ts';
import { allDone } from '../identity/atomic-file.ts';
import { createClusterIdentity } from '../identity/cluster-identity.ts';
import { issueHostIdentity, issueOperatorIdentity } from '../identity/host-identity.ts';
import { bootHost, createLab, destroyLab, type Lab } from '../lab/index.ts';
import { type ClusterSpec, type EngineName } from '../topology/cluster-spec.ts';
import { makeClusterSpec } from '../topology/make-cluster-spec.ts';
import { Cluster, labPaths } from './cluster.ts';
import { checkReadable, hostView, type Project } from './project.ts';
import type { Readiness } from './readiness.ts';

export interface UpOptions {
  project: Project;
  labName: string;
  labsDir: string;
  /** Folder for Node's compile cache, kept between runs: agents that find their code compiled are 40 MB smaller. */
  cacheDir: string;
  timeoutMs: number;
  signal: AbortSignal;
  progress: UpProgress;
}

export interface UpProgress {
  /** A stage began. */
  stage(name: string): void;
  /** Units are becoming ready. */
  ready(now: Readiness): void;
}

/** Rejects after it has removed what it made; a lab that existed before is left alone (E_LAB_EXISTS). */
export async function bringUp(options: UpOptions): Promise<Cluster> {
  const { project, labName, labsDir, signal, progress } = options;
  requireRoot();
  requireEngines(enginesOf(project));
  await checkReadable(project);
  progress.stage('network and disks');
  const lab = await createLab({
    name: labName,
    labsDir,
    hosts: project.topology.hosts,
    gatewayAddress: project.topology.gateway?.address ?? null,
    signal,
    log: () => undefined,
  });
  let cluster: Cluster | null = null;
  try {
    const spec = specFor(project, lab);
    progress.stage('certificates and secrets');
    await allDone([writeIdentities(lab, spec, signal), compileAgent(options.cacheDir, signal)]);
    progress.stage('hosts');
    await bootHosts(lab, options);
    cluster = await Cluster.open(lab);
    progress.stage('units');
    await becomeReady(cluster, options);
    return cluster;
  } catch (cause) {
    const failure = cluster === null || signal.aborted ? cause : await withLogs(cluster, cause);
    cluster?.close();
    await removeLab(options, failure);
    throw failure;
  }
}

/** When it cannot be removed, why it was to be removed is said all the same. */
async function removeLab({ labsDir, labName }: UpOptions, failure: unknown): Promise<void> {
  try {
    // With a signal of its own: ours may be what ended the start.
    await destroyLab(labsDir, labName, { signal: AbortSignal.timeout(30_000), log: () => undefined });
  } catch (cause) {
    throw new NinesError(
      'E_LAB_COMMAND',
      `${messageOf(failure)}
and what was made could not be removed: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new NinesError('E_PERMISSION', 'the lab needs root on this machine');
}

function enginesOf({ topology }: Project): EngineName[] {
  const engines: EngineName[] = ['etcd'];
  if (topology.gateway !== null) engines.push('haproxy', 'keepalived');
  if (Object.keys(topology.postgres).length > 0) engines.push('postgres');
  if (Object.keys(topology.redis).length > 0) engines.push('redis', 'sentinel');
  if (topology.observe.prometheus) engines.push('prometheus');
  if (topology.observe.alertmanager) engines.push('alertmanager');
  return engines;
}

function specFor(project: Project, lab: Lab): ClusterSpec {
  return makeClusterSpec({
    topology: project.topology,
    addresses: Object.fromEntries(Object.entries(lab.hosts).map(([name, host]) => [name, host.address])),
    gatewayAddress: project.topology.gateway === null ? null : lab.gatewayAddress,
    networkPrefix: lab.network.prefix,
  });
}

async function writeIdentities(lab: Lab, spec: ClusterSpec, signal: AbortSignal): Promise<void> {
  const paths = labPaths(lab);
  await createClusterIdentity({ dir: paths.identityDir, topology: spec.topology, signal });
  const text = `${JSON.stringify(spec)}\n`;
  await writeFile(paths.specFile, text, { mode: 0o600 });
  const clusterDir = paths.identityDir;
  await issueOperatorIdentity({ clusterDir, outDir: paths.operatorDir, signal });
  await allDone(
    Object.entries(spec.hosts).map(async ([host, { address }]) => {
      await issueHostIdentity({ clusterDir, outDir: paths.seedDir(host), host, address, gatewayAddress: spec.gatewayAddress, signal });
      await writeFile(join(paths.seedDir(host), 'desired.json'), text, { mode: 0o600 });
    }),
  );
}

// The source in a clone, the compiled module in the published package.
const AGENT_ENTRY = fileURLToPath(new URL(`../agent/main${extname(import.meta.url)}`, import.meta.url));

async function bootHosts(lab: Lab, { project, cacheDir, signal }: UpOptions): Promise<void> {
  const view = hostView(project, process.execPath);
  const seedTarget = '/run/nines/seed';
  const boot = async (host: string): Promise<void> => {
    await bootHost(lab, host, {
      argv: [
        view.nodeFile,
        '--max-semi-space-size=1',
        AGENT_ENTRY,
        ...['--host', host, '--seed', seedTarget, '--project', view.projectDir],
      ],
      env: {
        NODE_COMPILE_CACHE: cacheDir,
        NODE_ENV: 'production',
        // One arena: memory that one thread frees is another's to use.
        MALLOC_ARENA_MAX: '1',
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C.UTF-8',
      },
      mounts: [...view.mounts, { source: labPaths(lab).seedDir(host), target: seedTarget, readOnly: true }],
      signal,
    });
  };
  await allDone(Object.keys(lab.hosts).map(boot));
}

/**
 * The agent's modules, compiled into Node's cache by a process that only imports them: an agent that has to strip types
 * itself loads the compiler for good and is 40 MB larger.
 */
async function compileAgent(cacheDir: string, signal: AbortSignal): Promise<void> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const importOnly = `await import(${JSON.stringify(pathToFileURL(AGENT_ENTRY).href)})`;
  const env = { NODE_COMPILE_CACHE: cacheDir, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  await run([process.execPath, '--input-type=module', '--eval', importOnly], { env, signal });
}

async function becomeReady(cluster: Cluster, { timeoutMs, signal, progress }: UpOptions): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  await cluster.waitReady(deadline, (now) => progress.ready(now));
  await cluster.publishFirstSpec(signal);
}

/** The failure with the last words of every unit that is not ready: the lab is about to go, and its logs with it. */
async function withLogs(cluster: Cluster, cause: unknown): Promise<unknown> {
  if (!(cause instanceof NinesError) || cause.code !== 'E_START_TIMEOUT') return cause;
  const signal = AbortSignal.timeout(5_000);
  const answers = await cluster.states(signal);
  const words: string[] = [];
  for (const { host, state } of answers) {
    for (const unit of state?.units ?? []) {
      if (unit.ready) continue;
      const tail = await cluster.agents.log(cluster.addresses[host] ?? '', unit.name, 12, signal).catch((error: unknown) => String(error));
      words.push(`--- ${unit.name} on ${host} (${unit.condition}: ${unit.reason})\n${tail}`);
    }
  }
  return new NinesError(cause.code, `${cause.message}\n${words.join('\n')}`, {
    cause,
    hint: 'Nothing is left of it: correct it and bring it up again.',
  });
}

/** Where labs and the compile cache live on this machine. */
export const MACHINE_PATHS = { labsDir: '/var/lib/nines/labs', cacheDir: '/var/cache/nines/compile' } as const;
