/** Three hosts of one cluster for the tests of PostgreSQL and Redis: loopback addresses, folders under /tmp, real identities. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { createClusterIdentity, readSecrets } from '../../packages/nines/src/identity/cluster-identity.ts';
import { issueHostIdentity } from '../../packages/nines/src/identity/host-identity.ts';
import { type ClusterSecrets, certificatePaths } from '../../packages/nines/src/identity/identity.ts';
import { installIdentity } from '../../packages/nines/src/identity/install-identity.ts';
import type { ClusterSpec, EngineName, PlacedUnit } from '../../packages/nines/src/topology/cluster-spec.ts';
import type { PostgresTopology, RedisTopology, Topology } from '../../packages/nines/src/topology/topology.ts';

const addressesIn = (network: string) => [1, 2, 3].map((number) => `${network}.${number}`);
export const ADDRESSES = addressesIn('127.0.22');

export interface TestCluster {
  folder: string;
  spec: ClusterSpec;
  secrets: ClusterSecrets;
  /** Of the unit of that engine on the n-th host. */
  context(engine: EngineName, ordinal: number): UnitContext;
  identityDir(ordinal: number): string;
  remove(): void;
}

interface Groups {
  postgres?: Record<string, PostgresTopology>;
  redis?: Record<string, RedisTopology>;
  /** Ordinal of the initial leader of each group. */
  leader: number;
  engines: EngineName[];
  /** First three numbers of the hosts' addresses; of tests that run at one time each its own. */
  network?: string;
}

export async function testCluster(groups: Groups): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'nines-data-'));
  // The engines' unprivileged users pass through it.
  chmodSync(folder, 0o711);
  const spec = specOf(groups);
  const clusterDir = join(folder, 'cluster');
  const signal = AbortSignal.timeout(30_000);
  await createClusterIdentity({ dir: clusterDir, topology: spec.topology, signal });
  const identityDir = (ordinal: number) => join(folder, `h${ordinal}`, 'data', 'identity');
  for (const [ordinal, { address }] of Object.values(spec.hosts).entries()) {
    const seedDir = join(folder, 'seeds', `h${ordinal}`);
    await issueHostIdentity({ clusterDir, outDir: seedDir, host: `h${ordinal}`, address, signal });
    await installIdentity({ seedDir, identityDir: identityDir(ordinal) });
  }
  const secrets = await readSecrets(clusterDir);
  const context = (engine: EngineName, ordinal: number): UnitContext => {
    const unit = spec.placement.units.find((placed) => placed.engine === engine && placed.ordinal === ordinal);
    if (unit === undefined) throw new Error(`no ${engine} ${ordinal}`);
    const base = join(folder, `h${ordinal}`);
    const paths = { dataDir: join(base, 'data'), runDir: join(base, 'run'), projectDir: base, nodeFile: process.execPath };
    return { spec, unit, paths, secrets, certificate: (name) => certificatePaths(identityDir(ordinal), name) };
  };
  return { folder, spec, secrets, context, identityDir, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function specOf({ postgres = {}, redis = {}, leader, engines, network = '127.0.22' }: Groups): ClusterSpec {
  const topology: Topology = {
    name: 'test',
    hosts: Object.fromEntries(
      addressesIn(network).map((address, index) => [`h${index}`, { region: 'west', zone: 'abc'[index]!, address }]),
    ),
    services: {},
    gateway: null,
    postgres,
    redis,
    etcd: { replicas: 0, clientPort: 2379, peerPort: 2380 },
    observe: {
      prometheus: false,
      alertmanager: false,
      prometheusPort: 9090,
      alertmanagerPort: 9093,
      scrapeIntervalMs: 1000,
      retentionMs: 1,
    },
    objectives: { availability: 99.9, readDeadlineMs: 1000, writeDeadlineMs: 1000 },
  };
  const unitsOf = (engine: EngineName, group: string): PlacedUnit[] =>
    addressesIn(network).map((_, ordinal) => ({
      name: `${engine}-${group}`,
      engine,
      group,
      host: `h${ordinal}`,
      ordinal,
      slot: 0,
      initialLeader: engine !== 'sentinel' && ordinal === leader,
      reason: 'test',
    }));
  const groupOf = (engine: EngineName) => Object.keys(engine === 'postgres' ? postgres : redis);
  return {
    revision: 1,
    topology,
    hosts: Object.fromEntries(
      addressesIn(network).map((address, index) => [`h${index}`, { address, zone: 'abc'[index]!, region: 'west' }]),
    ),
    gatewayAddress: null,
    networkPrefix: 24,
    placement: { units: engines.flatMap((engine) => groupOf(engine).flatMap((group) => unitsOf(engine, group))) },
    restarts: {},
    holds: [],
  };
}

/** Every password of the cluster that stands in a log below its folder, in a process's argv, or in the extra texts. */
export function exposedSecrets(cluster: TestCluster, logFiles: string[]): string[] {
  const passwords = { ...cluster.secrets.postgres, ...cluster.secrets.redis };
  const commandLines = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => readIfPresent(`/proc/${pid}/cmdline`));
  const texts = [...logFiles.map((file) => readFileSync(file, 'utf8')), ...commandLines];
  return Object.entries(passwords).flatMap(([name, password]) => (texts.some((text) => text.includes(password)) ? [name] : []));
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process ended in the meantime.
  }
}

/** Until `condition` holds; fails with `what` after `timeoutMs`. Resolves with the milliseconds that took. */
export async function eventually(what: string, timeoutMs: number, condition: () => Promise<boolean>): Promise<number> {
  const startedAt = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAt > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Math.round(performance.now() - startedAt);
}
